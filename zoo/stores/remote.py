"""A place in a store, by its URL: `s3://bucket/photos/a.jpg`, `zip://a.jpg::photos.zip`."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from zoo.errors import NotFoundError, PluginError, UnsafeFileError, UsageError
from zoo.stores.retries import persistent

MOST_BYTES = 2 * 2**30
_URL = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
_WEB = ("http", "https")
_S3 = ("s3", "s3a")
# Stores that put an object only if there is none of its name, in one request.
_PUT_IF_ABSENT = (*_S3, "gs", "gcs")
_ARCHIVES = ("zip", "tar")
_READ_ONLY = (*_WEB, *_ARCHIVES)
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp", "https": "aiohttp",
             "abfs": "adlfs", "az": "adlfs", "hf": "huggingface-hub"}  # fmt: skip


def is_url(text: str) -> bool:
    """Whether a word names a place in a store, and not a file."""
    return bool(_URL.match(text))


def remote(url: str) -> Remote:
    """The place that a URL means; `zip://photos.zip` is short for `zip://::photos.zip`, all that is in it."""
    place = Remote(url)
    return Remote(url.replace("://", "://::", 1)) if place.protocol in _ARCHIVES and not place.archive else place


@dataclass(frozen=True)
class Remote:
    """A file, or a folder, in a store; `size` is its bytes if they are known. It has the names that a path has."""

    url: str
    size: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """The URL without passwords, signatures and other queries: it is shown and logged."""
        if self.protocol not in _WEB:
            return self.url
        parts = urlsplit(self.url)
        return f"{self.protocol}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def protocol(self) -> str:
        """What stands before `://`."""
        return self.url.partition("://")[0].lower()

    @property
    def path(self) -> PurePosixPath:
        """The way within the store: bucket and key, the name in an archive, the path of a web page."""
        if self.protocol in _WEB:
            parts = urlsplit(self.url)
            return PurePosixPath(parts.netloc.rpartition("@")[2], *PurePosixPath(unquote(parts.path)).parts[1:])
        return PurePosixPath(self.url.partition("://")[2].partition("::")[0])

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self.path.stem

    @property
    def suffix(self) -> str:
        """The end of the name, such as `.jpg`."""
        return self.path.suffix

    @property
    def archive(self) -> str:
        """What the place lies in, with `::` before it, if it is an archive."""
        return "".join(self.url.partition("::")[1:])

    @property
    def lists(self) -> bool:
        """Whether its store can say what is in a folder."""
        return self.protocol not in _WEB

    def require_writable(self) -> None:
        """Raise UsageError for a store that is only read."""
        if self.protocol in _READ_ONLY:
            raise UsageError(f"{self}: {self.protocol}:// is only read; write into a folder or s3://, gs://")

    def below(self, relative: PurePosixPath | str) -> Remote:
        """The place at a path below this one."""
        head = self.url.removesuffix(self.archive)
        return Remote(f"{head}{'' if head.endswith('/') else '/'}{relative}{self.archive}")

    def with_name(self, name: str) -> Remote:
        """Another file of the same folder."""
        head = self.url.removesuffix(self.archive)
        return Remote(f"{head[: head.rindex('/') + 1]}{name}{self.archive}")

    def stat(self) -> int | None:
        """The bytes of the file; None if there is none. Raises as `persistent` does."""

        def ask() -> int | None:
            try:
                if self.protocol in _S3:  # one request; `info` lists a folder of that name too, for ten times the price
                    bucket, key, _ = store.split_path(path)
                    return int(store.call_s3("head_object", Bucket=bucket, Key=key)["ContentLength"])
                found = store.info(path)
            except FileNotFoundError:
                return None
            return int(found.get("size") or 0) if found.get("type") != "directory" else None

        store, path = _store(self)
        return persistent(ask, str(self))

    def read(self) -> bytes:
        """The bytes of the file, by one request where the store is one of objects. Raises as `persistent` does.

        Raises UnsafeFileError for a file of more than 2 GiB.
        """
        store, path = _store(self)

        def get() -> bytes:
            if self.protocol in _PUT_IF_ABSENT:
                return bytes(store.cat_file(path))
            with store.open(path, "rb") as file:
                return bytes(file.read(MOST_BYTES + 1))

        data = persistent(get, str(self))
        if len(data) > MOST_BYTES:
            raise UnsafeFileError(f"{self} holds more than {MOST_BYTES >> 30} GiB")
        return data

    def write(self, data: bytes, force: bool = False) -> None:
        """Put a file whole or not at all; without `force` only where there is none.

        Stores of objects do so in one request; in others a file gets its name when it is whole. A file that is there
        and has these very bytes is taken for what an attempt whose answer was lost has put. Raises UsageError for one
        that exists, and as `persistent` does.
        """
        self.require_writable()
        store, path = _store(self)
        try:
            if self.protocol in _PUT_IF_ABSENT:
                persistent(lambda: _put(store, path, data, force), str(self))
            else:
                persistent(lambda: _put_by_name(store, path, data, force), str(self))
        except FileExistsError as error:
            if hashlib.sha256(self.read()).digest() != hashlib.sha256(data).digest():
                raise UsageError(f"{self} exists: use --force, or -o to write somewhere else") from error

    def files(self, recursive: bool) -> Iterator[tuple[Remote, PurePosixPath]]:
        """The files in this folder, each with its path below it, by name. Raises as `persistent` does."""
        store, path = _store(self)
        found = persistent(
            lambda: store.find(path, maxdepth=None if recursive else 1, detail=True, withdirs=False), str(self)
        )
        root = path.strip("/")
        for name in sorted(found):
            relative = PurePosixPath(name.strip("/")[len(root) :].lstrip("/"))
            if relative.name:
                yield self._listed(name, found[name]), relative

    def matches(self) -> Iterator[Remote]:
        """The files that a pattern means, by name. Raises as `persistent` does."""
        store, path = _store(self)
        found = persistent(lambda: store.glob(path, detail=True), str(self))
        return (self._listed(name, found[name]) for name in sorted(found) if found[name].get("type") != "directory")

    def _listed(self, name: str, info: dict[str, Any]) -> Remote:
        scheme = self.url.partition("://")[0]
        size = info.get("size")
        return Remote(f"{scheme}://{name.lstrip('/')}{self.archive}", None if size is None else int(size))


Place: TypeAlias = Path | Remote


def _put(store: Any, path: str, data: bytes, force: bool) -> None:
    """One request of a store of objects: what it takes is whole, what breaks off is nothing."""
    if force:
        store.pipe_file(path, data)
        return
    try:
        store.pipe_file(path, data, mode="create")
    except OSError as error:
        if (
            error.errno == errno.EINVAL and "precondition" in str(error).lower()
        ):  # as servers other than Amazon's say it
            raise FileExistsError(path) from error
        if error.errno != errno.ENOSYS:
            raise
        if store.exists(path):  # an older server, which knows no condition: ask, then put
            raise FileExistsError(path) from error
        store.pipe_file(path, data)


def _put_by_name(store: Any, path: str, data: bytes, force: bool) -> None:
    """Under a hidden name first, which no run takes for a picture; then under its own."""
    if not force and store.exists(path):
        raise FileExistsError(path)
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.zoo-{secrets.token_hex(8)}.tmp" if folder else f".zoo-{secrets.token_hex(8)}.tmp"
    store.makedirs(folder, exist_ok=True)
    try:
        store.pipe_file(temporary, data)
        store.mv(temporary, f"{folder}/{name}" if folder else name)
    except BaseException:
        if store.exists(temporary):
            store.rm_file(temporary)
        raise


def _store(place: Remote) -> tuple[Any, str]:
    """The store of a place, opened once in a process for all threads, and the path in it."""
    head = place.url.removesuffix(place.archive)
    store = _opened(place.protocol, place.archive, os.getpid())
    return store, str(store._strip_protocol(head))  # fsspec's own name for it, in all its stores


@lru_cache(maxsize=32)
def _opened(protocol: str, archive: str, process: int) -> Any:  # noqa: ARG001 (connections don't outlive a fork)
    """A store by its protocol and the archive it lies in."""
    try:
        import fsspec

        settings = _settings(protocol)
        if archive:
            return fsspec.url_to_fs(f"{protocol}://{archive}", **settings)[0]
        store = fsspec.filesystem(protocol, skip_instance_cache=True, **settings)
        if protocol in _S3:
            store.retries = 1  # `persistent` tries again, for every store alike
        return store
    except ImportError as error:
        package = _PACKAGES.get(protocol, f"the package of fsspec for {protocol}://")
        also = "" if protocol not in (*_S3, *_WEB) else ", or 'latent-zoo[remote]'"
        raise PluginError(f"{protocol}:// needs {package}: pip install {package}{also}") from error
    except ValueError as error:
        raise UsageError(f"{protocol}:// is no store that is known: {error}") from error
    except FileNotFoundError as error:
        raise NotFoundError(f"{archive.removeprefix('::')}: no such file") from error
    except OSError as error:
        raise UsageError(f"{archive.removeprefix('::')} can't be opened as {protocol}: {error}") from error
    except Exception as error:  # zipfile.BadZipFile, and what else archives raise
        raise UnsafeFileError(f"{archive.removeprefix('::')} is no {protocol} archive: {error}") from error


def _settings(protocol: str) -> dict[str, Any]:
    """How a store is opened: without remembering listings, which other machines change, and without its own retries."""
    if protocol in _S3:
        # An object by one request: else its size is asked for first, to read it in parts at once.
        return {
            "use_listings_cache": False,
            "max_concurrency": 1,
            "config_kwargs": {"retries": {"total_max_attempts": 1}},
        }
    if protocol in ("gs", "gcs"):
        return {"use_listings_cache": False}
    return {}
