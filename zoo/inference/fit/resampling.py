"""Pictures at another size: smaller for the model, and its answer enlarged again block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.arrays import Floats, Levels
from zoo.inference.fit.arrays import as_float, slices

# Full-size work goes block by block: small enough for a processor's cache.
_BLOCK_PIXELS = 1 << 16
_BLOCK_WIDTH = 512


def resampled(planes: Floats, size: tuple[int, ...]) -> Iterator[tuple[slice, slice, Floats]]:
    """Planes (K, h, w) resampled to `size`, (height, width), block by block: (rows, columns, values).

    A column of blocks is widened first, then heightened block by block, so nothing of full size is held as floats; what
    shrinks is shrunk before. Values don't depend on the size of the blocks.
    """
    height, width = size
    if height < planes.shape[1]:
        planes = _interpolated(planes, height, slice(0, height))
    turned = np.ascontiguousarray(planes.swapaxes(1, 2))
    if width < turned.shape[1]:
        turned = _interpolated(turned, width, slice(0, width))
    for columns in slices(width, max(_BLOCK_WIDTH, _BLOCK_PIXELS // height)):
        wide = np.ascontiguousarray(_interpolated(turned, width, columns).swapaxes(1, 2))
        for rows in slices(height, max(1, _BLOCK_PIXELS // (columns.stop - columns.start))):
            yield rows, columns, _interpolated(wide, height, rows)


def _interpolated(planes: Floats, length: int, part: slice) -> Floats:
    """Rows `part` of planes (K, h, w) resampled to `length` rows, (K, part, w): smooth, averaged where it shrinks."""
    if planes.shape[1] == length:
        return planes[:, part]
    index, weight = _taps(planes.shape[1], length, part)
    total: Floats = planes.take(index[0], axis=1)
    total *= weight[0][:, None]
    for rows, weights in zip(index[1:], weight[1:], strict=True):
        tap = planes.take(rows, axis=1)
        tap *= weights[:, None]
        total += tap
    return total


def _taps(n_in: int, n_out: int, part: slice) -> tuple[NDArray[np.intp], Floats]:
    """Which of `n_in` samples make samples `part` of `n_out`, and their weights: both (taps, part).

    The kernel is cubic with B = C = 1/3 (Mitchell and Netravali, Reconstruction Filters in Computer Graphics, 1988):
    smoother than linear, next to no ringing. It is stretched where it shrinks, so that nothing is skipped.
    """
    stretch = max(1.0, n_in / n_out)
    center = (np.arange(part.start, part.stop) + 0.5) * (n_in / n_out) - 0.5
    first = np.floor(center - 2 * stretch).astype(np.intp) + 1
    index = first + np.arange(int(np.ceil(4 * stretch)))[:, None]
    x = np.abs(index - center) / stretch
    near = (7 * x**3 - 12 * x**2 + 16 / 3) / 6
    far = (-7 / 3 * x**3 + 12 * x**2 - 20 * x + 32 / 3) / 6
    weight = np.where(x < 1, near, np.where(x < 2, far, 0)) * ((index >= 0) & (index < n_in))
    total = np.zeros_like(center)
    for row in weight:  # one after another: numpy's own sum may round differently for another size of part
        total += row
    return index.clip(0, n_in - 1), (weight / total).astype(np.float32)


def shrunk(images: Levels, size: tuple[int, int]) -> Floats:
    """Levels (N, C, H, W) at the size (h, w), as float32."""
    small = np.empty((*images.shape[:2], *size), np.float32)
    for target, picture in zip(small, images, strict=True):
        for plane, values in zip(target, picture, strict=True):
            plane[:] = as_float(_resized(values, size))
    return small


def _resized(plane: Levels, size: tuple[int, int]) -> Levels:
    """A plane (H, W) at size (h, w), by Lanczos (Pillow, antialiased); what is far larger is averaged plainly first."""
    if plane.shape == size:
        return plane
    plane = np.ascontiguousarray(plane if plane.dtype == np.uint8 else as_float(plane))
    mode = "L" if plane.dtype == np.uint8 else "F"
    height, width = plane.shape
    image = Image.frombuffer(mode, (width, height), plane, "raw", mode, 0, 1)
    resized: Levels = np.asarray(image.resize((size[1], size[0]), Image.Resampling.LANCZOS, reducing_gap=4.0))
    return resized if plane.dtype == np.uint8 else resized.clip(0, 1)
