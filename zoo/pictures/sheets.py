"""Sheets of pictures that a person can look at: grids, strips, and animations that go there and back."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.arrays import Floats
from zoo.errors import UnsafeFileError, UsageError
from zoo.files import make_folder, refuse_existing, write_whole
from zoo.pictures.images import DEFAULT_MAX_PIXELS, Picture, from_array, write_picture

# Sides in pixels below which pictures are enlarged, in a sheet and alone in an animation.
CELL_SIDE = 96
FRAME_SIDE = 256
ANIMATIONS = {".gif": "GIF", ".webp": "WEBP"}
# How long an animation rests on each end.
_REST_SECONDS = 0.8
MAX_SCALE = 64


@dataclass(frozen=True)
class Layout:
    """How cells of one size lie on a sheet: `scale` enlarges each, `gap` white pixels are between them."""

    rows: int
    columns: int
    height: int
    width: int
    scale: int
    gap: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the sheet in pixels."""
        return (
            self.rows * (self.height * self.scale + self.gap) - self.gap,
            self.columns * (self.width * self.scale + self.gap) - self.gap,
        )


def layout(
    n: int, height: int, width: int, *, columns: int | None = None, scale: int | None = None, side: int = CELL_SIDE
) -> Layout:
    """A sheet for `n` pictures of one size, in as many columns, enlarged by this factor; chosen well where not said.

    Small pictures are enlarged by a whole number until their shorter side has `side` pixels. Raises UsageError for a
    sheet of more than 200 million pixels, so ask before making the pictures.
    """
    columns = min(columns or _columns(n), n)
    scale = scale or min(MAX_SCALE, math.ceil(side / min(height, width)))
    gap = max(2, min(height, width) * scale // 64)
    found = Layout(math.ceil(n / columns), columns, height, width, scale, gap)
    if math.prod(found.size) > DEFAULT_MAX_PIXELS:
        across, down = found.size[1], found.size[0]
        raise UsageError(
            f"a sheet of {n} pictures would have {across} x {down} pixels: write single files into FOLDER/"
        )
    return found


def sheet(
    pictures: NDArray[Any], *, columns: int | None = None, scale: int | None = None, side: int = CELL_SIDE
) -> Picture:
    """Pictures (N, C, H, W), C = 1 or 3, uint8 or floats in [0, 1], row by row on white, laid out by `layout`."""
    n, channels, height, width = pictures.shape
    plan = layout(n, height, width, columns=columns, scale=scale, side=side)
    pixels = np.full((*plan.size, channels), 255, np.uint8)
    for number, picture in enumerate(pictures):
        cell = enlarged(from_array(picture), plan.scale).pixels
        top = number // plan.columns * (cell.shape[0] + plan.gap)
        left = number % plan.columns * (cell.shape[1] + plan.gap)
        pixels[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return Picture(pixels)


def enlarged(picture: Picture, scale: int) -> Picture:
    """Each pixel as a square of `scale` pixels a side: nothing is smoothed, so that one sees what the model made."""
    return Picture(picture.pixels.repeat(scale, 0).repeat(scale, 1)) if scale > 1 else picture


def cross_fade(a: Floats, b: Floats, steps: int) -> Floats:
    """Pictures (steps, C, H, W) that blend `a` into `b`, both (C, H, W): what a transition is without a model."""
    t = np.linspace(0, 1, steps, dtype=np.float32)[:, None, None, None]
    return (1 - t) * a + t * b


def is_folder(out: str) -> bool:
    """Whether a place to write to is a folder: it ends in a slash, is one, or has no suffix."""
    return out.endswith(("/", os.sep)) or Path(out).is_dir() or not Path(out).suffix


def write_sheet(
    path: Path,
    pictures: NDArray[Any],
    *,
    columns: int | None = None,
    scale: int | None = None,
    force: bool = False,
) -> None:
    """Write pictures (N, C, H, W) as one sheet; a single one as it is unless `scale` enlarges it.

    Raises as `layout` and `write_picture` do.
    """
    scale = 1 if scale is None and len(pictures) == 1 else scale
    write_picture(path, sheet(pictures, columns=columns, scale=scale), force=force)


def write_singles(
    paths: Sequence[Path], pictures: Iterable[NDArray[Any]], *, scale: int = 1, force: bool = False
) -> Iterator[Path]:
    """Write each picture (C, H, W) to a path and yield it then; folders are made.

    Raises before the first picture is taken where one of the files can't be written, and as `write_picture` does.
    """
    for folder in {path.parent for path in paths}:
        make_folder(folder)
    for path in paths:
        refuse_existing(path, force)
    for path, picture in zip(paths, pictures, strict=True):
        write_picture(path, enlarged(from_array(picture), scale), force=force)
        yield path


def write_interpolation(
    path: Path, rows: Sequence[NDArray[Any]], *, scale: int | None = None, fps: float = 16, force: bool = False
) -> None:
    """Write rows of equally many pictures (steps, C, H, W), one below the other: a strip, or an animation by suffix."""
    if path.suffix.lower() not in ANIMATIONS:
        write_picture(path, sheet(np.concatenate(rows), columns=len(rows[0]), scale=scale), force=force)
        return
    frames = [sheet(np.stack(frame), columns=1, scale=scale, side=FRAME_SIDE) for frame in zip(*rows, strict=True)]
    write_animation(path, frames, fps=fps, force=force)


def write_animation(path: Path, frames: Sequence[Picture], *, fps: float = 16, force: bool = False) -> None:
    """Write frames of one size as an endless animation, GIF or WebP by the suffix, there and back, resting at the ends.

    A file appears whole or not at all. Raises as `write_picture` does.
    """
    kind = ANIMATIONS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: an animation is written to a file that ends in {' or '.join(ANIMATIONS)}")
    refuse_existing(path, force)
    images = [
        Image.fromarray(frame.pixels[:, :, 0] if frame.pixels.shape[2] == 1 else frame.pixels) for frame in frames
    ]
    beat = round(1000 / fps)
    rest = max(beat, round(1000 * _REST_SECONDS))
    durations = [rest, *[beat] * (len(images) - 2), rest, *[beat] * (len(images) - 2)]
    images = [*images, *images[-2:0:-1]]
    options: dict[str, Any] = {"quality": 90} if kind == "WEBP" else {"optimize": True}
    data = BytesIO()
    try:
        images[0].save(data, kind, save_all=True, append_images=images[1:], duration=durations, loop=0, **options)
    except Exception as error:  # encoders raise OSError, ValueError, TypeError, struct.error, ...
        raise UnsafeFileError(
            f"{path}: the animation can't be written as {kind}, {error}: use smaller pictures"
        ) from error
    write_whole(path, data, force)


def _columns(n: int) -> int:
    """Columns of a grid about as wide as high, or wider, without a ragged last row if there is such a one."""
    root = math.ceil(math.sqrt(n))
    return next((columns for columns in range(root, 2 * root + 1) if n % columns == 0), root)
