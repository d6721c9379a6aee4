"""Pairs that stand side by side in one picture, as many published sets have them."""

from __future__ import annotations

import numpy as np

from zoo.arrays import Pixels
from zoo.datasets import Changed, Source, open_source
from zoo.errors import UsageError
from zoo.pictures.color import gray_of
from zoo.recipes.pictures import Degradation, PairTable


class Halves(Changed):
    """A source whose pictures are cut in the middle and laid on each other: the target's channels, then the input's."""

    def __init__(self, source: Source, table: PairTable) -> None:
        super().__init__(source)
        self.table = table

    def picture(self, index: int) -> Pixels:
        """Target and input as uint8 (C + C', H, W / 2). Raises UsageError for an odd width."""
        left, right = cut(self.source.picture(index), self.name(index))
        target, given = (left, right) if self.table.target == "left" else (right, left)
        if self.table.channels == 1 and len(given) == 3:
            given = gray_of(given[None])[0]
        return np.concatenate([target, given])


def cut(picture: Pixels, name: str) -> tuple[Pixels, Pixels]:
    """The left and the right half of a picture (C, H, W)."""
    half, odd = divmod(picture.shape[2], 2)
    if odd or not half:
        raise UsageError(f"{name} is {picture.shape[2]} pixels wide: a pair side by side has an even width")
    return picture[:, :, :half], picture[:, :, half:]


def open_pictures(source: str, split: str, channels: int, table: Degradation | None) -> Source:
    """One split of a source, as pairs where the recipe has them; raises as `open_source` does."""
    opened = open_source(source, split, channels)
    return Halves(opened, table) if isinstance(table, PairTable) else opened
