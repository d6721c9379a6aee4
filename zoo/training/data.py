"""Pictures to train on: sources, splits, and examples that depend on (seed, epoch, position) only."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tv

from zoo.errors import NotFoundError, UsageError
from zoo.inference.images import read_picture
from zoo.training.degrade import degrade
from zoo.training.objective import Batch
from zoo.training.recipe import AugmentTable, GrayscaleTable, Recipe

KEPT_PICTURES = 1000
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


class Source(Protocol):
    """Pictures of one split, by position."""

    def __len__(self) -> int:
        """How many."""

    def picture(self, index: int) -> Tensor:
        """Picture as uint8 (C, H, W)."""

    def name(self, index: int) -> str:
        """What to call it in a message or table."""


@dataclass(frozen=True)
class Files:
    """Picture files; each is read once and kept, for small sets, or read anew each time."""

    paths: tuple[Path, ...]
    channels: int

    def __len__(self) -> int:
        return len(self.paths)

    def picture(self, index: int) -> Tensor:
        """Read the file; raises as `read_picture` does."""
        pixels = read_picture(self.paths[index], channels=3 if self.channels == 3 else 1).pixels
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))

    def name(self, index: int) -> str:
        """The file's name."""
        return self.paths[index].name


def data_home() -> Path:
    """Where `pack:NAME` looks: `ZOO_DATA`, else `latent-zoo/data` in the user's cache."""
    named = os.environ.get("ZOO_DATA")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "latent-zoo" / "data"


def open_source(source: str, split: str, channels: int = 3) -> Source:
    """Open `pack:NAME` (an indexed folder under ZOO_DATA) or `folder:PATH`, one split of it.

    A pack's csv has the columns `file` and `split`. A folder with subfolders `train`, `val` or `test` uses those;
    else each file falls into `val` or `test` (5 % each) or `train` by the hash of its name, so that adding pictures
    moves none. Raises NotFoundError where there is nothing, UsageError for an unknown kind of source.
    """
    kind, _, rest = source.partition(":")
    if kind == "pack" and rest:
        paths = _pack(rest, split)
    elif kind == "folder" and rest:
        paths = _folder(Path(rest).expanduser(), split)
    else:
        raise UsageError(f"data source {source!r}: write pack:NAME or folder:PATH")
    if not paths:
        raise NotFoundError(f"data source {source} has no pictures in its split {split!r}")
    return Files(tuple(paths), channels)


def _pack(name: str, split: str) -> list[Path]:
    folder = data_home() / name
    indexes = sorted(folder.glob("*.csv"))
    if not indexes:
        raise NotFoundError(
            f"no data pack {name!r} in {data_home()}: set ZOO_DATA to the folder that holds it; "
            "docs/data.md tells how packs are built"
        )
    with indexes[0].open(newline="", encoding="utf-8") as file:
        return [folder / row["file"] for row in csv.DictReader(file) if row["split"] == split]


def _folder(folder: Path, split: str) -> list[Path]:
    if not folder.is_dir():
        raise NotFoundError(f"no folder {folder}")
    ready = any((folder / name).is_dir() for name in ("train", "val", "test"))
    root = folder / split if ready else folder
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    return files if ready else [path for path in files if _split_of(path.relative_to(root)) == split]


def _split_of(path: Path) -> str:
    place = hashlib.sha256(path.as_posix().encode()).digest()[0] / 256
    return "val" if place < 0.05 else "test" if place < 0.1 else "train"


