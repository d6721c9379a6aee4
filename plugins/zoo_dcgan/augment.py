"""Differentiable augmentation (Zhao et al. 2020): what the discriminator sees of real and made pictures alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional

Policy = Literal["color", "translation", "cutout"]

REACH = 1 / 8
HOLE = 1 / 2


def augmented(pictures: Tensor, policies: Sequence[Policy], rng: Generator) -> Tensor:
    """Pictures (N, C, H, W) in [-1, 1], each changed by every policy with draws of its own; gradients pass through."""
    for policy in policies:
        pictures = CHANGES[policy](pictures, rng)
    return pictures


def _color(x: Tensor, rng: Generator) -> Tensor:
    """Brightness by up to half a unit, saturation by a factor of 0 to 2, contrast by one of 0.5 to 1.5."""
    brightness, saturation, contrast = torch.rand((3, len(x), 1, 1, 1), generator=rng, device=x.device)
    x = x + brightness - 0.5
    gray = x.mean(dim=1, keepdim=True)
    x = gray + (x - gray) * 2.0 * saturation
    level = x.mean(dim=(1, 2, 3), keepdim=True)
    changed: Tensor = level + (x - level) * (contrast + 0.5)
    return changed


def _translation(x: Tensor, rng: Generator) -> Tensor:
    """A shift by up to an eighth of the side along both axes; the edge is repeated outwards."""
    count, channels, height, width = x.shape
    reach = max(1, round(max(height, width) * REACH))
    shifts = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=rng, device=x.device)
    rows = torch.arange(height, device=x.device) + shifts[0]
    columns = torch.arange(width, device=x.device) + shifts[1]
    padded = functional.pad(x, (reach,) * 4, mode="replicate")
    padded = padded.gather(2, rows[:, None, :, None].expand(-1, channels, -1, padded.shape[3]))
    return padded.gather(3, columns[:, None, None, :].expand(-1, channels, height, -1))


def _cutout(x: Tensor, rng: Generator) -> Tensor:
    """A square of half the side set to 0, its centre anywhere in the picture."""
    count, _, height, width = x.shape
    centres = torch.rand((2, count, 1), generator=rng, device=x.device)
    rows = (torch.arange(height, device=x.device) - centres[0] * height).abs() < height * HOLE / 2
    columns = (torch.arange(width, device=x.device) - centres[1] * width).abs() < width * HOLE / 2
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return x * ~hole


CHANGES: Mapping[Policy, Callable[[Tensor, Generator], Tensor]] = {
    "color": _color,
    "translation": _translation,
    "cutout": _cutout,
}
