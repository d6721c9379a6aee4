"""What a data pack of small pictures keeps in its .npz file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Arrays(NamedTuple):
    """Pictures (N, H, W) and labels (N,), and the positions of those that belong to either split."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    train: NDArray[np.int32]
    test: NDArray[np.int32]

    def save(self, path: Path) -> None:
        """Write the .npz file; its arrays are always the same, its bytes depend on the zlib that compresses them."""
        np.savez_compressed(path, images=self.images, labels=self.labels, train=self.train, test=self.test)
