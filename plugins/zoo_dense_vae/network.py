"""A variational autoencoder of fully connected layers (Kingma and Welling 2014)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn

# Bounds of the log-variance: wide enough for any picture, narrow enough that its exponential stays finite.
LOG_VARIANCE = (-20.0, 10.0)


class Settings(Protocol):
    """What the network asks of its configuration; `DenseVAEConfig` tells what each is."""

    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def hidden(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def latent(self) -> int: ...  # noqa: D102


class DenseVAE(nn.Module):
    """Pictures (N, C, H, W) in [0, 1] to latents (N, latent) and back; ReLU between layers, a sigmoid in the end."""

    def __init__(self, config: Settings) -> None:
        super().__init__()
        pixels = config.channels * config.size**2
        self.encoder = nn.Sequential(nn.Flatten(), *_layers((pixels, *config.hidden)))
        self.mean = nn.Linear(config.hidden[-1], config.latent)
        self.log_variance = nn.Linear(config.hidden[-1], config.latent)
        self.decoder = nn.Sequential(
            *_layers((config.latent, *reversed(config.hidden))),
            nn.Linear(config.hidden[0], pixels),
            nn.Unflatten(1, (config.channels, config.size, config.size)),
        )

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A training pass: mean, log-variance and the logits of the picture of z = mean + exp(log-variance / 2) noise.

        `noise` is (N, latent), standard normal.
        """
        mean, log_variance = self.encode(x)
        return mean, log_variance, self.decode_logits(mean + (log_variance / 2).exp() * noise)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), both (N, latent)."""
        features = self.encoder(x)
        return self.mean(features), self.log_variance(features).clamp(*LOG_VARIANCE)

    def decode(self, z: Tensor) -> Tensor:
        """Latents (N, latent) to pictures (N, C, H, W) in [0, 1]."""
        picture: Tensor = torch.sigmoid(self.decode_logits(z))
        return picture

    def decode_logits(self, z: Tensor) -> Tensor:
        """Pictures before the sigmoid: for a loss that is steadier there."""
        logits: Tensor = self.decoder(z)
        return logits

    def translate(self, x: Tensor) -> Tensor:
        """The picture that the posterior's mean decodes to."""
        return self.decode(self.encode(x)[0])


def _layers(widths: Sequence[int]) -> Iterator[nn.Module]:
    for inputs, outputs in pairwise(widths):
        yield nn.Linear(inputs, outputs)
        yield nn.ReLU()
