"""Pictures that lie in one array of an .npz file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.arrays import Pixels
from zoo.datasets.archive import open_zip_file
from zoo.datasets.splits import SPLITS, part_of_train, spelled
from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UsageError
from zoo.pictures import color

MAX_ARRAY_BYTES = 16 * 2**30


@dataclass(frozen=True, eq=False)
class Arrays:
    """A source over `images`, uint8 (N, H, W, C); `index` (n,) holds the positions of its split."""

    images: Pixels
    classes: NDArray[np.generic] | None
    index: NDArray[np.int64]
    channels: int

    def __len__(self) -> int:
        return len(self.index)

    def picture(self, index: int) -> Pixels:
        """Picture as uint8 (C, H, W)."""
        return with_channels(self.images[self.index[index]], self.channels)

    def name(self, index: int) -> str:
        """Its position in the whole array."""
        return str(self.index[index])

    def labels(self, index: int) -> Mapping[str, str]:
        """`label`, its class, if the file has them."""
        return {} if self.classes is None else {"label": str(self.classes[self.index[index]])}


def with_channels(pixels: Pixels, channels: int) -> Pixels:
    """Pixels (H, W, C), C = 1 or 3, as (`channels`, H, W): luma of RGB, or gray repeated."""
    return np.ascontiguousarray(color.with_channels(pixels.transpose(2, 0, 1)[None], channels)[0])


def open_arrays(path: Path, split: str, channels: int) -> Arrays:
    """One split of an .npz: `images` (N, H, W) or (N, H, W, C) uint8, `labels` (N,), and positions by split's name.

    Without an array `val`, every 20th of `train` is `val` and not in `train`; without `train`, it is all that is in
    no other split. Raises NotFoundError, UsageError for arrays of other shapes, UnsafeFileError for no .npz.
    """
    arrays = _read(path)
    if "images" not in arrays:
        raise NotFoundError(f"{path} has no array images; it has: {', '.join(arrays) or 'nothing'}")
    images, classes = arrays["images"], arrays.get("labels")
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise UsageError(
            f"images of {path} must be uint8 (N, H, W), or (N, H, W, C) with C = 1 or 3, "
            f"not {arrays['images'].dtype} {arrays['images'].shape}"
        )
    if classes is not None and classes.shape != images.shape[:1]:
        raise UsageError(f"labels of {path} must have the shape {images.shape[:1]}, not {classes.shape}")
    return Arrays(images, classes, _positions(arrays, len(images), split, path), channels)


def _positions(arrays: dict[str, NDArray[Any]], count: int, split: str, path: Path) -> NDArray[np.int64]:
    """Positions of the split's pictures, checked."""
    words = set(arrays) - {"images", "labels"}
    named = {name: word for name in (*SPLITS, split) for word in sorted(spelled(name, words))}
    known = {name: _checked(arrays[word], count, word, path) for name, word in named.items()}
    if "train" not in known:
        known["train"] = np.setdiff1d(np.arange(count), np.concatenate([np.arange(0), *known.values()]))
    if "val" not in known:
        train = known["train"]
        known["val"], known["train"] = (train[part_of_train(len(train), name)] for name in ("val", "train"))
    if split not in known:
        raise NotFoundError(f"{path} has no split {split!r}; it has: {', '.join(known)}")
    return known[split]


def _checked(positions: NDArray[np.generic], count: int, split: str, path: Path) -> NDArray[np.int64]:
    if positions.ndim != 1 or positions.dtype.kind not in "iu":
        raise UsageError(f"{split} of {path} must be whole numbers (n,), not {positions.dtype} {positions.shape}")
    whole = positions.astype(np.int64)
    if len(whole) and not (whole.min() >= 0 and whole.max() < count):
        raise UsageError(f"{split} of {path} must hold positions from 0 to {count - 1}")
    return whole


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of the file; none that would need pickle."""
    if not path.exists():
        raise NotFoundError(f"no file {path}")
    with open_zip_file(path, "an .npz file") as members:
        if sum(member.file_size for member in members.infolist()) > MAX_ARRAY_BYTES:
            raise UnsafeFileError(f"{path} holds more than {MAX_ARRAY_BYTES >> 30} GiB")
    arrays: dict[str, NDArray[Any]] = {}
    name = ""
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in file.files:
                arrays[name] = file[name]
    except Exception as error:  # the decoders of zip and of numpy's header raise all kinds, MemoryError too
        if isinstance(error, OSError) and error.errno is not None:
            raise DiskError(f"{path} can't be read: {error.strerror or error}") from error
        reason = f"{name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        raise UnsafeFileError(f"{path} is not an .npz of plain arrays, or damaged: {reason}") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # the bytes of a member that does not begin as an array
            raise UnsafeFileError(f"{path} is not an .npz of plain arrays, or damaged: {name} is no array")
    return arrays
