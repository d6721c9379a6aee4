"""Whether a file is what the Hub says it is: its size and its hash, before anything opens it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from zoo.checkpoints.hub import cache
from zoo.checkpoints.hub.cache import Promise, state
from zoo.errors import DiskError


def digest(path: Path, algorithm: str) -> str:
    """The hash of a file as the Hub counts. Raises DiskError if it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: _begin(algorithm, path.stat().st_size)).hexdigest()
    except OSError as error:
        raise DiskError(f"can't read {path}: {error.strerror or error}") from error


def digest_of(data: bytes, algorithm: str) -> str:
    """The same of bytes that were read."""
    hashed = _begin(algorithm, len(data))
    hashed.update(data)
    return hashed.hexdigest()


def _begin(algorithm: str, size: int) -> hashlib._Hash:
    """Large files have a sha256 at the Hub, small ones git's sha1: of a head, then the content."""
    return hashlib.sha256() if algorithm == "sha256" else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def verified(path: Path, promise: Promise) -> tuple[Promise | None, str]:
    """The promise with the file's state where the file keeps it, else None; and what the file is, in words.

    A file whose state is the one that was remembered is not read.
    """
    before = state(path)
    if before is None:
        return None, "missing"
    if promise.seen == before:
        return promise, "unchanged"
    if before[1] != promise.size:
        return None, f"{before[1]} bytes instead of {promise.size}"
    found = digest(path, promise.algorithm)
    if found != promise.digest:
        return None, f"{promise.algorithm} {found[:12]}… instead of {promise.digest[:12]}…"
    return msgspec.structs.replace(promise, seen=before), "verified"


def verify_all() -> Iterator[tuple[str, str, str]]:
    """Read every cached file of every checkpoint again: name of the model, file, and "verified" or what is wrong.

    A file that is not what it should be is deleted, and so is a record that makes no sense.
    """
    for repository, commit, record in cache.recorded():
        name = f"hub:{repository}@{commit}"
        if record is None:
            yield name, "the record of its files", _after("makes no sense", cache.forget(repository, commit))
            continue
        for file in record.wanted:
            path = cache.snapshot(repository, commit) / file
            found, word = verified(path, msgspec.structs.replace(record.files[file], seen=None))
            yield name, file, word if found else _after(word, cache.discard(repository, path))


def _after(word: str, deleted: bool) -> str:
    if deleted:
        return f"{word}; deleted, `zoo pull` gets it again"
    return f"{word}; it can't be deleted, or leads out of the cache: look at it yourself"
