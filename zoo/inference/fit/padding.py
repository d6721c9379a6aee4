"""The fit `pad`: mirrored at the bottom and the right up to what the model takes, cropped back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import UsageError, ZooError
from zoo.inference.fit.arrays import (
    Floats,
    Levels,
    Run,
    answer_of,
    as_dtype,
    as_float,
    empty_result,
    model_size,
    size_of,
    with_channels,
)

if TYPE_CHECKING:
    from zoo.catalog.interface import ImageSpec


def fit_pad(images: Levels, run: Run, spec: ImageSpec) -> Levels:
    """Pad, run, crop. Raises UsageError for a picture that is larger than the model's fixed size."""
    given = padded(with_channels(images, spec.channels), spec)
    answer = answer_of(run, given)
    if answer.shape[2:] != given.shape[2:]:
        raise ZooError(
            f"the model answered {size_of(answer)} to a picture of {size_of(given)}: 'pad' needs equal sizes"
        )
    result = empty_result(images, answer.shape[1])
    result[:] = as_dtype(answer[:, :, : images.shape[2], : images.shape[3]], images.dtype)
    return result


def padded(images: Levels, spec: ImageSpec) -> Floats:
    """Levels mirrored at the bottom and the right up to the model's size, as float32."""
    height, width = images.shape[2:]
    if spec.size and (height > spec.size[0] or width > spec.size[1]):
        limit = f"{spec.size[1]} x {spec.size[0]}"
        raise UsageError(f"this model takes pictures of at most {limit} pixels, not {size_of(images)}: make it smaller")
    below, beside = np.subtract(model_size(images, spec), (height, width))
    return as_float(np.pad(images, ((0, 0), (0, 0), (0, below), (0, beside)), mode="reflect"))
