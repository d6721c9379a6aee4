"""A small network for super-resolution: features at the small size, their channels rearranged to pixels at the end.

Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network,
CVPR 2016; here it adds to the picture as interpolation enlarges it.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from zoo_superres.config import UpscalerConfig


class Upscaler(nn.Module):
    """Pictures (N, C, H, W) in [0, 1] to (N, C, scale H, scale W)."""

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.scale = config.scale
        layers: list[nn.Module] = [nn.Conv2d(config.channels, config.width, 5, padding=2), nn.ReLU()]
        for _ in range(config.depth - 1):
            layers += [nn.Conv2d(config.width, config.width, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(config.width, config.channels * config.scale**2, 3, padding=1)
        nn.init.zeros_(last.weight)  # training begins at interpolation
        nn.init.zeros_(last.bias)
        self.detail = nn.Sequential(*layers, last, nn.PixelShuffle(config.scale))

    def forward(self, x: Tensor) -> Tensor:
        """A training pass: the answer before it is clamped."""
        large = functional.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        answer: Tensor = large + self.detail(x)
        return answer

    def translate(self, x: Tensor) -> Tensor:
        """Pictures in [0, 1] to pictures in [0, 1]."""
        return self.forward(x).clamp(0.0, 1.0)
