"""One process at a time on a repository of the cache, and how long the others wait."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.checkpoints.hub import cache
from zoo.errors import DiskError, UsageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from zoo.checkpoints.hub.reference import Reference

TIMEOUT_VARIABLE = "ZOO_HUB_TIMEOUT"
DEFAULT_TIMEOUT = 15.0
POLL_SECONDS = 0.1
# How `flock` ends where there is none: on some network file systems. ENOSYS is not among them, since `filelock` knows
# what to do then: a file that is there for as long as the lock is held.
NO_LOCKS = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}

logger = logging.getLogger("zoo.hub")

warnings.filterwarnings("ignore", "flock not supported")  # `filelock` tells the person at the terminal, for every file


def timeout() -> float:
    """Seconds in which nothing happens until something is given up. Raises UsageError if the variable is no number."""
    text = os.environ.get(TIMEOUT_VARIABLE) or str(DEFAULT_TIMEOUT)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise UsageError(f"{TIMEOUT_VARIABLE}={text} is no number of seconds")
    return seconds


@contextlib.contextmanager
def locked(reference: Reference, name: str = "zoo") -> Iterator[None]:
    """Hold a lock on the reference's repository; those of single files are named by their hash.

    Raises DiskError where the cache can't be written, or the holder of the lock does nothing for too long.
    """
    from filelock import FileLock

    folder = cache.locks(reference.repository)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock", mode=0o664)
        _acquire(reference, lock)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, NotImplementedError) or error.errno in NO_LOCKS:
            raise DiskError(
                f"{reference}: the file system of the cache {cache.root()} has no locks; HF_HOME names another place"
            ) from error
        raise unwritable(reference, error) from error
    try:
        yield
    finally:
        lock.release()


def unwritable(reference: Reference, error: OSError) -> DiskError:
    """The error of a cache that can't be written to."""
    return DiskError(
        f"{reference}: can't write to the cache {cache.root()}: {error.strerror or error}; HF_HOME names another place"
    )


def _acquire(reference: Reference, lock: BaseFileLock) -> None:
    """Take a lock; while its holder gets on, wait for as long as that takes, else until the timeout."""
    from filelock import Timeout

    patience, size, told = time.monotonic() + timeout(), -1, False
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            pass
        else:
            return
        if not told:
            logger.info("another process works on %s; waiting for it", reference)
            told = True
        written = cache.disk_usage(cache.storage(reference.repository))
        if written != size:
            size, patience = written, time.monotonic() + timeout()
        if time.monotonic() > patience:
            raise DiskError(
                f"{reference}: {Path(lock.lock_file)} is held by a process that does nothing; end it and try again"
            )
        time.sleep(POLL_SECONDS)
