"""Published data sets, through torchvision's own readers and downloads."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.arrays import Pixels
from zoo.datasets.arrays import with_channels
from zoo.datasets.splits import part_of_train
from zoo.errors import DiskError, NetworkError, NotFoundError, PluginError, UsageError
from zoo.pictures.picture import from_pil


@dataclass(frozen=True, eq=False)
class Published:
    """A source over a torchvision data set; `index` (n,) holds the positions of its split in it."""

    dataset: Any
    index: NDArray[np.int64]
    channels: int

    def __len__(self) -> int:
        return len(self.index)

    def picture(self, index: int) -> Pixels:
        """Picture as uint8 (C, H, W)."""
        image = self.dataset[int(self.index[index])][0]
        pixels = np.array(image)[..., None] if image.mode == "L" else from_pil(image, self.channels).pixels
        return with_channels(pixels, self.channels)

    def name(self, index: int) -> str:
        """Its position in the data set."""
        return str(self.index[index])

    def labels(self, index: int) -> Mapping[str, str]:
        """`label`, the number of its class, where the set has classes."""
        position = int(self.index[index])
        targets = getattr(self.dataset, "targets", getattr(self.dataset, "labels", None))
        target = self.dataset[position][1] if targets is None else targets[position]
        try:
            return {"label": str(int(target))}
        except (TypeError, ValueError):
            return {}


def open_torchvision(root: Path, name: str, split: str, channels: int) -> Published:
    """One split of `torchvision.datasets.NAME` below `root`, downloaded if it is not there and torchvision can.

    Where the set has no `val`, every 20th of its training pictures is `val` and not in `train`. Raises NotFoundError
    for an unknown set or split and for files that must be fetched by hand, NetworkError where a download fails,
    UsageError for a set that is not pictures with classes, PluginError where torchvision is not installed.
    """
    kind = _kind(name)
    own_val = next((found for each in ("val", "valid") if (found := _opened(kind, root, each)) is not None), None)
    if split in ("val", "valid"):
        dataset = own_val or _opened(kind, root, "train")
        taken_from_train = own_val is None
    else:
        dataset = _opened(kind, root, split)
        taken_from_train = own_val is None and split == "train"
    if dataset is None:
        raise NotFoundError(f"torchvision:{name} has no split {split!r}")
    count = len(dataset)
    if count and not isinstance(dataset[0][0], Image.Image):
        raise UsageError(f"torchvision:{name} is not a set of single pictures")
    index = part_of_train(count, "val" if split == "valid" else split) if taken_from_train else np.arange(count)
    return Published(dataset, index, channels)


def _kind(name: str) -> type[Any]:
    try:
        from torchvision import datasets
    except ImportError as error:
        raise PluginError("torchvision:NAME needs torchvision: pip install 'latent-zoo[train]'") from error
    kind = getattr(datasets, name, None) if name in datasets.__all__ else None
    if not inspect.isclass(kind) or "root" not in inspect.signature(kind).parameters:
        raise NotFoundError(f"torchvision has no data set {name!r}: names are those of torchvision.datasets, as MNIST")
    return kind


def _opened(kind: type[Any], root: Path, split: str) -> Any:
    """The data set, downloaded where it has to be; None where it has no such split."""
    parameters = inspect.signature(kind).parameters
    if "train" in parameters:
        arguments: dict[str, Any] = {"train": split == "train"}
        known = split in ("train", "test")
    elif "split" in parameters:
        arguments, known = {"split": split}, True
    else:
        arguments, known = {}, split == "train"
    if not known:
        return None
    try:
        return kind(root, **arguments)
    except ValueError:  # torchvision checks the split's name before anything else
        return None
    except (RuntimeError, OSError) as missing:
        if "download" not in parameters:
            raise NotFoundError(f"torchvision can't find or download {kind.__name__} in {root}: {missing}") from missing
    return _downloaded(kind, root, arguments)


def _downloaded(kind: type[Any], root: Path, arguments: dict[str, Any]) -> Any:
    try:
        return kind(root, **arguments, download=True)
    except (URLError, ConnectionError, TimeoutError, RuntimeError) as error:
        raise NetworkError(
            f"torchvision can't download {kind.__name__}: {error}; put its files below {root} by hand"
        ) from error
    except ValueError as error:  # a set that can't be downloaded any more and is not there
        raise NotFoundError(f"torchvision has no {kind.__name__} below {root}: put its files there by hand") from error
    except OSError as error:
        raise DiskError(f"can't write {kind.__name__} to {root}: {error.strerror or error}") from error
