"""Biases that make up for rounded weights: the mean of each channel stays what it was.

Bias correction of Nagel et al., https://arxiv.org/abs/1906.04721, section 4.2, with the means of given inputs: layer by
layer, each with the layers before it already corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

# Layers whose bias shifts the mean of a channel, and the channel's axis.
_BESIDE = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d)
_AXES = {nn.Linear: -1, **dict.fromkeys(_BESIDE, 1)}

Means = Mapping[nn.Module, Tensor]
See = Callable[[nn.Module, Tensor, int], Tensor | None]


def channel_means(network: nn.Module, run: Callable[[], object]) -> Means:
    """The mean of each channel of the layers with a bias, (C,) each, over what they give first in `run`."""
    means: dict[nn.Module, Tensor] = {}

    def note(layer: nn.Module, output: Tensor, axis: int) -> None:
        means[layer] = _mean(output, axis)

    _see(network, note, run)
    return means


def correct(network: nn.Module, means: Means, run: Callable[[], object]) -> None:
    """Change biases, to numbers of float16, until the layers give these means in the same `run`."""

    def shift(layer: Any, output: Tensor, axis: int) -> Tensor:
        wanted = (layer.bias + means[layer] - _mean(output, axis)).half().float()
        moved = wanted - layer.bias
        layer.bias.data.copy_(wanted)
        shifted: Tensor = (output.movedim(axis, -1) + moved).movedim(-1, axis)
        return shifted

    _see(network, shift, run)


def _mean(output: Tensor, axis: int) -> Tensor:
    return output.movedim(axis, 0).flatten(1).mean(dim=1)


def _see(network: nn.Module, see: See, run: Callable[[], object]) -> None:
    """Call `see` with each layer that has a bias and what it gives first; what `see` returns replaces that."""
    seen: set[nn.Module] = set()

    def hook(layer: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
        if layer in seen:
            return None
        seen.add(layer)
        return see(layer, output, _AXES[type(layer)])

    layers = [layer for layer in network.modules() if type(layer) in _AXES and getattr(layer, "bias", None) is not None]
    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
