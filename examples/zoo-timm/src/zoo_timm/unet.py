"""A U-Net (Ronneberger et al. 2015) from lightness to colour, its encoder a backbone of timm."""

from __future__ import annotations

from itertools import pairwise

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_colorizer.network import CHROMA_RANGE, lab_to_rgb, lightness
from zoo_timm.config import ColorizerUNetConfig
from zoo_timm.network import Normalise


class ColorizerUNet(nn.Module):
    """Predicts a and b of CIE Lab, at half the picture's size, and joins them to its lightness."""

    def __init__(self, config: ColorizerUNetConfig) -> None:
        super().__init__()
        self.chroma_scale = config.chroma_scale
        self.normalise = Normalise(config.mean, config.std)
        self.encoder = timm.create_model(config.backbone, pretrained=False, features_only=True)
        channels, steps = self.encoder.feature_info.channels(), self.encoder.feature_info.reduction()
        if steps[0] not in (2, 4) or any(b != 2 * a for a, b in pairwise(steps)):
            raise ValueError(
                f"{config.backbone} has features at 1/{steps} of the size; a U-Net wants each half the last"
            )
        self.first = nn.Conv2d(channels[-1], config.width, 1)
        self.joins = nn.ModuleList(Join(config.width, skip) for skip in reversed(channels[:-1]))
        # Where the finest features are at a quarter of the size, one more step without any.
        self.last = Join(config.width, 0) if steps[0] == 4 else nn.Identity()
        answer = nn.Conv2d(config.width, 2, 3, padding=1)
        nn.init.normal_(answer.weight, std=0.01)  # begin with one tint for all pictures
        self.answer = nn.Sequential(answer, nn.Tanh())

    def forward(self, gray: Tensor) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to a and b over 128, (N, 2, H / 2, W / 2) in [-1, 1]; H, W multiples of 32."""
        *skips, deepest = self.encoder(self.normalise(gray.expand(-1, 3, -1, -1)))
        x = self.first(deepest)
        for join, skip in zip(self.joins, reversed(skips), strict=True):
            x = join(x, skip)
        ab: Tensor = self.answer(self.last(x))
        return ab

    def translate(self, gray: Tensor) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to sRGB (N, 3, H, W), of the same lightness where sRGB has the colour."""
        ab = functional.interpolate(self.forward(gray), scale_factor=2.0, mode="bilinear", align_corners=False)
        return lab_to_rgb(torch.cat([lightness(gray), ab * (CHROMA_RANGE * self.chroma_scale)], dim=1))


class Join(nn.Module):
    """Twice the size, joined with the encoder's features of that size."""

    def __init__(self, width: int, skip: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width + skip, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
        )

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Enlarge by nearest neighbours, which leaves no checkerboard, and convolve."""
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        made: Tensor = self.layers(x if skip is None else torch.cat([x, skip], dim=1))
        return made
