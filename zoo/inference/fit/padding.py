"""The fit `pad`: mirrored at the bottom and the right up to what the model takes, cropped back."""

from __future__ import annotations

import numpy as np

from zoo.arrays import Floats, Levels
from zoo.catalog.ports import ImageSpec
from zoo.errors import UsageError
from zoo.inference.fit.arrays import (
    Run,
    answer_of,
    as_dtype,
    as_float,
    empty_result,
    model_size,
    require_scaled,
    size_of,
)
from zoo.pictures.color import with_channels


def fit_pad(images: Levels, run: Run, spec: ImageSpec, scale: int = 1) -> Levels:
    """Pad, run, crop; the answer is `scale` times as high and wide.

    Raises UsageError for a picture that is larger than the model's fixed size.
    """
    given = padded(with_channels(images, spec.channels), spec)
    answer = answer_of(run, given)
    require_scaled(answer, given, scale, "pad")
    result = empty_result(images, answer.shape[1], scale)
    result[:] = as_dtype(answer[:, :, : result.shape[2], : result.shape[3]], images.dtype)
    return result


def padded(images: Levels, spec: ImageSpec) -> Floats:
    """Levels mirrored at the bottom and the right up to the model's size, as float32."""
    height, width = images.shape[2:]
    if spec.size and (height > spec.size[0] or width > spec.size[1]):
        limit = f"{spec.size[1]} x {spec.size[0]}"
        raise UsageError(f"this model takes pictures of at most {limit} pixels, not {size_of(images)}: make it smaller")
    below, beside = np.subtract(model_size(images, spec), (height, width))
    return as_float(np.pad(images, ((0, 0), (0, 0), (0, below), (0, beside)), mode="reflect"))
