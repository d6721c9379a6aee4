"""How a training input is made from its target picture, once for all families."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from zoo.errors import UsageError
from zoo.pictures.color import gray_of
from zoo.pictures.edges import edges
from zoo.pictures.outlines import shaded
from zoo.recipes.pictures import Degradation, EdgesTable, GrayscaleTable, NoiseTable, PairTable, ShrinkTable
from zoo.recipes.sketching import sketch


def luma(picture: Tensor) -> Tensor:
    """Pillow's mode L of uint8 RGB (3, H, W), as (1, H, W)."""
    return torch.from_numpy(gray_of(picture.numpy()[None])[0])


def degrade(picture: Tensor, table: Degradation) -> Tensor:
    """The input for the uint8 picture (C, H, W), uint8 as well; torch's global generator draws.

    Noise keeps the channels; `grayscale` and `edges` give (1, H, W), `shrink` gives (C, H / factor, W / factor). A pair
    has its input already.
    """
    if isinstance(table, PairTable):
        raise TypeError("the input of a pair is not made from its target")
    if isinstance(table, NoiseTable):
        return _noisy(picture, _draw(table.sigma))
    if isinstance(table, ShrinkTable):
        return _shrunk(picture, table.factor)
    if isinstance(table, EdgesTable):
        pixels = picture.permute(1, 2, 0).contiguous().numpy()
        sketched = torch.rand(()) < table.sketched_share
        lines = sketch(pixels, table) if sketched else edges(pixels)
        return torch.from_numpy(shaded(lines) if table.shade else lines)[None]
    return _grayscale(picture, table)


def fixed(table: Degradation | None) -> Degradation | None:
    """The same degradation with its settings fixed, for held-out pictures; seed the generator for fixed noise."""
    if isinstance(table, NoiseTable):
        sigma = table.sigma[1] if table.eval_sigma is None else table.eval_sigma
        return NoiseTable(sigma=(sigma, sigma), eval_sigma=sigma)
    if isinstance(table, PairTable | ShrinkTable):
        return table
    if isinstance(table, EdgesTable):
        return EdgesTable(shade=table.shade)
    return type(table)() if table else None


def _shrunk(picture: Tensor, factor: int) -> Tensor:
    """Raises UsageError for sides that are no multiples of the factor."""
    height, width = picture.shape[1:]
    if height % factor or width % factor:
        raise UsageError(f"a picture of {width} x {height} can't be made {factor} times smaller: crop or resize it")
    size = [height // factor, width // factor]
    return torch.as_tensor(tv.resize(picture, size, tv.InterpolationMode.BICUBIC, antialias=True))


def _noisy(picture: Tensor, sigma: float) -> Tensor:
    level = picture.float() / 255.0
    return ((level + torch.randn_like(level) * sigma).clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)


def _grayscale(picture: Tensor, table: GrayscaleTable) -> Tensor:
    """Luma, toned, noisy and compressed."""
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
