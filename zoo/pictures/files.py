"""Which files of a folder or a zip are pictures, by their names: of a known suffix, and not hidden."""

from __future__ import annotations

from pathlib import PurePosixPath

from zoo.pictures.formats import READ_SUFFIXES

# Folders that systems put beside people's files: macOS' second streams, Synology's thumbnails, Windows' dustbin.
OF_SYSTEMS = frozenset({"__macosx", "@eadir", "$recycle.bin"})


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name (without its path) is none of the user's."""
    return name.startswith(".") or name.casefold() in OF_SYSTEMS


def any_hidden(name: str) -> bool:
    """Whether a path, with slashes, is hidden or lies in a hidden folder."""
    return any(is_hidden(part) for part in name.split("/"))


def has_picture_suffix(name: str) -> bool:
    """Whether a name ends as a picture's that can be read."""
    return PurePosixPath(name).suffix.lower() in READ_SUFFIXES
