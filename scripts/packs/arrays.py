"""What a data pack of small pictures keeps in its .npz file."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from zoo.errors import NetworkError, PluginError

# Pictures (N, H, W) or (N, H, W, 3), and labels (N,).
Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]


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


def official_split(train: Split, test: Split, val: int) -> Arrays:
    """The training pictures in their order, then the test pictures; `val` of the former are drawn by a fixed seed."""
    count = len(train[1])
    drawn = np.random.default_rng(0).permutation(count).astype(np.int32)
    return Arrays(
        np.concatenate([train[0], test[0]]),
        np.concatenate([train[1], test[1]]),
        train=np.sort(drawn[val:]),
        test=np.arange(count, count + len(test[1]), dtype=np.int32),
        val=np.sort(drawn[:val]),
    )


def by_torchvision(name: str, root: Path) -> tuple[Split, Split]:
    """Training and test pictures of a set as torchvision reads them below `root`, where it downloads them if need be.

    Raises PluginError without torchvision, NetworkError where the set can't be had.
    """
    try:
        from torchvision import datasets
    except ImportError as error:
        raise PluginError("this needs torchvision: pip install 'latent-zoo[train]'") from error
    try:
        parts = [getattr(datasets, name)(str(root), train=train, download=True) for train in (True, False)]
    except (URLError, HTTPException, ConnectionError, TimeoutError, RuntimeError) as error:
        raise NetworkError(f"torchvision can't get {name}: {error}") from error
    train, test = [(np.asarray(part.data, np.uint8), np.asarray(part.targets, np.uint8)) for part in parts]
    return train, test
