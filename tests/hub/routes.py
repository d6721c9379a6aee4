"""What the loopback Hub answers to each request, and who may ask for what."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import yaml
from faults import Sent, send
from repository import LFS, LFS_SIZE, Repository, entry, git_sha1

if TYPE_CHECKING:
    from loopback import Hub


class Refused(Exception):
    """An answer that is an error: status, and what the Hub's headers say."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Seen:
    """A request that came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    host: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None: ...

    def answer(self) -> None:
        parts = urlsplit(self.path)
        self.path_only, self.query = parts.path, parse_qs(parts.query, keep_blank_values=True)
        self.body = self._body()
        headers = {key.lower(): value for key, value in self.headers.items()}
        with self.hub.lock:
            self.hub.seen.append(Seen(self.command, unquote(parts.path), headers, headers.get("host", "")))
        self.struck = self.hub.matching(self.command, unquote(self.path))
        try:
            self._answer()
        except Refused as refused:
            extra = {"X-Error-Code": refused.code} if refused.code else {}
            extra |= {"X-Error-Message": refused.message} if refused.message else {}
            self.reply(refused.status, json.dumps({"error": refused.message}).encode(), extra)
        except OSError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self) -> None:
        for fault in self.struck:
            if fault.before(self):
                return
        for pattern, methods, route in ROUTES:
            match = pattern.fullmatch(self.path_only)
            if match and self.command in methods.split():
                route(self, *(unquote(group or "") for group in match.groups()))
                return
        raise Refused(404, message=f"no route {self.command} {self.path_only}")

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        send(self, Sent(status, body, {**(headers or {})}), self.struck)

    def json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        for fault in self.struck:
            value = fault.rewritten(value)
        self.reply(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    # Who asks, and what they may see.

    def user(self) -> tuple[str, str] | None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given not in self.hub.tokens:
            raise Refused(401, message="Invalid credentials in Authorization header")
        return self.hub.tokens.get(given)

    def repository(self, name: str, write: bool = False, content: bool = False) -> Repository:
        user, repository = self.user(), self.hub.repositories.get(name)
        inside = bool(user and repository and (name.startswith(user[0] + "/") or user[0] in repository.allowed))
        if repository is None or (repository.private and not inside):
            raise Refused(404 if user else 401, "RepoNotFound", "Repository not found")
        if repository.disabled:
            raise Refused(403, message="Access to this resource is disabled.")
        if content and repository.gated and not inside:
            raise Refused(403 if user else 401, "GatedRepo", "Access to this model is restricted.")
        if write and not (inside and user and user[1] == "write"):
            raise Refused(403 if user else 401, message="You don't have the rights")
        return repository

    def revision(self, repository: Repository, name: str) -> str:
        sha = repository.branches.get(name) or repository.tags.get(name) or name
        if sha not in repository.commits:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {name}")
        return sha

    # Reading.

    def info(self, name: str, revision: str = "") -> None:
        repository = self.repository(name)
        self.json(self._facts(name, repository, self.revision(repository, revision or "main")))

    def _facts(self, name: str, repository: Repository, sha: str) -> dict[str, Any]:
        card = repository.commits[sha].get("README.md", b"").decode(errors="replace")
        front = yaml.safe_load(card.split("---")[1]) if card.startswith("---") else {}
        tags = [front.get("library_name"), *front.get("tags", []), f"license:{front.get('license')}"]
        files = [{"rfilename": path} for path in repository.commits[sha]]
        return {"id": name, "sha": sha, "private": repository.private, "tags": tags, "siblings": files, "downloads": 7}

    def tree(self, name: str, revision: str) -> None:
        repository = self.repository(name)
        files = repository.commits[self.revision(repository, revision)]
        self.json([entry(repository, path, data) for path, data in sorted(files.items())])

    def refs(self, name: str) -> None:
        repository = self.repository(name)
        named = {"branches": repository.branches, "tags": repository.tags}
        rows = {
            kind: [{"name": key, "ref": f"refs/{kind}/{key}", "targetCommit": sha} for key, sha in values.items()]
            for kind, values in named.items()
        }
        self.json({**rows, "converts": [], "pullRequests": []})

    def resolve(self, name: str, revision: str, path: str) -> None:
        repository = self.repository(name, content=True)
        sha = self.revision(repository, revision)
        if path not in repository.commits[sha]:
            raise Refused(404, "EntryNotFound", "Entry not found")
        data = repository.commits[sha][path]
        headers = {"X-Repo-Commit": sha, "ETag": f'"{git_sha1(data)}"'}
        if path not in repository.lfs:
            self.reply(200, data, headers)
            return
        oid = hashlib.sha256(data).hexdigest()
        linked = {"X-Linked-ETag": f'"{oid}"', "X-Linked-Size": str(len(data)), "ETag": '"of-the-redirect"'}
        address = f"http://localhost:{self.hub.port}/cdn/{quote(name)}/{oid}"
        self.reply(302, b"", {**headers, **linked, "Location": address})

    def cdn(self, _: str, oid: str) -> None:
        self.reply(200, self.hub.objects[oid], {"ETag": '"of-the-store"'})

    def models(self) -> None:
        self.user()
        rows = [self._facts(name, known, known.head) for name, known in sorted(self.hub.repositories.items())]
        for wanted in self.query.get("filter", []):
            rows = [row for row in rows if wanted in row["tags"]]
        text = self.query.get("search", [""])[0]
        rows = [row for row in rows if text in row["id"] and not row["private"]]
        start, size = int(self.query.get("cursor", ["0"])[0]), self.hub.page
        more = f"{self.hub.url}/api/models?search={quote(text)}&cursor={start + size}"
        self.json(rows[start : start + size], {"Link": f'<{more}>; rel="next"'} if rows[start + size :] else {})

    # Writing.

    def whoami(self) -> None:
        user = self.user()
        if user is None:
            raise Refused(401, message="Invalid username or password.")
        self.json({"type": "user", "name": user[0], "auth": {"accessToken": {"role": user[1]}}, "orgs": []})

    def create(self) -> None:
        wanted, user = json.loads(self.body), self.user()
        name = f"{wanted.get('organization') or (user or ['?'])[0]}/{wanted['name']}"
        if user is None or user[1] != "write" or not name.startswith(user[0] + "/"):
            raise Refused(403 if user else 401, message="You don't have the rights to create a model")
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.hub.add(name, private=private)
        self.json({"url": f"{self.hub.url}/{name}", "name": name})

    def validate(self) -> None:
        text = json.loads(self.body)["content"]
        try:
            yaml.safe_load(text.split("---")[1])
        except (yaml.YAMLError, IndexError) as error:
            raise Refused(400, message=str(error)) from error
        self.json({"errors": [], "warnings": []})

    def preupload(self, name: str, _: str) -> None:
        self.repository(name, write=True)
        files = json.loads(self.body)["files"]
        self.json({"files": [{"path": f["path"], "uploadMode": _mode(f), "shouldIgnore": False} for f in files]})

    def batch(self, name: str) -> None:
        self.repository(name, write=True)
        rows = []
        for wanted in json.loads(self.body)["objects"]:
            row: dict[str, Any] = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.hub.objects:
                place = f"{self.hub.url}/lfs/{quote(name, safe='')}/{wanted['oid']}"
                row["actions"] = {"upload": {"href": place}, "verify": {"href": f"{self.hub.url}/verify"}}
            rows.append(row)
        self.json({"transfer": "basic", "objects": rows})

    def put(self, _: str, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.objects[oid] = self.body
        self.reply(200)

    def verified(self) -> None:
        self.json({})

    def commit(self, name: str, branch: str) -> None:
        repository = self.repository(name, write=True)
        lines = [json.loads(line) for line in self.body.splitlines()]
        head = repository.branches.get(branch)
        files = dict(repository.commits.get(head or "", {}))
        for line in lines:
            value = line["value"]
            if line["key"] == "header" and value.get("parentCommit") not in (None, head):
                raise Refused(412, message="A commit has happened since. Please refresh and try again.")
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            if line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        proposed = "create_pr" in self.query
        sha = self.hub.commit(repository, files, "refs/pr/1" if proposed else branch)
        page = f"{self.hub.url}/{name}/discussions/1" if proposed else None
        self.hub.pull_requests += [page] if page else []
        for fault in self.struck:
            fault.after(self)
        self.json({"commitOid": sha, "commitUrl": f"{self.hub.url}/{name}/commit/{sha}", "pullRequestUrl": page})

    def tag(self, name: str, revision: str) -> None:
        repository = self.repository(name, write=True)
        repository.tags[json.loads(self.body)["tag"]] = self.revision(repository, revision)
        self.json({})


def _mode(file: Mapping[str, Any]) -> str:
    return "lfs" if file["path"].endswith(LFS) or file["size"] > LFS_SIZE else "regular"


_NAME = r"([^/]+/[^/]+)"
Route = Callable[..., None]
ROUTES: Iterable[tuple[re.Pattern[str], str, Route]] = [
    (re.compile(pattern), methods, route)
    for pattern, methods, route in (
        (r"/api/models", "GET", Handler.models),
        (r"/api/whoami-v2", "GET", Handler.whoami),
        (r"/api/repos/create", "POST", Handler.create),
        (r"/api/validate-yaml", "POST", Handler.validate),
        (rf"/api/models/{_NAME}", "GET", Handler.info),
        (rf"/api/models/{_NAME}/revision/([^/]+)", "GET", Handler.info),
        (rf"/api/models/{_NAME}/tree/([^/]+)", "GET", Handler.tree),
        (rf"/api/models/{_NAME}/refs", "GET", Handler.refs),
        (rf"/api/models/{_NAME}/preupload/([^/]+)", "POST", Handler.preupload),
        (rf"/api/models/{_NAME}/commit/([^/]+)", "POST", Handler.commit),
        (rf"/api/models/{_NAME}/tag/([^/]+)", "POST", Handler.tag),
        (rf"/{_NAME}\.git/info/lfs/objects/batch", "POST", Handler.batch),
        (r"/lfs/([^/]+)/([0-9a-f]+)", "PUT", Handler.put),
        (r"/verify", "POST", Handler.verified),
        (rf"/{_NAME}/resolve/([^/]+)/(.+)", "GET HEAD", Handler.resolve),
        (rf"/cdn/{_NAME}/([0-9a-f]+)", "GET", Handler.cdn),
    )
]
