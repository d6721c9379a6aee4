"""What a data pack of small pictures keeps in its .npz file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Arrays(NamedTuple):
    """Pictures (N, H, W) or (N, H, W, 3), labels (N,), and the positions of those that belong to each split."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    train: NDArray[np.int32]
    test: NDArray[np.int32]
    val: NDArray[np.int32] | None = None

    def save(self, path: Path) -> None:
        """Write the .npz file; its arrays are always the same, its bytes depend on the zlib that compresses them."""
        np.savez_compressed(path, **{name: array for name, array in self._asdict().items() if array is not None})
