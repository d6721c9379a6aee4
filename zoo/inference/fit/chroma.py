"""The fit `chroma`: colours from a small gray picture, joined to the picture's own lightness at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.inference import color
from zoo.inference.fit.arrays import Levels, Run, answer_of, empty_result, round_up, with_channels
from zoo.inference.fit.resampling import resampled, shrunk

if TYPE_CHECKING:
    from zoo.catalog.spec import ImageSpec

# A chroma model that takes any size sees at most this: colours need no more, and memory stays bounded.
_CHROMA_SIDE = 512


def fit_chroma(images: Levels, run: Run, spec: ImageSpec) -> Levels:
    """Colour the luma of pictures; any colour of theirs is dropped."""
    grays = with_channels(images, 1)
    size = spec.size or round_up(*_at_most(images.shape[2:], _CHROMA_SIDE), spec.multiple)
    answer = answer_of(run, with_channels(shrunk(grays, size), spec.channels))
    if answer.shape[1] != 3:
        raise ZooError(f"the model answered {answer.shape[1]} channels; 'chroma' needs RGB, which is 3")
    result = empty_result(images, 3)
    for target, gray, rgb in zip(result, grays[:, 0], answer, strict=True):
        chroma = color.rgb_to_lab(rgb.transpose(1, 2, 0))[:, :, 1:].transpose(2, 0, 1)
        for rows, columns, (a, b) in resampled(chroma, gray.shape):
            color.join(color.lightness(gray[rows, columns]), a, b, target[:, rows, columns])
    return result


def _at_most(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """(height, width) scaled down so that the longer is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
