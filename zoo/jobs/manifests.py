"""A list of pictures in a file: one a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from zoo.errors import DiskError, NotFoundError, UsageError
from zoo.jobs.sources import STREAM, place_of
from zoo.stores.remote import Remote


def manifest_lines(text: str) -> Iterator[str]:
    """The lines of a manifest, which is a file, a pipe, a URL, or `-` for standard input.

    Names that are no text keep their bytes, as names of files do. Raises NotFoundError, DiskError, UsageError.
    """
    if text == STREAM:
        if not sys.stdin or sys.stdin.isatty():
            raise UsageError("no manifest comes from standard input: name a file, or pipe one in")
        yield from (line.decode("utf-8", "surrogateescape") for line in sys.stdin.buffer)
        return
    place = place_of(text)
    if isinstance(place, Remote):
        yield from place.read().decode("utf-8", "surrogateescape").split("\n")
        return
    try:
        with place.open("rb") as file:
            yield from (line.decode("utf-8", "surrogateescape") for line in file)
    except FileNotFoundError as error:
        raise NotFoundError(f"{place}: no such file") from error
    except OSError as error:
        raise DiskError(f"{place} can't be read: {error.strerror}") from error
