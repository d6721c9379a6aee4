"""Arrays of pictures on their way to a model and back: checked, of its channels, of the pictures' dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from zoo.arrays import Floats, Levels
from zoo.catalog.ports import ImageSpec
from zoo.errors import UnsafeFileError, UsageError, ZooError

# uint8 (0 to 255), uint16 (0 to 65535) or float32 in [0, 1]
Run: TypeAlias = Callable[[Floats], Floats]


def check(images: Levels) -> None:
    """Refuse what is no batch of pictures, with a UsageError."""
    if images.ndim != 4 or images.dtype not in (np.uint8, np.uint16, np.float32):
        kinds = "uint8, uint16 or float32"
        raise UsageError(f"pictures must be (N, C, H, W), {kinds}, not {images.shape}, {images.dtype}")
    if images.shape[1] not in (1, 3):
        raise UsageError(f"pictures must have 1 or 3 channels, not {images.shape[1]} (shape {images.shape})")
    if 0 in images.shape:
        raise UsageError(f"there is no picture in an array of shape {images.shape}")
    if images.dtype == np.float32 and not (images.min() >= -1e-3 and images.max() <= 1 + 1e-3):
        raise UsageError("float32 pictures must be in [0, 1] and have no NaN: divide levels of 0 to 255 by 255")


def answer_of(run: Run, batch: Floats) -> Floats:
    """What the model answers, checked to be pictures and clamped to [0, 1]; UnsafeFileError for NaN and infinity."""
    answer = np.asarray(run(np.ascontiguousarray(batch)))
    if answer.ndim != 4 or len(answer) != len(batch) or 0 in answer.shape:
        raise ZooError(f"the model answered an array of shape {answer.shape} to one of shape {batch.shape}")
    for number, picture in enumerate(answer):
        if not np.isfinite(picture).all():
            kind = "NaN" if np.isnan(picture).any() else "infinity"
            raise UnsafeFileError(
                f"the model answered {kind} to picture {number + 1} of {len(batch)}: damaged weights?"
            )
    return answer.clip(0, 1).astype(np.float32, copy=False)


def model_size(images: Levels, spec: ImageSpec) -> tuple[int, int]:
    """(height, width) that pictures are brought to: the model's own, or theirs rounded up."""
    return spec.size or round_up(images.shape[2], images.shape[3], spec.multiple)


def round_up(height: int, width: int, multiple: int) -> tuple[int, int]:
    """(height, width) as the next multiples."""
    return -(-height // multiple) * multiple, -(-width // multiple) * multiple


def empty_result(images: Levels, channels: int, scale: int = 1) -> Levels:
    """An (N, channels, scale H, scale W) view of an array with channels last, of the pictures' dtype."""
    count, _, height, width = images.shape
    return np.empty((count, scale * height, scale * width, channels), images.dtype).transpose(0, 3, 1, 2)


def require_scaled(answer: Floats, given: Levels, scale: int, fit: str) -> None:
    """Raise ZooError for an answer that is not `scale` times as high and wide as what was given."""
    if answer.shape[2:] != (scale * given.shape[2], scale * given.shape[3]):
        wanted = "equal sizes" if scale == 1 else f"sizes times {scale}"
        raise ZooError(f"the model answered {size_of(answer)} to a picture of {size_of(given)}: {fit!r} needs {wanted}")


def as_float(values: Levels) -> Floats:
    """Levels as float32 in [0, 1]."""
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    return values * np.float32(1 / np.iinfo(values.dtype).max)


def as_dtype(values: Floats, dtype: np.dtype[Any]) -> Levels:
    """Floats in [0, 1] as levels of a dtype."""
    return values if dtype.kind == "f" else np.rint(values * np.float32(np.iinfo(dtype).max)).astype(dtype)


def slices(length: int, step: int) -> Iterator[slice]:
    """`length` in slices of at most `step`."""
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def size_of(images: Levels) -> str:
    """Width and height in words."""
    return f"{images.shape[3]} x {images.shape[2]}"
