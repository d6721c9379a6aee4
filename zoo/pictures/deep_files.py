"""PNG and TIFF files of 16 bits a channel, which Pillow can't write in colour: gray or RGB, with alpha or without."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from zoo.arrays import Deep, Pixels
from zoo.pictures.deep import off_white, with_channels
from zoo.pictures.picture import Picture
from zoo.pictures.png_chunks import SIGNATURE, write_chunk

_LEVEL = 4  # as for 8 bits
_STRIP_BYTES = 1 << 20
_UNITS_PER_INCH = 0.0254  # pHYs counts in metres
_SUB, _UP = 1, 2
# TIFF 6.0; the profile's tag is of ICC.1, annex B.4, EXIF's of Exif 2.3, 4.6.3
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _SAMPLES, _ROWS, _COUNTS = (
    *(256, 257, 258, 259, 262, 273, 277, 278, 279),
)
_X_DENSITY, _Y_DENSITY, _DENSITY_UNIT, _PREDICTOR, _EXTRA, _PROFILE = 282, 283, 296, 317, 338, 34675
_DIRECTORIES = (34665, 34853)  # EXIF and GPS
_DEFLATE, _HORIZONTAL, _INCH, _UNASSOCIATED_ALPHA = 8, 2, 2, 2


def encode_deep(picture: Picture, kind: str, icc: bytes | None, exif: bytes | None) -> BytesIO:
    """The file of a picture's 16 bits: `kind` is PNG or TIFF. Colour profile, EXIF and density go with it."""
    assert picture.deep is not None
    data = BytesIO()
    (_png if kind == "PNG" else _tiff)(data, picture, picture.deep, icc, exif)
    return data


def _strips(picture: Picture, levels: Deep) -> Iterator[Deep]:
    """Some rows at a time, (h, W, C), alpha being the last channel."""
    step = max(1, _STRIP_BYTES // levels[:1].nbytes)
    for top in range(0, len(levels), step):
        rows = levels[top : top + step]
        if picture.alpha is None:
            yield rows
            continue
        alpha = picture.alpha[top : top + step]
        yield np.concatenate((off_white(rows, alpha), alpha[:, :, None] * np.uint16(257)), axis=2)


def _png(out: BytesIO, picture: Picture, levels: Deep, icc: bytes | None, exif: bytes | None) -> None:
    """PNG specification, third edition, sections 9 (filters) and 11 (chunks)."""
    height, width, channels = levels.shape
    colour_type = (0 if channels == 1 else 2) + (0 if picture.alpha is None else 4)
    out.write(SIGNATURE)
    write_chunk(out, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    if icc:
        write_chunk(out, b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))
    if picture.dpi:
        write_chunk(out, b"pHYs", struct.pack(">IIB", *(round(dots / _UNITS_PER_INCH) for dots in picture.dpi), 1))
    if exif:
        write_chunk(out, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    packer = zlib.compressobj(_LEVEL)
    above = None
    for rows in _strips(picture, levels):
        stored = rows.astype(">u2").reshape(len(rows), -1).view(np.uint8)
        packed = packer.compress(_filtered(stored, above, 2 * rows.shape[2]))
        if packed:
            write_chunk(out, b"IDAT", packed)
        above = stored[-1]
    write_chunk(out, b"IDAT", packer.flush())
    write_chunk(out, b"IEND", b"")


def _filtered(rows: Pixels, above: Pixels | None, pixel: int) -> bytes:
    """Rows of bytes, each less its left or its upper neighbour, whichever leaves less, behind the filter's number."""
    left, up = rows.copy(), rows.copy()
    left[:, pixel:] -= rows[:, :-pixel]
    up[1:] -= rows[:-1]
    if above is not None:
        up[0] -= above
    across, down = (np.abs(rest.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64) for rest in (left, up))
    made = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    made[:, 0] = np.where(across <= down, _SUB, _UP)
    made[:, 1:] = np.where((across <= down)[:, None], left, up)
    return made.tobytes()


def _tiff(out: BytesIO, picture: Picture, levels: Deep, icc: bytes | None, exif: bytes | None) -> None:
    """TIFF 6.0, strips by deflate of each value less its left neighbour (section 14)."""
    if picture.alpha is not None:
        levels = with_channels(levels, 3)  # gray with alpha is read by few
    packed, rows_each = [], 0
    for rows in _strips(picture, levels):
        rest = rows.astype("<u2")
        rest[:, 1:] -= rows[:, :-1]
        packed.append(zlib.compress(rest.tobytes(), _LEVEL))
        rows_each = rows_each or len(rows)
    lengths = [len(strip) for strip in packed]
    height, width, channels = levels.shape
    samples = channels + (picture.alpha is not None)
    tags = _kept_tags(exif)
    tags |= {
        _WIDTH: width, _HEIGHT: height, _BITS: (16,) * samples, _COMPRESSION: _DEFLATE,
        _PHOTOMETRIC: 1 if channels == 1 else 2, _SAMPLES: samples, _ROWS: rows_each, _COUNTS: tuple(lengths),
        _OFFSETS: tuple(sum(lengths[:number]) for number in range(len(lengths))), _PREDICTOR: _HORIZONTAL,
    }  # fmt: skip
    if picture.alpha is not None:
        tags[_EXTRA] = _UNASSOCIATED_ALPHA
    if picture.dpi:
        tags |= {_X_DENSITY: picture.dpi[0], _Y_DENSITY: picture.dpi[1], _DENSITY_UNIT: _INCH}
    if icc:
        tags[_PROFILE] = icc
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    directory.save(out)  # adds its own end to the offsets
    out.writelines(packed)


def _kept_tags(exif: bytes | None) -> dict[int, Any]:
    """The tags of EXIF and its directories, as Pillow's TIFF writer takes them."""
    if not exif:
        return {}
    read = Image.Exif()
    read.load(exif)
    return {tag: dict(read.get_ifd(tag)) if tag in _DIRECTORIES else read[tag] for tag in read}
