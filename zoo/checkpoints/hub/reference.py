"""The name of a checkpoint on the Hub: `hub:ORG/NAME[@REVISION][#SHA256]`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from zoo.errors import UsageError

FORM = "hub:ORG/NAME[@REVISION]"
DEFAULT_REVISION = "main"

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """A repository, a branch, tag or commit of it, and the sha256 of its config.json where that is known beforehand."""

    repository: str
    revision: str = DEFAULT_REVISION
    config_sha256: str = ""

    @property
    def pinned(self) -> bool:
        """Whether it names one commit, which never changes, and not a branch or tag, which may."""
        return is_commit(self.revision)

    def at(self, commit: str) -> Reference:
        """The same repository at a commit."""
        return replace(self, revision=commit)

    def __str__(self) -> str:
        revision = "" if self.revision == DEFAULT_REVISION else f"@{self.revision}"
        return f"hub:{self.repository}{revision}"


def parse(text: str) -> Reference:
    """Read `ORG/NAME[@REVISION][#SHA256]`, with `hub:` before it or without. Raises UsageError."""
    name, _, sha256 = text.removeprefix("hub:").partition("#")
    repository, at, revision = name.partition("@")
    if not is_repository(repository):
        raise UsageError(f"{text!r} is no name on the Hub: give {FORM}")
    if at and not is_revision(revision):
        raise UsageError(f"{text!r}: {revision!r} is no branch, tag or commit: give {FORM}")
    if "#" in text and not _SHA256.fullmatch(sha256):
        raise UsageError(f"{text!r}: after # comes the sha256 of config.json, 64 hexadecimal digits")
    return Reference(repository, revision or DEFAULT_REVISION, sha256)


def is_repository(text: str) -> bool:
    """Whether this may be ORG/NAME on the Hub."""
    return bool(_REPOSITORY.fullmatch(text)) and ".." not in text and "--" not in text and not text.endswith(".git")


def is_revision(text: str) -> bool:
    """Whether this may be a branch, a tag or a commit; it is also a path below the cache's `refs`."""
    plain = not any(part in ("", ".", "..") or part.startswith(".") for part in text.split("/"))
    return bool(_REVISION.fullmatch(text)) and plain and ".." not in text


def is_commit(text: object) -> bool:
    """Whether this is a whole commit: 40 hexadecimal digits."""
    return isinstance(text, str) and bool(_COMMIT.fullmatch(text))


def is_file_name(name: object) -> bool:
    """Whether this names a file of a repository: a plain path downwards, on every system."""
    if not isinstance(name, str) or not 0 < len(name) <= 1024 or not name.isprintable():
        return False
    return all(map(_is_plain, name.split("/")))


def _is_plain(part: str) -> bool:
    """Whether this is the name of one file or folder on every system, and no drive, parent or root."""
    return part not in ("", ".", "..") and part == part.strip(" ") and part[-1] != "." and not set(part) & set("\\:")
