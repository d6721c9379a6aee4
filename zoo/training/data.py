"""Pictures to train on: examples that depend on (seed, epoch, position) only, in batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.transforms.v2 import functional as tv

from zoo.datasets import Source, read_labels
from zoo.recipes.degrade import degrade, fixed
from zoo.recipes.halves import open_pictures
from zoo.recipes.pictures import Degradation, PairTable
from zoo.recipes.recipe import Recipe
from zoo.recipes.seeds import derive
from zoo.training.augment import augmentation
from zoo.training.cache import AsTheyAre, InMemory, Whole, resized
from zoo.training.items import Item, Key
from zoo.training.objective import Batch
from zoo.training.on_device import OnDevice

T = TypeVar("T")


def _seed(seed: int) -> None:
    """Seed the CPU's generator; `torch.manual_seed` tells every device as well, which takes 0.1 ms for each picture."""
    torch.default_generator.manual_seed(seed)


# Pictures at the size of a part of the run, and the changes to them.
Stage = tuple[Whole | AsTheyAre, nn.Sequential]


class Examples(Dataset[Item]):
    """Augmented and degraded pictures; a key is (epoch, position in the epoch, index of the picture)."""

    def __init__(self, recipe: Recipe, source: Source) -> None:
        data, self.recipe, self.source = recipe.data, recipe, source
        self.labels = torch.from_numpy(read_labels(source, data.labels))
        self.first = self._stage(data.size)
        self.final = self._stage(data.final_size) if data.final_size else self.first

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, key: Key) -> Item:
        """One example, without the axis of the batch, before it is binarised, which is done to a batch at once."""
        epoch, position, index = key
        pictures, augment = self.stage(epoch)
        _seed(derive(self.recipe.train.seed, epoch, position, 0))
        return Item(*_pair(augment(pictures[index]), self.recipe.degrade), self.labels[index])

    def __getitems__(self, keys: Sequence[Key]) -> Item:
        """A batch, cut from the pictures kept where nothing is done to each of them."""
        (epoch, position, _), table = keys[0], self.recipe.augment
        pictures, _ = self.stage(epoch)
        if isinstance(pictures, Whole) and not table.random and self.recipe.degrade is None:
            item = _plain(pictures, self.labels, [index for _, _, index in keys])
        else:
            item = _stacked([self[key] for key in keys])
        if not table.binarize:
            return item
        _seed(derive(self.recipe.train.seed, epoch, position, 1))
        target = torch.bernoulli(item.target)
        return Item(item.input if self.recipe.degrade else target, target, item.labels)

    def stage(self, epoch: int) -> Stage:
        """The pictures of an epoch, and how they are changed: those of the final size in the last epochs."""
        return self.final if epoch >= self.recipe.train.epochs - self.recipe.data.final_epochs else self.first

    def _stage(self, size: int) -> Stage:
        table = self.recipe.augment
        pictures = (
            AsTheyAre(self.source)
            if table.crops
            else Whole(self.source, size, _channels(self.recipe), self.recipe.data.shape)
        )
        if self.recipe.train.workers and isinstance(pictures, Whole):
            pictures.fill()
        return pictures, augmentation(table, size)


def _pair(target: Tensor, table: Degradation | None) -> tuple[Tensor, Tensor]:
    """Input and target as float32 in [0, 1]."""
    if isinstance(table, PairTable):
        wanted = target.shape[0] - table.channels
        return target[wanted:].float() / 255.0, target[:wanted].float() / 255.0
    source = degrade(target, table) if table else target
    return source.float() / 255.0, target.float() / 255.0


def _plain(pictures: Whole, labels: Tensor, indices: Sequence[int]) -> Item:
    """Pictures to which nothing is done: input and target are one tensor."""
    target = pictures.batch(indices).float().div_(255.0)
    return Item(target, target, labels[indices])


def _stacked(items: Sequence[Item]) -> Item:
    return Item(*(torch.stack(column) for column in zip(*items, strict=True)))


def _as_it_is(batch: T) -> T:
    """The collate function of a data set that gives whole batches."""
    return batch


