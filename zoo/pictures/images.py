"""Picture files and arrays. The file formats live behind this room: other code reads and writes pictures through it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.arrays import Floats
from zoo.errors import UsageError
from zoo.files import make_folder
from zoo.pictures.picture import Picture, from_pil
from zoo.pictures.reading import DEFAULT_MAX_PIXELS, read_picture
from zoo.pictures.writing import writable_format, write_picture

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "Picture",
    "from_array",
    "from_pil",
    "read_images",
    "read_picture",
    "side_by_side",
    "to_array",
    "writable_format",
    "write_images",
    "write_picture",
]


def to_array(picture: Picture) -> Floats:
    """The picture as float32 (C, H, W) in [0, 1]."""
    return picture.pixels.transpose(2, 0, 1) * np.float32(1 / 255)


def from_array(image: NDArray[Any]) -> Picture:
    """The picture of an array (C, H, W), C = 1 or 3, uint8 or floats in [0, 1] (clamped; NaN is a UsageError)."""
    if image.ndim != 3:
        raise UsageError(f"a picture is an array (C, H, W), not one of shape {image.shape}")
    image = image.transpose(1, 2, 0)
    if image.dtype != np.uint8:
        if image.dtype.kind != "f" or not np.isfinite(image).all():
            raise UsageError("a picture is an array of uint8, or of finite floats in [0, 1]")
        image = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    return Picture(np.ascontiguousarray(image))


def read_images(*sources: str | os.PathLike[str] | Image.Image, channels: int = 3) -> Floats:
    """Pictures of one size, paths or Pillow's, as a batch: float32 (N, C, H, W) in [0, 1]; gray for `channels=1`.

    Raises UsageError if two sizes differ, and what `read_picture` raises.
    """
    if not sources:
        raise UsageError("no pictures to read: give at least one path")
    arrays: list[Floats] = []
    for source in sources:
        picture = from_pil(source, channels) if isinstance(source, Image.Image) else read_picture(source, channels)
        arrays.append(to_array(picture))
        (_, height, width), (_, first_height, first_width) = arrays[-1].shape, arrays[0].shape
        if (height, width) != (first_height, first_width):
            names = ["a picture" if isinstance(which, Image.Image) else which for which in (sources[0], source)]
            sizes = f"{names[0]} is {first_width} x {first_height}, {names[1]} is {width} x {height}"
            raise UsageError(f"pictures of one batch must have one size: {sizes}")
    return np.stack(arrays)


def write_images(
    images: NDArray[Any],
    target: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    force: bool = False,
) -> list[Path]:
    """Write a batch (N, C, H, W) to as many paths, or to a folder (made if missing) as 0000.png, 0001.png, ...

    Returns the paths. Raises UsageError if the counts differ, and what `write_picture` raises.
    """
    if images.ndim != 4:
        raise UsageError(f"pictures are an array (N, C, H, W), not one of shape {images.shape}")
    if isinstance(target, str | os.PathLike):
        folder = Path(target)
        make_folder(folder)
        paths = [folder / f"{number:04d}.png" for number in range(len(images))]
    else:
        paths = [Path(path) for path in target]
    if len(images) != len(paths):
        raise UsageError(f"{len(paths)} paths for {len(images)} pictures")
    for path, image in zip(paths, images, strict=True):
        write_picture(path, from_array(image), force=force)
    return paths


def side_by_side(before: Picture, after: Picture) -> Picture:
    """Before and after on one white sheet, a small gap between, with the metadata of `after`.

    Both keep their size and hang from the top; RGB if either is, and then with the profile that is for RGB.
    """
    channels = max(before.pixels.shape[2], after.pixels.shape[2])
    height = max(before.pixels.shape[0], after.pixels.shape[0])
    gap = max(2, before.pixels.shape[1] // 50)
    width = before.pixels.shape[1] + gap + after.pixels.shape[1]
    pixels = np.full((height, width, channels), 255, np.uint8)
    pixels[: before.pixels.shape[0], : before.pixels.shape[1]] = before.pixels
    pixels[: after.pixels.shape[0], before.pixels.shape[1] + gap :] = after.pixels
    return replace(after, pixels=pixels, deep=None, alpha=None)
