"""A convolutional autoencoder from lightness to colour."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_colorizer.lab import lab_to_rgb, lightness

CHROMA_RANGE = 128.0


class Settings(Protocol):
    """What the network asks of its configuration."""

    @property
    def channels(self) -> int:
        """Channels of the first layer."""

    @property
    def chroma_scale(self) -> float:
        """Factor on a and b at use."""

    @property
    def dropout(self) -> float:
        """Share of the widest layers' channels that training drops."""

    @property
    def padding(self) -> str:
        """Where strided layers are padded: "even" or "end"."""


class Colorizer(nn.Module):
    """Predicts a and b of CIE Lab from a gray picture.

    Eight 3x3 convolutions go down to an eighth of the size, five come back to half of it (a sixth, with tanh, gives a
    and b), and the answer is enlarged twofold. `translate` is the whole of it at use.
    """

    def __init__(self, config: Settings) -> None:
        super().__init__()
        c, end = config.channels, config.padding == "end"
        self.chroma_scale = config.chroma_scale
        self.encoder = nn.Sequential(
            *_conv(1, c, stride=2, end=end),
            *_conv(c, 2 * c),
            *_conv(2 * c, 2 * c, stride=2, end=end),
            *_conv(2 * c, 4 * c),
            *_conv(4 * c, 4 * c, stride=2, end=end),
            *_conv(4 * c, 8 * c),
            nn.Dropout2d(config.dropout),
            *_conv(8 * c, 8 * c),
            nn.Dropout2d(config.dropout),
        )
        self.decoder = nn.Sequential(
            *_conv(8 * c, 4 * c),
            *_conv(4 * c, 2 * c),
            nn.Upsample(scale_factor=2.0),
            *_conv(2 * c, c),
            nn.Upsample(scale_factor=2.0),
            *_conv(c, c // 2),
            *_conv(c // 2, c // 4),
        )
        answer = nn.Conv2d(c // 4, 2, 3, padding=1)
        self.apply(_initialise)
        nn.init.normal_(answer.weight, std=0.01)  # begin with one tint for all pictures
        self.decoder.extend([answer, nn.Tanh()])

    def forward(self, gray: Tensor) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to a and b over 128, (N, 2, H / 2, W / 2) in [-1, 1]; H and W multiples of 8."""
        ab: Tensor = self.decoder(self.encoder(lightness(gray) / 50.0 - 1.0))
        return ab

    def translate(self, gray: Tensor) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to sRGB (N, 3, H, W), of the same lightness where sRGB has the colour."""
        ab = functional.interpolate(self.forward(gray), scale_factor=2.0, mode="bilinear", align_corners=False)
        return lab_to_rgb(torch.cat([lightness(gray), ab * (CHROMA_RANGE * self.chroma_scale)], dim=1))


def _initialise(module: nn.Module) -> None:
    """Weights of variance 2 / fan-in (He et al. 2015): with PyTorch's own, the picture fades out over 13 layers."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)


class EndConv2d(nn.Conv2d):
    """Padded by one pixel below and to the right only, as Keras pads a 3x3 convolution of stride 2."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / 2, W / 2), for even sizes."""
        return super().forward(functional.pad(x, (0, 1, 0, 1)))


def _conv(inputs: int, outputs: int, stride: int = 1, end: bool = False) -> tuple[nn.Module, nn.Module]:
    if end:
        return EndConv2d(inputs, outputs, 3, stride=stride), nn.ReLU()
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.ReLU()