class Order(Sampler[list[Key]]):
    """The batches of one epoch, shuffled by (seed, epoch); the last, incomplete one is left out.

    With `samples` an epoch is as many pictures of one long row of shuffled passes. `start` skips the first batches of
    an epoch that was begun before. An epoch smaller than a batch is one batch.
    """

    def __init__(self, size: int, batch: int, seed: int, samples: int | None = None) -> None:
        self.size, self.samples, self.seed = size, samples or size, seed
        self.batch = min(batch, self.samples)
        self.epoch = self.start = 0
        self.batch_size, self.drop_last = self.batch, True  # Accelerate divides batches among processes by these

    def __len__(self) -> int:
        return self.samples // self.batch - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        order = self._row().tolist()
        for first in range(self.start * self.batch, self.samples // self.batch * self.batch, self.batch):
            yield [(self.epoch, place, order[place]) for place in range(first, first + self.batch)]

    def _row(self) -> NDArray[np.int64]:
        """The epoch's pictures in their order; a pass over all pictures ends where it ends, in whichever epoch."""
        begin = self.epoch * self.samples
        first, last = begin // self.size, (begin + self.samples - 1) // self.size
        passes = [np.random.default_rng((self.seed, each)).permutation(self.size) for each in range(first, last + 1)]
        return np.concatenate(passes)[begin - first * self.size :][: self.samples]


def _opened(recipe: Recipe, split: str) -> Source:
    return open_pictures(recipe.data.source, split, recipe.data.channels, recipe.degrade)


def _channels(recipe: Recipe) -> int:
    """Channels of what is kept of each picture: a pair keeps both."""
    return recipe.data.channels + (recipe.degrade.channels if isinstance(recipe.degrade, PairTable) else 0)


def training_source(recipe: Recipe) -> Source:
    """The training split, decoded into memory at once where the recipe says so."""
    source = _opened(recipe, recipe.data.splits.train)
    return InMemory(source) if recipe.data.cache == "memory" else source


def pictures_of(source: Source) -> Iterator[Tensor]:
    """A source's pictures as they are, uint8 (C, H, W), read as they are asked for."""
    return (torch.from_numpy(source.picture(index)) for index in range(len(source)))


def training_batches(recipe: Recipe, source: Source | None = None) -> tuple[DataLoader[Item], Order]:
    """The loader of the training split, which gives an `Item` a batch, and the order to set `epoch` and `start` on.

    `source` is the split where it is open already. Batches are on the CPU, or where the recipe keeps its pictures.
    """
    source, table = source or training_source(recipe), recipe.train
    order = Order(len(source), table.batch, table.seed, table.samples_per_epoch)
    if table.workers:
        # One core each; and before they are forked, for a fork waits for ever for OpenCV's threads, which it has not.
        cv2.setNumThreads(1)
    loader = DataLoader(
        OnDevice(recipe, source) if recipe.data.cache == "device" else Examples(recipe, source),
        batch_sampler=order,
        collate_fn=_as_it_is,
        num_workers=table.workers,
        persistent_workers=table.workers > 0,
    )
    return loader, order


class HeldOut:
    """The split that chooses the best state, the same each time it is gone through; its pictures are read once.

    Batches are given on `device`.

    With one view a batch holds up to `train.batch` whole pictures. With four it is one picture: whole, mirrored, and
    two fixed crops of it; several views steady the choice among states when the pictures are few.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.device, data = recipe, device, recipe.data
        source = _opened(recipe, data.splits.best)
        self.labels = torch.from_numpy(read_labels(source, data.labels))
        self.side = data.evaluated_size
        self.pictures = (
            Whole(source, self.side, _channels(recipe), data.shape) if data.eval_views == 1 else AsTheyAre(source)
        )

    def __len__(self) -> int:
        """How many batches."""
        views, batch = self.recipe.data.eval_views, self.recipe.train.batch
        return math.ceil(len(self.labels) / batch) if views == 1 else len(self.labels)

    def __iter__(self) -> Iterator[Batch]:
        count, views = len(self.labels), self.recipe.data.eval_views
        step = self.recipe.train.batch if views == 1 else 1
        for first in range(0, count, step):
            indices = list(range(first, min(first + step, count)))
            if isinstance(self.pictures, Whole) and self.recipe.degrade is None:
                item = _plain(self.pictures, self.labels, indices)
            else:
                item = _stacked([item for index in indices for item in self._items(index)])
            yield Batch(item.input, item.target, item.labels if item.labels.numel() else None).to(self.device)

    def spread(self, count: int) -> Tensor:
        """The inputs (N, C, H, W) of up to `count` pictures from all over the split."""
        total = len(self.labels)
        chosen = range(0, total, max(1, total // count))[:count]
        return torch.stack([self._items(index)[0].input for index in chosen])

    def _items(self, index: int) -> list[Item]:
        """All views of one picture, degraded with the picture's own seed."""
        picture = self.pictures[index]
        views = [picture] if self.recipe.data.eval_views == 1 else _four_views(picture, self.side)
        _seed(derive(0, index))
        return [Item(*_pair(view, fixed(self.recipe.degrade)), self.labels[index]) for view in views]


def _four_views(picture: Tensor, side: int) -> list[Tensor]:
    """The picture, its mirror image, and its upper left and lower right 4/5, each resized."""
    _, height, width = picture.shape
    crop = (max(1, height * 4 // 5), max(1, width * 4 // 5))
    corners = tv.crop(picture, 0, 0, *crop), tv.crop(picture, height - crop[0], width - crop[1], *crop)
    whole, *parts = [resized(view, side) for view in (picture, *corners)]
    return [whole, torch.as_tensor(tv.horizontal_flip(whole)), *parts]


def held_out_batches(recipe: Recipe, device: torch.device | None = None) -> HeldOut:
    """The held-out pictures of a recipe, on the CPU if no device is given."""
    return HeldOut(recipe, device or torch.device("cpu"))
