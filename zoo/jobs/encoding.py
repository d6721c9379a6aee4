"""Encoding many pictures: by batches, so that only their latents are ever in memory together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zoo.arrays import Floats, Pixels
from zoo.errors import UsageError
from zoo.inference.model import Model

Rows = Sequence[int] | NDArray[np.int64]
# Told how many pictures are done.
Done = Callable[[int], None]
BATCH = 64


class Pictures(Protocol):
    """Pictures by position, as every source of `zoo.datasets` has them."""

    def __len__(self) -> int:
        """How many."""

    def picture(self, index: int) -> Pixels:
        """Picture as uint8 (C, H, W)."""


def encode_all(model: Model, pictures: Pictures, rows: Rows, done: Done = lambda count: None) -> Floats:
    """The latents of the pictures at `rows`: float32 (N, *latent_shape). `done` hears how many there are so far.

    Pictures may differ in size. Raises as `Model.encode` does, UsageError for latents whose shape follows the picture.
    """
    return _joined(model, (batch for (batch,) in _batches(pictures, rows, lambda x: (model.encode(x),), done)))


def posterior_all(
    model: Model, pictures: Pictures, rows: Rows, done: Done = lambda count: None
) -> tuple[Floats, Floats]:
    """Mean and standard deviation of q(z | x) of the pictures at `rows`, each (N, *latent_shape); as `encode_all`."""
    batches = list(_batches(pictures, rows, model.posterior, done))
    return _joined(model, (mean for mean, _ in batches)), _joined(model, (std for _, std in batches))


def _batches(
    pictures: Pictures, rows: Rows, run: Callable[[Pixels], tuple[Floats, ...]], done: Done
) -> Iterator[tuple[Floats, ...]]:
    for start in range(0, len(rows), BATCH):
        batch = [pictures.picture(int(row)) for row in rows[start : start + BATCH]]
        if len({picture.shape for picture in batch}) == 1:
            yield run(np.stack(batch))
        else:
            yield from (run(picture[None]) for picture in batch)
        done(start + len(batch))


def _joined(model: Model, batches: Iterator[Floats]) -> Floats:
    arrays = list(batches)
    if not arrays:
        raise UsageError("no pictures to encode")
    if len({array.shape[1:] for array in arrays}) > 1:
        raise UsageError(f"the latents of {model.id} follow the size of the picture: give pictures of one size")
    return np.concatenate(arrays)
