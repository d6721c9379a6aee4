"""A Hub on this machine: the requests that huggingface_hub makes, answered from memory, with faults on demand.

Repositories are commits of `path -> bytes`. Files that belong to Git LFS are sent from another origin (`localhost`
instead of `127.0.0.1`), as the Hub does, so that a test sees what goes along to it.
"""

from __future__ import annotations

import hashlib
import re
import threading
import uuid
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from typing import Any

from faults import Fault
from repository import LFS, LFS_SIZE, Repository
from routes import Handler, Seen


class Hub:
    """The server; use it as a context manager. Tests of one module share it, each with a repository of its own."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, tuple[str, str]] = {}
        self.objects: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.pull_requests: list[str] = []
        self.page = 1000
        self.lock = threading.RLock()
        handler = type("Handler", (Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up in many tests
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def token(self, name: str, user: str, role: str = "write") -> str:
        self.tokens[name] = (user, role)
        return name

    def add(self, name: str, files: Mapping[str, bytes] | None = None, **state: Any) -> Repository:
        """A repository with these files in its one commit."""
        repository = self.repositories.setdefault(name, Repository(**state))
        self.commit(repository, dict(files or {".gitattributes": b""}))
        return repository

    def commit(self, repository: Repository, files: Mapping[str, bytes], branch: str = "main") -> str:
        sha = hashlib.sha1(uuid.uuid4().bytes).hexdigest()
        repository.commits[sha] = dict(files)
        repository.branches[branch] = sha
        repository.lfs |= {name for name, data in files.items() if name.endswith(LFS) or len(data) > LFS_SIZE}
        self.objects |= {hashlib.sha256(data).hexdigest(): data for data in files.values()}
        return sha

    def fault(self, kind: str, path: str, method: str = ".*", times: int = -1, skip: int = 0, **how: Any) -> Fault:
        """Answer requests that match wrongly; `times` of them, after letting `skip` through."""
        made = Fault(kind, re.compile(path), re.compile(method), times, skip, how)
        self.faults.append(made)
        return made

    def matching(self, method: str, path: str) -> list[Fault]:
        with self.lock:
            return [found for found in self.faults if found.strikes(method, path)]

    def requests(self, part: str) -> list[str]:
        """What was asked about a repository, or with some words in the path."""
        return [str(seen) for seen in self.seen if part in seen.path]
