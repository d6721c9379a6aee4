"""Requests to a store: tried again where that may help, and errors in words where it does not."""

from __future__ import annotations

import asyncio
import errno
import random
import time
from collections.abc import Callable
from typing import TypeVar

from zoo.errors import AccessError, NetworkError, NotFoundError, UsageError, ZooError

T = TypeVar("T")

ATTEMPTS = 7
# Seconds before the second attempt, and at most before any: with these, half a minute of trouble is waited out.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0

# What another attempt ends in as well; a file that exists is one, and is told apart by who writes.
_FINAL = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
_pause = time.sleep
_REFUSED = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "InvalidAccessKeyId", "GoogleAuthError")


def persistent(action: Callable[[], T], name: str) -> T:
    """What `action` returns, tried up to 7 times with growing pauses, each shortened by chance.

    The chance keeps many machines from coming back at one moment. `name` is what messages call the place. Raises
    FileExistsError as it comes; NotFoundError for what is not there, AccessError where the store refuses, NetworkError
    where no attempt succeeds.
    """
    for attempt in range(ATTEMPTS):
        try:
            return action()
        except FileExistsError:
            raise
        except Exception as error:
            if not _may_pass(error) or attempt == ATTEMPTS - 1:
                raise in_words(error, name, attempt + 1) from error
            _pause(min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0))
    raise AssertionError("unreachable")


def in_words(error: Exception, name: str, attempts: int = 1) -> ZooError:
    """An error of a store as one of the zoo's."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    if isinstance(error, ZooError):
        return error
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{name}: no such file")
    if isinstance(error, PermissionError) or type(error).__name__ in _REFUSED:
        return AccessError(f"{name}: the store refuses: {reason}; credentials are found as the store's own tools do")
    if isinstance(error, ImportError | NotImplementedError | ValueError | TypeError | KeyError):
        return UsageError(f"{name}: {reason}")
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    return NetworkError(f"{name}: the store can't be reached{tried}: {reason}")


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may succeed: after errors of the network and the server, not of the request."""
    if isinstance(error, _FINAL) or type(error).__name__ in _REFUSED:
        return False
    if isinstance(error, OSError):
        return error.errno not in (errno.EINVAL, errno.ENOSPC, errno.EROFS)
    if isinstance(error, asyncio.TimeoutError | EOFError):
        return True
    # What the clients of stores raise have no base in common; those of a wrong request they turn into OSErrors.
    return type(error).__module__.partition(".")[0] in {"aiohttp", "aiobotocore", "botocore", "gcsfs", "urllib3"}
