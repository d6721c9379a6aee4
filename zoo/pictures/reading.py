"""Picture files into memory: strict about damaged ones, frugal with large ones."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageChops, UnidentifiedImageError

from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UsageError, ZooError
from zoo.pictures.deep import takes_lower_bytes
from zoo.pictures.formats import FORMATS, heif_ready, load_modules
from zoo.pictures.jpeg_end import is_jpeg, with_two_ends
from zoo.pictures.kinds import is_iso_media, kind_refused, why_unidentified
from zoo.pictures.picture import Picture, from_pil, load_pixels
from zoo.pictures.png_chunks import END_MISSING, SIGNATURE, needed_chunks
from zoo.pictures.quiet import quiet_pillow
from zoo.pictures.tiff_floats import is_rare_float, with_plain_floats
from zoo.pictures.tiff_pages import is_tiff, shown_page

DEFAULT_MAX_PIXELS = 200_000_000

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
    deep: bool = False,
) -> Picture:
    """Read a picture from a path, a binary stream or a file's bytes, upright, and composited on white.

    `name` is what messages call a picture that is given as bytes. With `deep` it keeps more than 8 bits if it has them.
    `channels` is 1 for gray (luma, Pillow's mode L), 3 for RGB, None for what the file has. Of a file with many
    pictures the first is taken, with a note. Raises NotFoundError, UsageError (a folder), DiskError (not readable),
    UnsafeFileError (empty, no picture, damaged, cut off, or of more than `max_pixels` pixels, seen before decoding).
    """
    if isinstance(source, bytes):
        return _read(BytesIO(source), name, channels, max_pixels, deep)
    if not isinstance(source, str | os.PathLike):
        called = getattr(source, "name", None)
        name = called if isinstance(called, str) else "the stream"
        return _read(_seekable(source), name, channels, max_pixels, deep)
    path = Path(source)
    with _open(path) as stream:
        return _read(_seekable(stream), str(path), channels, max_pixels, deep)


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


def _read(stream: BinaryIO, name: str, channels: int | None, max_pixels: int, deep: bool) -> Picture:
    """Every exception of Pillow on a damaged file, and it raises all kinds, becomes one UnsafeFileError."""
    try:
        return _decoded(stream, name, channels, max_pixels, deep)
    except UnidentifiedImageError as error:
        raise UnsafeFileError(why_unidentified(stream, name)) from error
    except ZooError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        counted = re.search(r"\d+", str(error))
        _check_pixels(int(counted[0]) if counted else max_pixels + 1, name, max_pixels)
        raise UnsafeFileError(f"{name} is damaged: {_line(error)}") from error
    except OSError as error:
        if error.errno not in _ERRNOS_OF_DAMAGE:
            raise DiskError(f"{name} can't be read: {error.strerror}") from error
        raise UnsafeFileError(
            kind_refused(name, _line(error)) or f"{name} is damaged or cut off: {_line(error)}"
        ) from error
    except Exception as error:
        raise UnsafeFileError(kind_refused(name, _line(error)) or f"{name} is damaged: {_line(error)}") from error


def _decoded(stream: BinaryIO, name: str, channels: int | None, max_pixels: int, deep: bool) -> Picture:
    load_modules()
    stream.seek(0)
    head = stream.read(16)
    if not head:
        raise UnsafeFileError(f"{name} is empty")
    notes, frames, profile = list[str](), None, None
    if head.startswith(SIGNATURE):
        chunks = needed_chunks(stream, name)
        stream, frames, profile, notes = chunks.stream, chunks.frames, chunks.icc, chunks.notes
    elif is_tiff(head):
        stream, page, of_pages = shown_page(stream, name)
        frames, notes = 1, [*of_pages]
        if is_rare_float(page):
            _check_pixels(page.area, name, max_pixels)
            stream = with_plain_floats(stream, name)
    elif is_jpeg(head):
        stream, notes = _with_end(stream, head, name, max_pixels)
    with _identified(stream, head, max_pixels) as image:
        _check_pixels(image.width * image.height, name, max_pixels)
        if profile:
            image.info["icc_profile"] = profile
        lower = _lower_bytes(stream, head, max_pixels) if deep else None
        picture = from_pil(image, channels, deep=deep, lower=lower)
        return replace(picture, notes=(*picture.notes, *notes, *_note_of_frames(image, frames, max_pixels)))


def _identified(stream: BinaryIO, head: bytes, max_pixels: int) -> Image.Image:
    """The picture with only its header read."""
    formats = [row.name for row in FORMATS if row.modules]
    if is_iso_media(head) and heif_ready():
        formats.append("HEIF")
    stream.seek(0)
    with quiet_pillow(max_pixels):
        return Image.open(stream, formats=formats)


def _lower_bytes(stream: BinaryIO, head: bytes, max_pixels: int) -> Image.Image | None:
    """The picture once more, of the lower bytes of its channels, if these have two."""
    with _identified(stream, head, max_pixels) as image:
        if not takes_lower_bytes(image):
            return None
        load_pixels(image)
        return image


def _with_end(stream: BinaryIO, head: bytes, name: str, max_pixels: int) -> tuple[BinaryIO, list[str]]:
    """A JPEG's file, with an end if it lacks only that, and a note then."""
    ends = with_two_ends(stream)
    if ends is None:
        return stream, []
    for one, other in ends:
        with _identified(one, head, max_pixels) as image, _identified(other, head, max_pixels) as again:
            _check_pixels(image.width * image.height, name, max_pixels)
            if not ImageChops.difference(image, again).getbbox():
                return one, [END_MISSING]
    raise UnsafeFileError(f"{name} is cut off: not all of its pixels are there")


def _check_pixels(pixels: int, name: str, max_pixels: int) -> None:
    if pixels > max_pixels:
        raise UnsafeFileError(
            f"{name} has {pixels / 1e6:.1f} megapixels, over the limit of {max_pixels / 1e6:g}: "
            f"if you trust it, --max-pixels {math.ceil(pixels / 1e6)} raises the limit"
        )


def _note_of_frames(image: Image.Image, frames: int | None, max_pixels: int) -> list[str]:
    """A note if the file holds more pictures. Some formats count by walking the file, which may be damaged later on."""
    if image.format == "MPO":  # a camera's JPEG with a small preview or depth map behind it
        return []
    if frames is None:
        frames = 1
        with quiet_pillow(max_pixels), contextlib.suppress(Exception):
            frames = getattr(image, "n_frames", 1)
    return [f"animated: first of {frames} taken"] if frames > 1 else []


def _line(error: BaseException) -> str:
    """The error as one line."""
    return " ".join(str(error).split()) or type(error).__name__
