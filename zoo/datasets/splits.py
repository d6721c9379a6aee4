"""Which picture belongs to which split, where the data do not say."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
HELD_OUT = 20


def split_of_name(name: str) -> str:
    """`val` or `test` (5 % each) or `train` by the hash of a file's name, so that adding pictures moves none."""
    place = hashlib.sha256(name.encode()).digest()[0] / 256
    return "val" if place < 0.05 else "test" if place < 0.1 else "train"


def part_of_train(count: int, split: str) -> NDArray[np.int64]:
    """Positions among `count` training pictures: every 20th (19, 39, ...) for `val`, the others for `train`."""
    held_out = np.arange(count) % HELD_OUT == HELD_OUT - 1
    return np.flatnonzero(held_out if split == "val" else ~held_out)
