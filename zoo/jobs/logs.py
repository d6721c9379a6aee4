"""The log of a run: one line of JSON for each picture, which a run that was killed leaves whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import msgspec

from zoo.errors import DiskError, UnsafeFileError, UsageError
from zoo.files import disk_errors

if TYPE_CHECKING:
    from zoo.jobs.planning import Job


class Entry(msgspec.Struct, frozen=True):
    """A line: the picture, where its result is, what that is, how long it took, or why there is none.

    `sha256` is that of the result's file, None where there is an error. `seconds` of a result that an earlier run had
    written, but not logged, are those of finding it.
    """

    input: str
    result: str
    sha256: str | None
    seconds: float
    error: str | None


class Log:
    """A log to which one run at a time appends; lines of earlier runs stay. It is to be closed, as by `with`.

    A last line that a killed run has cut off is removed. Raises UsageError for a log that another run writes,
    UnsafeFileError for a file that is no log, DiskError where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        with disk_errors(path):
            if path.exists() and not path.is_file():
                raise UsageError(f"{path} is not an ordinary file")
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        try:
            if _is_locked(self._handle):
                raise UsageError(f"{path} is the log of a run that is not done: give each run its own")
            # Hashes, which are 64 bits: the names of a million pictures would take a hundred times the memory.
            self._done = self._mended()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """The log itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let other runs have it."""
        with suppress(OSError):
            os.close(self._handle)

    def has(self, job: Job) -> bool:
        """Whether a line says that this job's result was written."""
        return _key(job.name, str(job.target or "")) in self._done

    def add(self, job: Job, sha256: str, seconds: float, error: Exception | None = None) -> None:
        """Append a line, whole: a line that the disk has no room for is taken back. Raises DiskError."""
        said = (str(error) or type(error).__name__) if error else None
        entry = Entry(
            _text(job.name), _text(str(job.target or "-")), sha256 or None, round(seconds, 3), said and _text(said)
        )
        line = msgspec.json.encode(entry) + b"\n"
        with self._lock, disk_errors(self.path):
            written = os.write(self._handle, line)
            if written < len(line):
                os.ftruncate(self._handle, os.fstat(self._handle).st_size - written)
                raise DiskError(f"{self.path} can't be written: the disk is full")
            if not error:
                self._done.add(_key(entry.input, entry.result))

    def _mended(self) -> set[int]:
        """The pictures that are done by the lines there are; what follows the last whole one is cut off."""
        done, whole = set[int](), 0
        decode: Any = msgspec.json.Decoder(Entry).decode
        with disk_errors(self.path), self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    if number == 1 and not line.startswith(b'{"input":'[: len(line)]):
                        raise self._no_log(number)
                    break
                try:
                    entry = decode(line)
                except msgspec.MsgspecError as error:
                    raise self._no_log(number) from error
                whole += len(line)
                if entry.error is None:
                    done.add(_key(entry.input, entry.result))
            if whole < os.fstat(self._handle).st_size:
                os.ftruncate(self._handle, whole)
        return done

    def _no_log(self, number: int) -> UnsafeFileError:
        return UnsafeFileError(f"{self.path}: line {number} is none of a run's log: name another file with --log")


def _key(source: str, result: str) -> int:
    return hash((_text(source), _text(result) or "-"))


def _text(name: str) -> str:
    """A name as JSON holds it: bytes that are no text as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _is_locked(handle: int) -> bool:
    """Mark a file as a run's own, until it is closed; whether another run has done so."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):  # no such locks on this system, or on this disk
        return False
    return False
