"""The formats of picture files: one row each, which reading, writing and the command line ask."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, features


@dataclass(frozen=True)
class Format:
    """A format by Pillow's name and Pillow's modules for it.

    Files end in `suffixes`, the first being the usual one, and, where they are only read, in `also`; a format without
    `suffixes` is not written. `max_side` is the most pixels a side, `alpha` whether it holds transparency, `profile`
    colour profile and EXIF, `density` dots per inch, `deep` 16 bits a channel. Its writer takes `options`, and where it
    has a `quality`, that too. `feature` is what Pillow must have been built with, `package` what must be installed.
    """

    name: str
    modules: tuple[str, ...]
    suffixes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    alpha: bool = False
    profile: bool = False
    density: bool = False
    deep: bool = False
    max_side: int | None = None
    quality: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    feature: str = ""
    package: str = ""


_FULL_COLOUR = {"subsampling": "4:4:4"}
# Pillow knows more, but some of those start other programs (EPS) or have no signature (TGA).
FORMATS = (
    Format("JPEG", ("Jpeg", "Mpo"), (".jpg", ".jpeg", ".jpe", ".jfif"), (".mpo",), profile=True, density=True,
           max_side=65500, quality=True, options=_FULL_COLOUR),
    Format("PNG", ("Png",), (".png",), (".apng",), alpha=True, profile=True, density=True, deep=True,
           options={"compress_level": 4}),  # in less than half the time of 6, for 3 % more bytes
    Format("WEBP", ("WebP",), (".webp",), alpha=True, profile=True, max_side=16383, quality=True),
    Format("TIFF", ("Tiff",), (".tif", ".tiff"), alpha=True, profile=True, density=True, deep=True),
    Format("BMP", ("Bmp",), (".bmp",), density=True),
    Format("GIF", ("Gif",), (".gif",), alpha=True, max_side=65535),
    Format("AVIF", ("Avif",), (".avif",), alpha=True, profile=True, max_side=65535, quality=True, options=_FULL_COLOUR,
           feature="avif"),
    Format("HEIF", (), (".heic", ".heif"), alpha=True, profile=True, max_side=65535, quality=True,
           options={"chroma": 444}, package="pillow_heif"),
    Format("JPEG2000", ("Jpeg2K",), also=(".jp2", ".j2k")),
    Format("PPM", ("Ppm",), also=(".ppm", ".pgm", ".pbm", ".pnm")),
    Format("QOI", ("Qoi",), also=(".qoi",)),
)  # fmt: skip
BY_NAME = {row.name: row for row in FORMATS}
BY_SUFFIX = {suffix: row for row in FORMATS for suffix in row.suffixes}
READ_SUFFIXES = frozenset(suffix for row in FORMATS for suffix in (*row.suffixes, *row.also))


def can_write(row: Format) -> bool:
    """Whether this installation writes the format, as far as can be told without loading anything."""
    if row.package and importlib.util.find_spec(row.package) is None:
        return False
    return bool(row.suffixes) and (not row.feature or bool(features.check(row.feature)))


def holds_deep(path: Path) -> bool:
    """Whether a file of this name holds 16 bits a channel."""
    row = BY_SUFFIX.get(path.suffix.lower())
    return row is not None and row.deep


WRITE_SUFFIXES = frozenset(suffix for suffix, row in BY_SUFFIX.items() if can_write(row))


def heif_ready() -> bool:
    """Whether HEIC can be read and written: Pillow learns it from the package pillow-heif, if that is installed."""
    if "HEIF" not in Image.OPEN:
        with contextlib.suppress(ImportError):
            importlib.import_module("pillow_heif").register_heif_opener()
    return "HEIF" in Image.OPEN


def load_modules() -> None:
    """Make Pillow know the formats, and no others."""
    for row in FORMATS:
        for module in row.modules:
            importlib.import_module(f"PIL.{module}ImagePlugin")
