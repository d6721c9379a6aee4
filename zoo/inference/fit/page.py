"""The fits of drawings: the drawing on a page as the model was trained on it, and the answer back onto the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.arrays import Floats, Levels
from zoo.errors import UsageError
from zoo.inference.fit.arrays import Run, answer_of, as_dtype, as_float, empty_result
from zoo.inference.fit.resampling import resampled
from zoo.pictures.color import with_channels

if TYPE_CHECKING:
    from zoo.catalog.ports import ImageSpec
    from zoo.pictures.drawings import Drawing

# Towards the border of the square that the model saw, its answer fades to the white of the page: this share of a side.
FADE = 1 / 32


def fit_drawing(images: Levels, run: Run, spec: ImageSpec, *, shade: bool = False) -> Levels:
    """Find the drawing on each page, translate it, and lay the answer over its place; the rest is white.

    With `shade` the model sees the inside of outlines in gray, `zoo.pictures.outlines`.

    Raises UsageError for a model whose input is not one gray square.
    """
    from zoo.pictures.drawings import find_drawing
    from zoo.pictures.outlines import shaded

    if spec.channels != 1 or not spec.size or spec.size[0] != spec.size[1]:
        raise UsageError("fits of drawings are for models that take one channel and a fixed square size")
    side = spec.size[0]
    pages = with_channels(images, 1)[:, 0]
    if pages.dtype != np.uint8:
        pages = as_dtype(as_float(pages), np.dtype(np.uint8))
    found = [find_drawing(np.ascontiguousarray(page), side) for page in pages]
    lines = [shaded(drawing.lines) if shade else drawing.lines for drawing in found]
    answer = answer_of(run, as_float(np.stack(lines)[:, None]))
    result = empty_result(images, answer.shape[1])
    for target, drawing, picture in zip(result, found, answer, strict=True):
        _lay(picture, drawing, target)
    return result


def _lay(picture: Floats, drawing: Drawing, target: Levels) -> None:
    """Put the answer (C, h, w) to a drawing where it lies on the page (C, H, W), on white."""
    height, width = target.shape[1:]
    target[:] = 1.0 if target.dtype.kind == "f" else np.iinfo(target.dtype).max
    if (drawing.top, drawing.left, drawing.extent) != (0, 0, height) or height != width:
        picture = _faded(picture)
    for rows, columns, values in resampled(picture, (drawing.extent, drawing.extent)):
        top, left = rows.start + drawing.top, columns.start + drawing.left
        above, before = max(0, -top), max(0, -left)
        part = values[:, above : max(above, height - top), before : max(before, width - left)]
        if part.size:
            place = slice(top + above, top + above + part.shape[1]), slice(left + before, left + before + part.shape[2])
            target[:, place[0], place[1]] = as_dtype(part.clip(0, 1), target.dtype)


def _faded(picture: Floats) -> Floats:
    """The picture (C, h, w), fading to white towards its borders."""
    rises = []
    for length in picture.shape[1:]:
        near = np.minimum(np.arange(length), np.arange(length)[::-1]) / max(1.0, length * FADE)
        rises.append(near.clip(0.0, 1.0).astype(np.float32))
    faded: Floats = 1 - (1 - picture) * np.minimum.outer(*rises)
    return faded
