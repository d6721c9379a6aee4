"""What a Hub holds: repositories, which are commits of files, and how it counts and lists these."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

LFS = (".safetensors", ".onnx", ".bin", ".pt", ".png")
LFS_SIZE = 1024 * 1024


@dataclass
class Repository:
    private: bool = False
    gated: bool = False
    disabled: bool = False
    allowed: set[str] = field(default_factory=set)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    lfs: set[str] = field(default_factory=set)

    @property
    def head(self) -> str:
        return self.branches["main"]

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[self.head]


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def entry(repository: Repository, name: str, data: bytes) -> dict[str, Any]:
    """A file as a listing shows it."""
    row: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git_sha1(data)}
    if name in repository.lfs:
        row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return row
