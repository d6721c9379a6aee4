"""A backbone of timm behind the zoo's interface."""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
from torch import Tensor, nn

from zoo_timm.config import BackboneConfig


class Backbone(nn.Module):
    """RGB pictures (N, 3, H, W) in [0, 1] to pooled features (N, features)."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.normalise = Normalise(config.mean, config.std)
        self.body = create(config.backbone)
        given = pooled(self.body)
        if given != config.features:
            raise ValueError(f"{config.backbone} gives {given} features, the configuration says {config.features}")

    def encode(self, x: Tensor) -> Tensor:
        """The features that timm gives for the same normalised pictures."""
        features: Tensor = self.body(self.normalise(x))
        return features


class Normalise(nn.Module):
    """Pictures less a mean, over a standard deviation, for each channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            # Settings, not weights: they are in the configuration.
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return (x - self.mean) / self.std


def create(name: str, *, pretrained: bool = False) -> nn.Module:
    """A backbone without its classifier.

    Tables that timm computes instead of loading them, such as the masks of a Swin transformer, become weights like the
    others: a graph holds no large constants.
    """
    body: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=0)
    stored = body.state_dict().keys()
    for path, table in list(body.named_buffers()):
        if path not in stored and table.is_floating_point():
            owner, _, buffer = path.rpartition(".")
            body.get_submodule(owner).register_buffer(buffer, table)
    return body


def pooled(body: nn.Module) -> int:
    """How many features a backbone without a classifier gives; some have a layer after pooling."""
    return int(getattr(body, "head_hidden_size", None) or body.num_features)
