"""How a training input is made from its target picture, once for all families."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from zoo.inference.images import gray_of
from zoo.training.recipe import GrayscaleTable


def luma(picture: Tensor) -> Tensor:
    """Pillow's mode L of uint8 RGB (3, H, W), as (1, H, W)."""
    return torch.from_numpy(gray_of(picture.numpy()[None])[0])


def degrade(picture: Tensor, table: GrayscaleTable) -> Tensor:
    """A gray input (1, H, W) for the uint8 picture (C, H, W); torch's global generator draws."""
    gray = luma(picture) if picture.shape[0] == 3 else picture
    if torch.rand(()) < table.sepia_share:
        gray = luma(_sepia(gray))
    level = gray.float() / 255.0
    level = (level - 0.5) * _draw(table.contrast) + 0.5 + _draw(table.lightness)
    if torch.rand(()) < table.noise_share:
        level = level + torch.randn_like(level) * _draw(table.noise)
    gray = (level.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
    if torch.rand(()) < table.jpeg_share and table.jpeg != (100, 100):
        quality = int(torch.randint(table.jpeg[0], table.jpeg[1] + 1, ()))
        gray = torch.as_tensor(tv.jpeg(gray, quality=quality))
    return gray


def _draw(bounds: tuple[float, float]) -> float:
    low, high = bounds
    return low + (high - low) * float(torch.rand(()))


def _sepia(gray: Tensor) -> Tensor:
    """The brown tone of old prints: strong red, weak blue, so that its luma has other levels than the picture's."""
    return (gray.float() * torch.tensor([1.07, 0.94, 0.70]).view(3, 1, 1)).clamp(0.0, 255.0).round().to(torch.uint8)
