"""Pictures into files of every format."""

from __future__ import annotations

import os
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from zoo.errors import DiskError, UnsafeFileError, UsageError
from zoo.files import refuse_existing, write_whole
from zoo.pictures.deep import off_white
from zoo.pictures.deep_files import encode_deep
from zoo.pictures.formats import BY_NAME, BY_SUFFIX, WRITE_SUFFIXES, can_write, heif_ready
from zoo.pictures.picture import Picture
from zoo.pictures.profiles import fits_profile
from zoo.pictures.quiet import quiet_libtiff

# The most one segment of a JPEG holds, and the most dots per inch.
_MAX_JPEG_EXIF = 65533
_MAX_JPEG_DENSITY = 65535


def write_picture(
    target: str | os.PathLike[str] | BinaryIO,
    picture: Picture,
    *,
    format: str | None = None,  # noqa: A002 - the word Pillow and everybody else uses
    force: bool = False,
    quality: int = 95,
) -> None:
    """Write a picture to a path, in the format of its suffix, or to a binary stream; `format` ("png") says another.

    A stream's format is the picture's own, or PNG, if none is said. A file appears complete or not at all. Colour
    profile, EXIF and density are kept where the format holds them; transparency too, else the picture is what it looks
    like on white. PNG and TIFF have 16 bits if the picture has. JPEG keeps colour at full resolution (4:4:4).

    Raises UsageError (unknown format, picture too large for it, file exists and no `force`), NotFoundError (no such
    folder), DiskError (full, read-only, not permitted).
    """
    if isinstance(target, str | os.PathLike):
        path = Path(target)
        kind = writable_format(f".{format}" if format else path)
        refuse_existing(path, force)
        write_whole(path, encoded(picture, kind, quality, str(path)), force)
        return
    own = picture.format if picture.format in {row.name for row in BY_SUFFIX.values()} else "PNG"
    data = encoded(picture, writable_format(f".{format}") if format else own, quality, "the stream")
    try:
        target.write(data.getbuffer())
        target.flush()
    except BrokenPipeError:  # whoever reads has enough: the command line knows what to do
        raise
    except OSError as error:
        raise DiskError(f"the picture can't be written to the stream: {error.strerror}") from error


def writable_format(path: str | os.PathLike[str]) -> str:
    """Pillow's name of the format of a file name's suffix. Raises UsageError if Pillow can't write it here."""
    suffix = Path(path).suffix.lower() or Path(path).name.lower()
    row = BY_SUFFIX.get(suffix)
    if row and row.name == "HEIF" and not heif_ready():
        raise UsageError("Pillow here cannot write HEIC: pip install pillow-heif")
    if row is None or not can_write(row):
        known = ", ".join(name for name in BY_SUFFIX if name in WRITE_SUFFIXES)
        raise UsageError(f"{path}: a picture can't be written by this name; it must end in one of {known}")
    return row.name


def encoded(picture: Picture, kind: str, quality: int, name: str) -> BytesIO:
    """The bytes of a picture's file, in memory: so that an error of the encoder is never taken for one of the disk.

    `kind` is Pillow's name of the format, `name` what messages call the picture. Raises UsageError for a picture that
    is too large for the format, UnsafeFileError for one that its encoder refuses.
    """
    height, width = picture.pixels.shape[:2]
    limit = BY_NAME[kind].max_side
    if limit and max(height, width) > limit:
        raise UsageError(f"{name}: {kind} holds at most {limit} pixels a side, not {width} x {height}: use PNG")
    options, data = _options(picture, kind, quality), BytesIO()
    try:
        if picture.deep is not None and BY_NAME[kind].deep:
            return encode_deep(picture, kind, options.get("icc_profile"), options.get("exif"))
        with quiet_libtiff() if kind == "TIFF" else nullcontext():
            _image(picture, kind).save(data, kind, **options)
    except Exception as error:  # encoders raise OSError, ValueError, TypeError, struct.error, ...
        raise UnsafeFileError(f"{name}: the picture can't be written as {kind}, {error}: use PNG") from error
    return data


def _image(picture: Picture, kind: str) -> Image.Image:
    pixels, alpha = picture.pixels, picture.alpha
    if alpha is not None and BY_NAME[kind].alpha:
        return Image.fromarray(np.dstack((off_white(pixels, alpha), alpha)))
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _options(picture: Picture, kind: str, quality: int) -> dict[str, Any]:
    row = BY_NAME[kind]
    options = {**row.options, "quality": quality} if row.quality else {**row.options}
    if row.profile:
        if picture.icc and fits_profile(picture.icc, picture.pixels.shape[2]):
            options["icc_profile"] = picture.icc
        if picture.exif and (kind != "JPEG" or len(picture.exif) <= _MAX_JPEG_EXIF):
            options["exif"] = picture.exif
    if picture.dpi and row.density and (kind != "JPEG" or max(picture.dpi) <= _MAX_JPEG_DENSITY):
        options["dpi"] = picture.dpi
    if kind == "TIFF":
        # Pillow can't write EXIF's inner directories into a compressed TIFF.
        options["compression"] = "raw" if "exif" in options else "tiff_adobe_deflate"
    return options
