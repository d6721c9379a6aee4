"""Under which conditions a process of a machine runs, as the variables of its environment that begin with ZOO_TEST say.

FILE_LIMIT is the largest size of a file, in bytes; DISK a file system of its own, `FOLDER:BYTES`, seen by this process
only; NO_LOCKS the number of the error that `flock` ends in; UNPRIVILEGED takes away root's rights; PLUGINS is a folder
of installed distributions.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

NOBODY = 65534
NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
LEFT = "left"


def impose(environment: Mapping[str, str]) -> None:
    """Bring this process under the conditions."""
    if limit := environment.get("ZOO_TEST_FILE_LIMIT"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    if disk := environment.get("ZOO_TEST_DISK"):
        mount(*disk.rsplit(":", 1))
    if number := environment.get("ZOO_TEST_NO_LOCKS"):
        _take_locks_away(int(number))
    if folder := environment.get("ZOO_TEST_PLUGINS"):
        sys.path.insert(0, folder)
    if "ZOO_TEST_UNPRIVILEGED" in environment and os.getuid() == 0:  # root may write where nobody else may
        import zoo.checkpoints.hub.upload  # nobody may not even be allowed to read the libraries

        assert zoo.checkpoints.hub.upload
        os.setuid(NOBODY)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has it ignored


def report(environment: Mapping[str, str], folder: Path) -> None:
    """Write down what lies on the process's own disk, which is gone when the process is."""
    if disk := environment.get("ZOO_TEST_DISK"):
        place = Path(disk.rsplit(":", 1)[0])
        names = [str(path.relative_to(place)) for path in sorted(place.rglob("*")) if path.is_file()]
        (folder / LEFT).write_text("\n".join(names))


def mount(folder: str, size: str) -> None:
    """Put a file system of so many bytes in a folder's place, for this process alone. Raises OSError."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(NEW_USER | NEW_MOUNTS))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _check(libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode()))


def _check(failed: int) -> None:
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _take_locks_away(number: int) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    fcntl.flock = flock
