"""Picture files into memory: strict about damaged ones, frugal with large ones."""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import math
import os
import re
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError, features

from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UsageError, ZooError
from zoo.inference.picture import Picture, from_pil, quiet_pillow

DEFAULT_MAX_PIXELS = 200_000_000

READ_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "tif", "tiff", "gif", "bmp", "avif"),
        *("heic", "heif", "jp2", "j2k", "ppm", "pgm", "pbm", "pnm", "qoi"),
    )
)

# Pillow knows more, but some of those start other programs (EPS) or have no signature (TGA).
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM", "QOI")
_PLUGINS = ("Jpeg", "Mpo", "Png", "WebP", "Tiff", "Gif", "Bmp", "Avif", "Jpeg2K", "Ppm", "Qoi")
_MAX_STREAM_BYTES = 2 * 2**30
# Pillow logs what it finds wrong; without a handler Python would print it. Who sets up logging still gets it.
logging.getLogger("PIL").addHandler(logging.NullHandler())
# What a seek or a read to a place that a damaged file names ends in: the file's fault, not the disk's.
_ERRNOS_OF_DAMAGE = {None, errno.EINVAL, errno.EOVERFLOW, errno.EFBIG}


def read_picture(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    channels: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    name: str = "the picture",
) -> Picture:
    """Read a picture from a path, a binary stream or a file's bytes, upright, and composited on white.

    `name` is what messages call a picture that is given as bytes.
    `channels` is 1 for gray (luma, Pillow's mode L), 3 for RGB, None for what the file has. Of a file with many
    pictures the first is taken, with a note. Raises NotFoundError, UsageError (a folder), DiskError (not readable),
    UnsafeFileError (empty, no picture, damaged, cut off, or of more than `max_pixels` pixels, seen before decoding).
    """
    if isinstance(source, bytes):
        return _read(BytesIO(source), name, channels, max_pixels)
    if not isinstance(source, str | os.PathLike):
        called = getattr(source, "name", None)
        return _read(_seekable(source), called if isinstance(called, str) else "the stream", channels, max_pixels)
    path = Path(source)
    with _open(path) as stream:
        return _read(_seekable(stream), str(path), channels, max_pixels)


def heif_ready() -> bool:
    """Whether HEIC can be read and written: Pillow learns it from the package pillow-heif, if that is installed."""
    if "HEIF" not in Image.OPEN:
        with contextlib.suppress(ImportError):
            importlib.import_module("pillow_heif").register_heif_opener()
    return "HEIF" in Image.OPEN


def _open(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a picture")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"{path}: no such file") from error
    except ValueError as error:
        raise NotFoundError(f"{str(path)!r} is no path: {error}") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise NotFoundError(f"{path}: no such file") from error
        raise DiskError(f"{path} can't be read: {error.strerror}") from error


def _seekable(stream: BinaryIO) -> BinaryIO:
    """The stream itself, or what a pipe holds, up to a limit."""
    if stream.seekable():
        return stream
    data = stream.read(_MAX_STREAM_BYTES + 1)
    if len(data) > _MAX_STREAM_BYTES:
        raise UnsafeFileError(f"the stream holds more than {_MAX_STREAM_BYTES >> 30} GiB: save it to a file first")
    return BytesIO(data)


def _read(stream: BinaryIO, name: str, channels: int | None, max_pixels: int) -> Picture:
    """Every exception of Pillow on a damaged file, and it raises all kinds, becomes one UnsafeFileError."""
    try:
        with _identified(stream, name, max_pixels) as image:
            _check_pixels(image.width * image.height, name, max_pixels)
            if image.format == "TIFF":
                _hush_libtiff()
            picture = from_pil(image, channels)
            return replace(picture, notes=picture.notes + _note_of_frames(image))
    except UnidentifiedImageError as error:
        raise UnsafeFileError(_why_unidentified(stream, name)) from error
    except ZooError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        counted = re.search(r"\d+", str(error))
        _check_pixels(int(counted[0]) if counted else max_pixels + 1, name, max_pixels)
        raise UnsafeFileError(f"{name} is damaged: {_line(error)}") from error
    except OSError as error:
        if error.errno not in _ERRNOS_OF_DAMAGE:
            raise DiskError(f"{name} can't be read: {error.strerror}") from error
        raise UnsafeFileError(f"{name} is damaged or cut off: {_line(error)}") from error
    except Exception as error:
        raise UnsafeFileError(f"{name} is damaged: {_line(error)}") from error


def _identified(stream: BinaryIO, name: str, max_pixels: int) -> Image.Image:
    """The picture with only its header read."""
    for plugin in _PLUGINS:
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    stream.seek(0)
    head = stream.read(16)
    if not head:
        raise UnsafeFileError(f"{name} is empty")
    formats = (*_FORMATS, "HEIF") if _is_iso_media(head) and heif_ready() else _FORMATS
    with quiet_pillow(max_pixels):
        return Image.open(stream, formats=formats)


def _check_pixels(pixels: int, name: str, max_pixels: int) -> None:
    if pixels > max_pixels:
        raise UnsafeFileError(
            f"{name} has {pixels / 1e6:.1f} megapixels, over the limit of {max_pixels / 1e6:g}: "
            f"if you trust it, --max-pixels {math.ceil(pixels / 1e6)} raises the limit"
        )


@cache
def _hush_libtiff() -> None:
    """Keep libtiff from writing about damaged files to standard error, behind Python's back, where that can be had."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(str(importlib.import_module("PIL._imaging").__file__)).TIFFSetErrorHandler(None)


def _note_of_frames(image: Image.Image) -> tuple[str, ...]:
    """A note if the file holds more pictures. Some formats count by walking the file, which may be damaged later on."""
    if image.format == "MPO":  # a camera's JPEG with a small preview or depth map behind it
        return ()
    frames = 1
    with quiet_pillow(), contextlib.suppress(Exception):
        frames = getattr(image, "n_frames", 1)
    if frames <= 1:
        return ()
    return (f"{'pages' if image.format == 'TIFF' else 'animated'}: first of {frames} taken",)


def _why_unidentified(stream: BinaryIO, name: str) -> str:
    with contextlib.suppress(OSError, ValueError):
        stream.seek(0)
        head = stream.read(16)
        if _is_iso_media(head) and head[8:12] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"):
            if not heif_ready():
                return f"{name}: Pillow here cannot read HEIC: pip install pillow-heif"
            return f"{name} is a damaged HEIC picture"
        if _is_iso_media(head) and head[8:12] in (b"avif", b"avis"):
            if not features.check("avif"):
                return f"{name}: Pillow here cannot read AVIF: pip install --upgrade pillow"
            return f"{name} is a damaged AVIF picture"
    return f"{name} is not a picture of a known format, or its beginning is damaged"


def _is_iso_media(head: bytes) -> bool:
    """Whether a file begins as HEIC and AVIF do: with an `ftyp` box (ISO 14496-12)."""
    return head[4:8] == b"ftyp"


def _line(error: BaseException) -> str:
    """The error as one line."""
    return " ".join(str(error).split()) or type(error).__name__
