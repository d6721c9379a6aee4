"""What a network trained on ImageNet sees in photos: the features in which colorizers are compared with true photos."""

from __future__ import annotations

import hashlib
from typing import Any

import timm
import torch
from torch.nn import functional

from zoo.arrays import Floats, Pixels
from zoo.catalog.registry import Registry
from zoo.errors import UsageError
from zoo.metrics.features import WithoutAnswers
from zoo.weights.initial import OUTSIDE, WHOLE, initialise, read_starts

NETWORK = "tf_efficientnet_lite0"
SIDE, BATCH = 224, 32
# Stages of the network, of seven, that are used.
STAGES = 5


class ImageNet(WithoutAnswers):
    """The mean over places of the 112 channels after the fifth stage of timm's EfficientNet-Lite0.

    The network is that of Tan and Le (2019) without squeeze-and-excitation. The 1,280 features of its last layer have
    a covariance that takes many more photos to know than held-out sets have: docs/evaluation.md has the measurement.
    """

    def __init__(self, source: str, registry: Registry) -> None:
        """Read the weights: `timm:NAME`, `package:NAME` or `file:PATH`, as a recipe's `[init]` table names them.

        Raises UsageError for another source and for weights of another network, and as
        `zoo.weights.initial.read_starts`.
        """
        kind, _, name = source.partition(":")
        if kind not in OUTSIDE or not name:
            kinds = ", ".join(f"imagenet:{each}:{'PATH' if each == 'file' else 'NAME'}" for each in OUTSIDE)
            raise UsageError(f"imagenet:{source} names no weights; write one of {kinds}")
        state = read_starts({WHOLE: source}, (), registry)[WHOLE]
        net: Any = timm.create_model(NETWORK, pretrained=False, num_classes=0)
        try:
            initialise(net, {WHOLE: state})
        except UsageError as error:
            raise UsageError(f"imagenet:{source} are no weights of timm's {NETWORK}: {error}") from error
        self.sha256 = _sha256(net)  # the same whatever file held the weights
        self.text = f"timm's {NETWORK} ({self.sha256[:12]}), stage {STAGES}, mean over places, at {SIDE} x {SIDE}"
        net.blocks = net.blocks[:STAGES]
        net.conv_head = net.bn2 = torch.nn.Identity()
        self.net: torch.nn.Module = net.eval().to(memory_format=torch.channels_last)

    @torch.no_grad()
    def features(self, pictures: Pixels) -> Floats:
        """Features (N, 112) of uint8 pictures (N, 1 or 3, H, W), each brought to 224 x 224 with antialiasing."""
        found = []
        for part in torch.split(torch.from_numpy(pictures), BATCH):
            small = functional.interpolate(part.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
            pixels = small.expand(-1, 3, -1, -1) / 127.5 - 1.0
            found.append(self.net(pixels.contiguous(memory_format=torch.channels_last)))
        return torch.cat(found).numpy()


def _sha256(network: torch.nn.Module) -> str:
    """Of all weights and running statistics in the network's order, as float32."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