def derive(seed: int, *place: int) -> int:
    """A seed for one place of the run, independent of every other place's."""
    return int(np.random.SeedSequence((seed, *place)).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Examples(Dataset[tuple[Tensor, Tensor]]):
    """Augmented and degraded pictures; the key is (epoch, position in the epoch, index of the picture)."""

    def __init__(self, recipe: Recipe, source: Source) -> None:
        self.recipe, self.source = recipe, source
        self.augment = augmentation(recipe.augment, recipe.data.size)
        self.kept: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, key: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        epoch, position, index = key
        torch.manual_seed(derive(self.recipe.train.seed, epoch, position, 0))
        picture = self.kept.get(index)
        if picture is None:
            picture = self.source.picture(index)
            # A small set is kept decoded: decoding is most of what an example costs.
            if len(self.source) <= KEPT_PICTURES:
                self.kept[index] = picture
        return _pair(self.augment(picture), self.recipe.degrade)


def augmentation(table: AugmentTable, size: int) -> v2.Compose:
    """Random crop, shape and flip of uint8 (C, H, W), resized to `size` squared; torch's global generator draws."""
    crop = v2.RandomResizedCrop(size, scale=table.crop, ratio=table.aspect, antialias=True)
    return v2.Compose([crop, v2.RandomHorizontalFlip(0.5 if table.flip else 0.0)])


def _pair(target: Tensor, table: GrayscaleTable | None) -> tuple[Tensor, Tensor]:
    """Input and target as float32 in [0, 1]."""
    source = degrade(target, table) if table else target
    return source.float() / 255.0, target.float() / 255.0


class Order(Sampler[list[tuple[int, int, int]]]):
    """The batches of one epoch, shuffled by (seed, epoch); the last, incomplete one is left out.

    `start` skips the first batches of an epoch that was begun before. A set smaller than a batch is one batch.
    """

    def __init__(self, size: int, batch: int, seed: int) -> None:
        self.size, self.batch, self.seed = size, min(batch, size), seed
        self.epoch = self.start = 0

    def __len__(self) -> int:
        return self.size // self.batch - self.start

    def __iter__(self) -> Iterator[list[tuple[int, int, int]]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        for first in range(self.start * self.batch, self.size // self.batch * self.batch, self.batch):
            yield [(self.epoch, first + i, int(order[first + i])) for i in range(self.batch)]


def training_pictures(recipe: Recipe) -> Iterator[Tensor]:
    """The training split's pictures as they are, uint8 (C, H, W), read as they are asked for."""
    source = open_source(recipe.data.source, recipe.data.splits.train, recipe.data.channels)
    return (source.picture(index) for index in range(len(source)))


def training_batches(recipe: Recipe) -> tuple[DataLoader[tuple[Tensor, Tensor]], Order]:
    """The loader of the training split, and the order to set `epoch` and `start` on."""
    source = open_source(recipe.data.source, recipe.data.splits.train, recipe.data.channels)
    order = Order(len(source), recipe.train.batch, recipe.train.seed)
    workers = recipe.train.workers
    examples = Examples(recipe, source)
    return DataLoader(examples, batch_sampler=order, num_workers=workers, persistent_workers=workers > 0), order


def held_out_batches(recipe: Recipe) -> Iterator[Batch]:
    """The split that chooses the best state, one batch a picture: whole, mirrored, and two fixed crops of it.

    Several views steady the choice among states when the pictures are few.
    """
    source = open_source(recipe.data.source, recipe.data.splits.best, recipe.data.channels)
    side = recipe.data.judge_size or recipe.data.size
    for index in range(len(source)):
        picture = source.picture(index)
        _, height, width = picture.shape
        crop = (max(1, height * 4 // 5), max(1, width * 4 // 5))
        corners = tv.crop(picture, 0, 0, *crop), tv.crop(picture, height - crop[0], width - crop[1], *crop)
        views = [tv.resize(view, [side, side], antialias=True) for view in (picture, *corners)]
        views.insert(1, tv.horizontal_flip(views[0]))
        torch.manual_seed(derive(0, index))
        pairs = [_pair(view, fixed(recipe.degrade)) for view in views]
        yield Batch(torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs]))


def fixed(table: GrayscaleTable | None) -> GrayscaleTable | None:
    """The same degradation without its random part, for held-out pictures."""
    return type(table)() if table else None
