"""Which picture belongs to which split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
# How people call them, in any case; where a set has several of a line, the first counts.
WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev", "eval", "evaluation"),
    "test": ("test", "testing"),
}
HELD_OUT = 20


def split_of_word(word: str) -> str | None:
    """`train`, `val` or `test` for a word that means it."""
    plain = word.strip().casefold()
    return next((split for split, words in WORDS.items() if plain in words), None)


def spelled(split: str, words: Iterable[str]) -> frozenset[str]:
    """Those of `words`, names of folders or entries of a column, that mean a split.

    They differ in case only: the split's own name where it is there, else the first of its other names.
    """
    plain: dict[str, set[str]] = {}
    for word in words:
        plain.setdefault(word.strip().casefold(), set()).add(word)
    names = (split.casefold(), *WORDS.get(split_of_word(split) or "", ()))
    return frozenset(next((plain[name] for name in names if name in plain), ()))


def split_of_name(name: str) -> str:
    """`val` or `test` (5 % each) or `train` by the hash of a file's name, so that adding pictures moves none."""
    place = hashlib.sha256(name.encode(errors="surrogateescape")).digest()[0] / 256
    return "val" if place < 0.05 else "test" if place < 0.1 else "train"


def part_of_train(count: int, split: str) -> NDArray[np.int64]:
    """Positions among `count` training pictures: every 20th (19, 39, ...) for `val`, the others for `train`."""
    held_out = np.arange(count) % HELD_OUT == HELD_OUT - 1
    return np.flatnonzero(held_out if split == "val" else ~held_out)
