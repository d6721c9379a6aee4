"""Files: what is written is there whole or not at all, and replaces nothing unsaid; what is read is no pipe."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UsageError, ZooError


def refuse_existing(path: str | os.PathLike[str], force: bool = False) -> None:
    """Raise unless a file can be made at `path`, or replaced if `force`. Ask it before a long computation.

    `write_picture` asks it too, and makes sure once more when the file gets its name.
    """
    path = Path(path)
    with disk_errors(path):
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name a file in it")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is not an ordinary file")
        if os.path.lexists(path) and not force:
            raise _exists(path)
        written = _behind_links(path)
        if not written.parent.is_dir():
            raise NotFoundError(f"{path} can't be written: there is no folder {written.parent}")


def _behind_links(path: Path) -> Path:
    """The file that is written at `path`: where that is a link, it stays one, and what it points to is written."""
    if not path.is_symlink():
        return path
    written = Path(os.path.realpath(path))
    if written.is_symlink():
        raise UsageError(f"{path} can't be written: it is a link that leads to itself")
    return written


_SWEPT: set[Path] = set()
# Seconds after which an empty file is not about to be locked by the process that made it.
_SURELY_LEFT = 3600


def write_whole(path: Path, data: bytes | BytesIO, force: bool) -> None:
    """Write a file's bytes under another name beside `path`, then give them its name in one step: whole or not at all.

    With `force` a link stays, and the file that it points to is replaced so. Raises UsageError for a file that exists
    unless `force`, DiskError where the disk refuses.
    """
    with disk_errors(path):
        path = _behind_links(path) if force else path
        temporary = path.with_name(f".zoo-{secrets.token_hex(8)}.tmp")
        remove_leftovers(path.parent)
        try:
            # The mode is what open() uses: the umask decides.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            with os.fdopen(handle, "wb") as stream:
                _lock(handle)
                stream.write(data if isinstance(data, bytes) else data.getbuffer())
                stream.flush()
                os.fsync(handle)
            if force:
                temporary.replace(path)
            else:
                _name_if_free(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _lock(handle: int) -> bool:
    """Mark a file as being written, until it is closed or its process ends; returns whether it was free."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows, where a file that is open can't be deleted anyway
        return True
    except OSError:
        return False
    return True


def remove_leftovers(folder: Path) -> None:
    """Delete what killed runs left half-written in a folder, once for each process; what is being written stays."""
    if folder in _SWEPT:
        return
    _SWEPT.add(folder)
    for path in folder.glob(".zoo-*.tmp"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            status = os.fstat(file.fileno())
            old = time.time() - status.st_mtime > _SURELY_LEFT
            if (status.st_size or old) and _lock(file.fileno()):  # a new, empty one may be about to be locked
                path.unlink()


def _name_if_free(temporary: Path, path: Path) -> None:
    """Give the file its name unless another has it by now: by a hard link, which never replaces."""
    try:
        path.hardlink_to(temporary)
        return
    except FileExistsError as error:
        raise _exists(path) from error
    except (OSError, NotImplementedError):  # this file system has no hard links: reserve the name, then replace
        pass
    try:
        path.touch(exist_ok=False)
    except FileExistsError as error:
        raise _exists(path) from error
    try:
        temporary.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists: use --force, or -o to write somewhere else")


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Errors of the disk while `path` is written, as DiskError with a reason in words."""
    try:
        yield
    except ZooError:
        raise
    except OSError as error:
        reasons: dict[int | None, str] = {errno.ENOSPC: "the disk is full", errno.EROFS: "the disk is read-only"}
        reason = reasons.get(error.errno) or error.strerror or str(error)
        raise DiskError(f"{path} can't be written: {reason}") from error
    except ValueError as error:
        raise UsageError(f"{str(path)!r} is no path: {error}") from error


def read_regular(path: Path, most: int, name: str) -> bytes | None:
    """At most so many bytes of a file, all for -1; None if there is none. `name` is what messages call it.

    Raises UnsafeFileError for what is no ordinary file, DiskError where the disk refuses.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before opening: to open a named pipe is to wait for its other end
            raise UnsafeFileError(f"{name} is not a regular file")
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskError(f"can't read {name}: {error.strerror or error}") from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those it lies in, unless it is there. Raises DiskError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        blocked = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "a file is in its way" if blocked else error.strerror or str(error)
        raise DiskError(f"can't make the folder {folder}: {reason}") from error


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `folder` when the block ends and is gone where it fails.

    What a killed run left of it is removed first. Raises what the disk raises.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
