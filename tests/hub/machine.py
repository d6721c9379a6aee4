"""A person's machine: a cache of its own, and `zoo` in processes of their own, against the loopback Hub.

Each command is forked from one process that has imported what all need but `huggingface_hub`, which reads its settings
when it is imported: isolation in a tenth of the time that a new interpreter takes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conditions import impose, report
from loopback import Hub
from repository import git_sha1

# Not ONNX Runtime: it starts a thread, and a process with threads must not be forked.
PRELOADED = [
    "pytest", "httpx2", "yaml", "filelock", "tqdm", "typer", "msgspec", "numpy", "cv2", "PIL.Image",
    "PIL.PngImagePlugin", "fractions", "encodings.idna", "configparser", "zoo.cli.app", "zoo.loading",
]  # fmt: skip
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(PRELOADED)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str
    seconds: float
    peak: int  # kilobytes of memory

    @property
    def notes(self) -> str:
        """What was said beside the result of a command that went well."""
        assert self.code == 0, self.err
        assert all(line.startswith("note: ") for line in self.err.splitlines()), self.err
        return self.err

    def error(self, code: int) -> str:
        """The one line of error that a command ended with, which gave nothing else but notes."""
        assert self.code == code, (self.code, self.err)
        assert self.out == ""
        *notes, last = self.err.splitlines()
        assert last.startswith("error: ")
        assert all(note.startswith("note: ") for note in notes), self.err
        return last


@dataclass(frozen=True)
class Running:
    process: Any
    files: tuple[Path, ...]
    began: float

    def wait(self, seconds: float = 600) -> Result:
        self.process.join(seconds)
        assert self.process.exitcode is not None, "it does not come to an end"
        out, err, peak = (path.read_text(errors="replace") for path in self.files)  # a picture is no text
        return Result(self.process.exitcode, out, err, time.monotonic() - self.began, int(peak or 0))


@dataclass
class Machine:
    hub: Hub
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = ("PATH", "LANG", "TMPDIR", "PYTHONPATH", "OMP_NUM_THREADS")
        quick = {"ZOO_HUB_TIMEOUT": "20", "HF_HUB_DOWNLOAD_TIMEOUT": "8", "HF_HUB_ETAG_TIMEOUT": "8"}
        self.environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": str(self.folder),
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.home),
            "NO_PROXY": "127.0.0.1,localhost",
            **quick,
            **self.environment,
        }

    @property
    def home(self) -> Path:
        return self.folder / "hf"

    def start(self, *words: object, **variables: str | None) -> Running:
        self.count += 1
        files = tuple(self.folder / f"{self.count}.{kind}" for kind in ("out", "err", "peak"))
        changed = {**self.environment, **variables}
        environment = {name: value for name, value in changed.items() if value is not None}
        process = FORKS.Process(target=_run, args=([str(word) for word in words], environment, self.folder, files))
        process.start()
        return Running(process, files, time.monotonic())

    def zoo(self, *words: object, **variables: str | None) -> Result:
        return self.start(*words, **variables).wait()

    def cached(self, name: str) -> Path:
        """Where a repository lies in the cache."""
        return self.home / "hub" / f"models--{name.replace('/', '--')}"

    def blobs(self, name: str) -> list[Path]:
        return sorted(path for path in (self.cached(name) / "blobs").glob("*") if path.is_file())

    def check_cache(self) -> None:
        """Whatever happened: nothing half-written, and nothing under a hash that is not its own."""
        for blob in self.home.glob("hub/models--*/blobs/*"):
            data = blob.read_bytes()
            assert blob.name in (hashlib.sha256(data).hexdigest(), git_sha1(data)), blob


def _run(words: list[str], environment: Mapping[str, str], folder: Path, files: tuple[Path, ...]) -> None:
    """In the child: become a fresh `zoo`."""
    assert "huggingface_hub" not in sys.modules
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["zoo", *words]
    opened = [os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for file in files]
    for number, descriptor in enumerate(opened[:2], start=1):
        os.dup2(descriptor, number)
    impose(environment)
    from zoo.cli.app import main

    try:
        main()
    finally:
        report(environment, folder)
        os.write(opened[2], str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss).encode())
