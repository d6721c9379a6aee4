"""Picture files and arrays. The file formats live behind this room: other code reads and writes pictures through it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DiskError, UsageError
from zoo.inference.picture import Picture, from_pil
from zoo.inference.picture_reading import DEFAULT_MAX_PIXELS, read_picture
from zoo.inference.picture_writing import check_target, output_format, write_picture

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "Picture",
    "check_target",
    "from_array",
    "from_pil",
    "output_format",
    "read_images",
    "read_picture",
    "side_by_side",
    "to_array",
    "write_images",
    "write_picture",
]

Floats = NDArray[np.float32]


def to_array(picture: Picture) -> Floats:
    """The picture as float32 (C, H, W) in [0, 1]."""
    return picture.pixels.transpose(2, 0, 1) * np.float32(1 / 255)


def from_array(image: NDArray[np.uint8] | Floats) -> Picture:
    """The picture of an array (C, H, W), C = 1 or 3, uint8 or floats in [0, 1] (clamped; NaN is a UsageError)."""
    if image.ndim != 3:
        raise UsageError(f"a picture is an array (C, H, W), not one of shape {image.shape}")
    if image.dtype == np.uint8:
        return Picture(np.ascontiguousarray(image.transpose(1, 2, 0)).astype(np.uint8, copy=False))
    if not np.issubdtype(image.dtype, np.floating) or not np.isfinite(image).all():
        raise UsageError("a picture is an array of uint8, or of finite floats in [0, 1]")
    return Picture(np.rint(image.transpose(1, 2, 0).clip(0, 1) * 255).astype(np.uint8, order="C"))


def read_images(*paths: str | os.PathLike[str], channels: int = 3) -> Floats:
    """Pictures of one size as a batch: float32 (N, C, H, W) in [0, 1]; gray for `channels=1`.

    Raises UsageError if two sizes differ, and what `read_picture` raises.
    """
    if not paths:
        raise UsageError("no pictures to read: give at least one path")
    pictures = [read_picture(path, channels) for path in paths]
    first = pictures[0].pixels.shape
    for path, picture in zip(paths, pictures, strict=True):
        if picture.pixels.shape != first:
            sizes = f"{paths[0]} is {first[1]} x {first[0]}, {path} is {picture.pixels.shape[1]} x {picture.pixels.shape[0]}"
            raise UsageError(f"pictures of one batch must have one size: {sizes}")
    return np.stack([to_array(picture) for picture in pictures])


def write_images(
    images: NDArray[np.uint8] | Floats,
    target: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    force: bool = False,
) -> list[Path]:
    """Write a batch (N, C, H, W) to as many paths, or to a folder (made if missing) as 0000.png, 0001.png, ...

    Returns the paths. Raises UsageError if the counts differ, and what `write_picture` raises.
    """
    if isinstance(target, str | os.PathLike):
        folder = Path(target)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(f"{folder} can't be made a folder: {error.strerror}") from error
        paths = [folder / f"{number:04d}.png" for number in range(len(images))]
    else:
        paths = [Path(path) for path in target]
    if images.ndim != 4 or len(images) != len(paths):
        raise UsageError(f"{len(paths)} paths were given for an array of shape {images.shape}; it must be (N, C, H, W)")
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
    return replace(after, pixels=pixels, alpha=None)
