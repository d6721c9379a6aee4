"""The fit `chroma`: colours from a small gray picture, joined to the picture's own lightness along its edges."""

from __future__ import annotations

import numpy as np

from zoo.arrays import Levels
from zoo.catalog.ports import ImageSpec
from zoo.errors import ZooError
from zoo.inference.fit.arrays import Run, answer_of, empty_result, round_up
from zoo.inference.fit.guided import at_size, linear_model
from zoo.inference.fit.resampling import resampled, shrunk
from zoo.pictures import color
from zoo.pictures.color import with_channels

# A chroma model that takes any size sees at most this: colours need no more, and memory stays bounded.
_CHROMA_SIDE = 512


def fit_chroma(images: Levels, run: Run, spec: ImageSpec, strength: float = 1.0) -> Levels:
    """Colour the luma of pictures; any colour of theirs is dropped. The answer's a and b are taken `strength` times."""
    grays = with_channels(images, 1)
    size = spec.size or round_up(*_at_most(images.shape[2:], _CHROMA_SIDE), spec.multiple)
    seen = shrunk(grays, size)
    answer = answer_of(run, with_channels(seen, spec.channels))
    if answer.shape[1] != 3:
        raise ZooError(f"the model answered {answer.shape[1]} channels; 'chroma' needs RGB, which is 3")
    result = empty_result(images, 3)
    for target, gray, small, rgb in zip(result, grays[:, 0], seen, answer, strict=True):
        chroma = color.rgb_to_lab(rgb.transpose(1, 2, 0))[:, :, 1:].transpose(2, 0, 1) * np.float32(strength)
        model = linear_model(chroma, at_size(color.lightness(small), chroma.shape[1:])[0])
        for rows, columns, planes in resampled(model, gray.shape):
            light = color.lightness(gray[rows, columns])
            a, b = planes[:2] * light + planes[2:]
            color.join(light, a, b, target[:, rows, columns])
    return result


def _at_most(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """(height, width) scaled down so that the longer is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
