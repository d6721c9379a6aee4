"""A small residual classifier whose last hidden layer serves as a feature space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn


class Settings(Protocol):
    """What the network asks of its configuration."""

    @property
    def labels(self) -> Sequence[str]:
        """A name for each logit."""

    @property
    def size(self) -> int:
        """Side of a picture."""

    @property
    def stride(self) -> int:
        """Stride of the first layer."""

    @property
    def channels(self) -> int:
        """Channels of a picture."""

    @property
    def width(self) -> int:
        """Channels of the first layer."""

    @property
    def features(self) -> int:
        """Numbers in the feature layer."""

    @property
    def dropout(self) -> float:
        """Share of the last block's numbers that training drops."""


class Residual(nn.Module):
    """Two 3x3 convolutions, each with ReLU and batch norm, beside a shortcut (He et al. 2015b); the first strides."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_conv(inputs, outputs, stride), *_conv(outputs, outputs))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride), sizes rounded up."""
        out: Tensor = self.body(x) + self.shortcut(x)
        return out


class FeatureNet(nn.Module):
    """Two convolutions, four residual blocks down to a sixteenth of the side (times `stride`), and two layers.

    The feature layer sees where things are, not only that they are: no mean is taken over the picture.
    """

    def __init__(self, config: Settings) -> None:
        super().__init__()
        w, last = config.width, -(-config.size // (16 * config.stride))
        self.body = nn.Sequential(
            *_conv(config.channels, w // 2, config.stride),
            *_conv(w // 2, w, stride=2),
            Residual(w, w, stride=1),
            Residual(w, 2 * w, stride=2),
            Residual(2 * w, 4 * w, stride=2),
            Residual(4 * w, 2 * w, stride=2),
            nn.Flatten(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * w * last * last, config.features, bias=False),
            nn.BatchNorm1d(config.features),  # without it, most features die and few carry all answers
            nn.ReLU(),
        )
        self.head = nn.Linear(config.features, len(config.labels))
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, labels) of pictures (N, channels, size, size) in [0, 1]."""
        logits: Tensor = self.head(self.body(2.0 * image - 1.0))
        return logits

    def encode(self, image: Tensor) -> Tensor:
        """Features, at least 0, followed by logits: (N, features + labels) of pictures (N, channels, size, size)."""
        features = self.body(2.0 * image - 1.0)
        return torch.cat([features, self.head(features)], dim=1)


def _conv(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs)


def _initialise(module: nn.Module) -> None:
    """Weights of variance 2 / fan-in (He et al. 2015a)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
