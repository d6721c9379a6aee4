"""TIFFs of gray floats of 16 or 64 bits, which Pillow doesn't know, made into those of 32 bits, which it does."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from zoo.arrays import Floats, Pixels
from zoo.errors import UnsafeFileError
from zoo.pictures.picture import load_pixels
from zoo.pictures.quiet import quiet_pillow
from zoo.pictures.tiff_pages import Directories, Page

# TIFF 6.0; predictor 3 is of TIFF technical note 3.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _ROWS, _COUNTS = 256, 257, 258, 259, 262, 273, 278, 279
_SAMPLES, _PREDICTOR, _TILE_WIDTH, _TILES, _SAMPLE_FORMAT = 277, 317, 322, range(322, 326), 339
_UNSIGNED, _FLOAT = 1, 3


def is_rare_float(page: Page) -> bool:
    """Whether a page is of gray floats of 16 or 64 bits."""
    bits, kind = page.tags.get(_BITS), page.tags.get(_SAMPLE_FORMAT)
    gray = page.area > 0 and page.value(_PHOTOMETRIC) in (0, 1) and page.value(_SAMPLES, 1) == 1
    return gray and bits in ((16,), (64,)) and kind == (_FLOAT,)


def with_plain_floats(stream: BinaryIO, name: str) -> BinaryIO:
    """The TIFF with the floats of its first page, which `is_rare_float`, as 32 bits.

    Pillow reads their bytes, as a wider page of bytes. Raises UnsafeFileError for tiles with a predictor, and what
    Pillow raises for a damaged file.
    """
    directories = Directories(stream)
    entries = directories.entries(directories.first)
    floats = _floats(directories, entries, name)
    stream.seek(0, io.SEEK_END)
    start = stream.tell() + stream.tell() % 2
    plain = {
        _BITS: 32, _SAMPLE_FORMAT: _FLOAT, _COMPRESSION: 1, _OFFSETS: start, _ROWS: len(floats), _COUNTS: floats.nbytes,
    }  # fmt: skip
    kept = {tag: entry for tag, entry in entries.items() if tag != _PREDICTOR and tag not in _TILES}
    kept |= {tag: directories.entry(tag, value) for tag, value in plain.items()}
    return directories.begun_with(kept, floats.astype(f"{directories.order}f4").tobytes())


def _floats(directories: Directories, entries: dict[int, bytes], name: str) -> Floats:
    """The values of a page (H, W)."""
    said = {tag: directories.number(entry) for tag, entry in entries.items()}
    size, predictor = said[_BITS] // 8, said.get(_PREDICTOR, 1) if said.get(_COMPRESSION, 1) != 1 else 1
    if predictor != 1 and _TILE_WIDTH in said:
        kind = "floats in tiles with a predictor"
        raise UnsafeFileError(f"{name} is a TIFF of {kind}, which is not supported: save it as 16-bit gray")
    changed = {_PHOTOMETRIC: 1, _BITS: 8, _SAMPLE_FORMAT: _UNSIGNED, _PREDICTOR: 1}
    changed |= {tag: size * said[tag] for tag in (_WIDTH, _TILE_WIDTH) if tag in said}
    as_bytes = entries | {tag: directories.entry(tag, value) for tag, value in changed.items()}
    with quiet_pillow():
        image = TiffImagePlugin.TiffImageFile(directories.begun_with(as_bytes))
    load_pixels(image)
    with np.errstate(over="ignore"):
        return _predicted(np.asarray(image), size, predictor, directories.order).astype(np.float32)


def _predicted(rows: Pixels, size: int, predictor: int, order: str) -> NDArray[Any]:
    """Floats of so many bytes in rows of them, which are stored as differences to the left if a predictor says so."""
    if predictor == 2:
        words = rows.view(f"{order}u{size}")
        return np.cumsum(words, axis=1, dtype=f"u{size}").view(f"f{size}")
    if predictor == 3:  # differences of bytes, where all upper bytes of a row stand before all lower ones
        planes = np.cumsum(rows, axis=1, dtype=np.uint8).reshape(len(rows), size, -1)
        return np.ascontiguousarray(planes.swapaxes(1, 2)).view(f">f{size}")[:, :, 0]
    return rows.view(f"{order}f{size}")
