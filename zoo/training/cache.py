"""Pictures kept in memory, decoded once, at their own sizes or at the size they are trained at."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from zoo.arrays import Pixels
from zoo.datasets import Changed, Source

KEPT_BYTES = 2**30
KEPT_PICTURES = 1000
Shape = Literal["stretch", "pad"]


class InMemory(Changed):
    """A source whose pictures are all decoded when it is made, by one thread a core, and shared with forked workers.

    It takes as many bytes as the pictures have values: 2 GB for 11,000 pictures of 208 x 277 in colour.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self.pictures = list(pool.map(source.picture, range(len(source))))

    def picture(self, index: int) -> Pixels:
        """Picture as uint8 (C, H, W)."""
        return self.pictures[index]


class Whole:
    """A source's pictures, each as a whole brought to a square; kept in memory if all of them fit into `KEPT_BYTES`."""

    def __init__(self, source: Source, size: int, channels: int, shape: Shape = "stretch") -> None:
        self.source, self.size, self.shape = source, size, shape
        room = (len(source), channels, size, size)
        self.kept = torch.empty(room, dtype=torch.uint8) if math.prod(room) <= KEPT_BYTES else None
        self.known = torch.zeros(len(source), dtype=torch.bool)

    def __getitem__(self, index: int) -> Tensor:
        """One picture, uint8 (C, size, size)."""
        return self.batch([index])[0]

    def batch(self, indices: Sequence[int]) -> Tensor:
        """Pictures as uint8 (N, C, size, size); those that are not yet known are read."""
        if self.kept is None:
            return torch.stack([self._read(index) for index in indices])
        index = torch.tensor(indices)
        for unknown in set(index[~self.known[index]].tolist()):
            self.kept[unknown], self.known[unknown] = self._read(unknown), True
        return self.kept[index]

    def fill(self) -> None:
        """Read everything that is kept, so that processes forked later share it."""
        if self.kept is not None:
            self.batch(range(len(self.source)))

    def _read(self, index: int) -> Tensor:
        picture = torch.from_numpy(self.source.picture(index))
        return resized(squared(picture) if self.shape == "pad" else picture, self.size)


def squared(picture: Tensor) -> Tensor:
    """The picture (C, H, W) in the middle of a square, its edges repeated outwards."""
    height, width = picture.shape[1:]
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    margins = [left, top, side - width - left, side - height - top]
    return torch.as_tensor(tv.pad(picture, margins, padding_mode="edge"))


def resized(picture: Tensor, side: int) -> Tensor:
    """The picture (C, H, W) as a square of this side."""
    return torch.as_tensor(tv.resize(picture, [side, side], antialias=True))


class AsTheyAre:
    """A source's pictures at their own sizes; those of a small set are kept, since decoding is what costs most."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.kept: dict[int, Tensor] = {}

    def __getitem__(self, index: int) -> Tensor:
        """One picture, uint8 (C, H, W)."""
        picture = self.kept.get(index)
        if picture is None:
            picture = torch.from_numpy(self.source.picture(index))
            if len(self.source) <= KEPT_PICTURES and not isinstance(self.source, InMemory):
                self.kept[index] = picture
        return picture
