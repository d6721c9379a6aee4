"""A conditional VAE of fully connected layers (Sohn et al., Learning Structured Output Representation, NIPS 2015)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from zoo_cvae.config import ConditionalVAEConfig


class ConditionalVAE(nn.Module):
    """Pictures (N, C, H, W) in [0, 1] to latents (N, D) and back, both told the label: (N, K), one of them 1."""

    def __init__(self, config: ConditionalVAEConfig) -> None:
        super().__init__()
        self.shape = (config.channels, config.size, config.size)
        values = config.channels * config.size**2
        self.encoder = nn.Sequential(*_layers(values + len(config.labels), *config.hidden))
        self.mean = nn.Linear(config.hidden[-1], config.latent)
        self.log_variance = nn.Linear(config.hidden[-1], config.latent)
        widths = (config.latent + len(config.labels), *reversed(config.hidden))
        self.decoder = nn.Sequential(*_layers(*widths), nn.Linear(config.hidden[0], values))

    def encode(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x, label), both (N, D): what a model is told comes after its input."""
        features = self.encoder(torch.cat([x.flatten(1), label], dim=1))
        return self.mean(features), self.log_variance(features).clamp(-20.0, 10.0)

    def logits(self, z: Tensor, label: Tensor) -> Tensor:
        """The picture before its sigmoid."""
        made: Tensor = self.decoder(torch.cat([z, label], dim=1))
        return made.unflatten(1, self.shape)

    def decode(self, z: Tensor, label: Tensor) -> Tensor:
        """Pictures in [0, 1]."""
        return self.logits(z, label).sigmoid()


def _layers(*widths: int) -> list[nn.Module]:
    return [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
