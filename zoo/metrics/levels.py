"""Held-out and training pictures at the size a model is evaluated at, and a model's work on many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms.v2 import functional as tv

from zoo.arrays import Floats, Pixels
from zoo.datasets import Changed, Source

T = TypeVar("T")

# How many values the pictures of one call hold at most: the layers of a network are many times that.
CALL_VALUES = 1 << 20
# How many values are held at a time of pictures that all have to be there at once: 512 MiB as float32.
HELD_VALUES = 1 << 27


class Pictures(Changed):
    """The pictures of a source, uint8, each brought to `size`, (height, width), with antialiasing; None leaves them."""

    def __init__(self, source: Source, size: tuple[int, int] | None = None) -> None:
        super().__init__(source)
        self.size = size

    def picture(self, index: int) -> Pixels:
        """Picture as uint8 (C, H, W)."""
        pixels = self.source.picture(index)
        if self.size is None or pixels.shape[1:] == self.size:
            return pixels
        resized = tv.resize(torch.from_numpy(np.array(pixels)), list(self.size), antialias=True)
        small: Pixels = resized.numpy()
        return small

    def spread(self, count: int) -> list[int]:
        """Positions of at most `count` pictures, evenly spaced."""
        count = min(count, len(self))
        return [int(i) for i in np.linspace(0, len(self) - 1, count).round()]

    def array(self, indices: Sequence[int] | None = None) -> Pixels:
        """The pictures at `indices`, by default as many as `held` allows: uint8 (N, C, H, W)."""
        chosen = self.spread(self.held()) if indices is None else indices
        return np.stack([self.picture(index) for index in chosen])

    def held(self) -> int:
        """How many pictures may be held at once."""
        return min(len(self), max(1, HELD_VALUES // self.picture(0).size))

    def batches(self, indices: Sequence[int] | None = None) -> Iterator[Pixels]:
        """All pictures, or those at `indices`, a few at a time: uint8 (n, C, H, W)."""
        chosen = np.arange(len(self)) if indices is None else np.array(indices)
        return in_calls(lambda part: self.array(part.tolist()), chosen, self.picture(0).size)


def unit(pictures: Pixels) -> Floats:
    """Levels 0 to 255 as float32 in [0, 1]."""
    return pictures.astype(np.float32) / np.float32(255)


def levels(pictures: NDArray[np.floating]) -> Pixels:
    """Pictures in [0, 1], clamped, as the nearest of 256 levels: what a file would hold."""
    made: Pixels = np.rint(np.clip(pictures, 0.0, 1.0) * 255.0).astype(np.uint8)
    return made


def in_calls(work: Callable[[Any], T], items: NDArray[Any], values: int) -> Iterator[T]:
    """`work` on a few of `items` at a time; `values` is how many values the picture of one of them has."""
    step = max(1, CALL_VALUES // values)
    for first in range(0, len(items), step):
        yield work(items[first : first + step])
