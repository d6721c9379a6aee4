"""Training pictures that stay on the device they are trained on, and are changed there, a whole batch at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from zoo.datasets import Source, read_labels
from zoo.recipes.pictures import AugmentTable, NoiseTable
from zoo.recipes.recipe import Recipe
from zoo.recipes.seeds import derive
from zoo.training.cache import Whole
from zoo.training.items import Item, Key
from zoo.training.processes import processes

PADDING = {"edge": "border", "reflect": "reflection", "constant": "zeros"}


class OnDevice(Dataset[Item]):
    """A source's pictures at the size they are trained at, all on one device as uint8.

    What `[augment]` and `[degrade]` of the recipe say is drawn by the device's own generator from (seed, epoch,
    position of the batch): other pictures than those of `Examples`, and the same again when a run is resumed.
    """

    def __init__(self, recipe: Recipe, source: Source, device: torch.device | None = None) -> None:
        self.recipe, data = recipe, recipe.data
        self.device = device or processes().device
        whole = Whole(source, data.size, data.channels, data.shape)
        self.pictures = whole.batch(range(len(source))).to(self.device)
        self.labels = torch.from_numpy(read_labels(source, data.labels)).to(self.device)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, key: Key) -> Item:
        """One example, a batch of its own: each of the three has an axis of 1 in front."""
        return self.__getitems__([key])

    def __getitems__(self, keys: Sequence[Key]) -> Item:
        """A batch, changed as a whole; a key is (epoch, position in the epoch, index of the picture)."""
        epoch, position, _ = keys[0]
        rng = Generator(self.device).manual_seed(derive(self.recipe.train.seed, epoch, position, 2))
        index = torch.tensor([index for _, _, index in keys], device=self.device)
        target = changed(self.pictures[index].float() / 255.0, self.recipe.augment, rng)
        given = noisy(target, self.recipe.degrade, rng) if isinstance(self.recipe.degrade, NoiseTable) else target
        return Item(given, target, self.labels[index])


def changed(pictures: Tensor, table: AugmentTable, rng: Generator) -> Tensor:
    """Pictures (N, C, S, S) in [0, 1] turned, shifted, sheared, zoomed, mirrored and binarised as the table says."""
    if table.moves:
        pictures = _moved(pictures, table, rng)
    if table.flip:
        mirrored = torch.rand((len(pictures), 1, 1, 1), generator=rng, device=rng.device) < 0.5
        pictures = torch.where(mirrored, pictures.flip(3), pictures)
    return torch.bernoulli(pictures, generator=rng) if table.binarize else pictures


def noisy(pictures: Tensor, table: NoiseTable, rng: Generator) -> Tensor:
    """Pictures in [0, 1] with noise of a sigma of their own, at one of 256 levels, as a noisy file has them."""
    low, high = table.sigma
    sigma = low + (high - low) * torch.rand((len(pictures), 1, 1, 1), generator=rng, device=rng.device)
    noise = torch.randn(pictures.shape, generator=rng, device=rng.device)
    return ((pictures + noise * sigma).clamp(0.0, 1.0) * 255.0).round() / 255.0


def _moved(pictures: Tensor, table: AugmentTable, rng: Generator) -> Tensor:
    """One affine map for each picture, as `zoo.training.augment.Move`, read off between the pixels."""
    count, side = len(pictures), pictures.shape[3]

    def drawn(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=rng, device=rng.device)

    turn, *shears = (drawn(-most, most) * (math.pi / 180.0) for most in (table.rotate, table.shear, table.shear))
    across, down = (shear.tan() for shear in shears)
    one = torch.ones_like(turn)
    turned = _matrices(turn.cos(), -turn.sin(), turn.sin(), turn.cos())
    sheared = _matrices(one, across, down * 0, one) @ _matrices(one, across * 0, down, one)
    back = torch.linalg.inv(drawn(*table.zoom)[:, None, None] * turned @ sheared)
    # Shifts of whole pixels; places go from -1 to 1, so that a side is 2.
    shift = torch.stack([(drawn(-table.shift, table.shift) * side).round() for _ in range(2)], dim=1)
    offset = -(back @ (shift * 2.0 / side)[:, :, None])
    grid = functional.affine_grid(torch.cat([back, offset], dim=2), list(pictures.shape), align_corners=False)
    level = table.fill_value if table.fill == "constant" else 0.0
    moved = functional.grid_sample(pictures - level, grid, padding_mode=PADDING[table.fill], align_corners=False)
    return moved + level


def _matrices(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    return torch.stack([a, b, c, d], dim=1).view(-1, 2, 2)
