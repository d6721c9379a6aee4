"""What a loader of training pictures is asked for and gives."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

# (epoch, position in the epoch, index of the picture).
Key = tuple[int, int, int]


class Item(NamedTuple):
    """Examples: `input` and `target` in [0, 1], `labels` (N, K) with K = 0 where the recipe names none."""

    input: Tensor
    target: Tensor
    labels: Tensor
