"""What can go wrong, and the exit code each kind of trouble has.

A message is one line that a person can act on: what is wrong, with which file or name, and what to do next.
"""

from __future__ import annotations


class ZooError(Exception):
    """Base of every error the zoo raises on purpose."""

    exit_code = 1


class UsageError(ZooError):
    """The request itself is wrong: an option, an argument, an array of the wrong shape."""

    exit_code = 2


class UnsupportedCapability(UsageError):
    """The model can't do what was asked of it."""


class NotFoundError(ZooError):
    """No such file, model, task, family, recipe or plugin."""

    exit_code = 3


class AccessError(ZooError):
    """The other side knows the thing but won't hand it out."""

    exit_code = 4


class NetworkError(ZooError):
    """A server can't be reached or answers nonsense."""

    exit_code = 5


class IntegrityError(ZooError):
    """Bytes are not the bytes that were promised: a size or hash differs."""

    exit_code = 6


class UnsafeFileError(ZooError):
    """A file is of an unsupported kind, malformed, or asks for something the zoo never does."""

    exit_code = 7


class DiskError(ZooError):
    """The local disk says no: full, read-only, not a folder."""

    exit_code = 8


class TrainingError(ZooError):
    """A run cannot continue: a loss that is not finite, a collapsed output, a recipe and objective that disagree."""

    exit_code = 2


class PluginError(ZooError):
    """A plugin is missing, broken, or breaks its contract."""

    exit_code = 9
