"""A fitted prior in PyTorch: a mixture of Gaussians over latents, drawn from standard normal noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

# Its tensors are in the weights file under this name, beside the network's.
PREFIX = "prior."


class MixturePrior(nn.Module):
    """z = offset + u basis + residual * noise, where u is a draw from a mixture of K Gaussians in P dimensions.

    `lower` and `upper` (K,) bound the part of the first noise value that chooses each component, so that component k
    has the probability of a standard normal value between them; `means` (K, P); `factors` (K, P, P) are the lower
    Cholesky factors of the covariances, transposed; `basis` (P, D) has orthonormal rows; `offset` and `residual` (D,).
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name in ("lower", "upper", "means", "factors", "basis", "offset", "residual"):
            self.register_buffer(name, tensors[name].float())

    lower: Tensor
    upper: Tensor
    means: Tensor
    factors: Tensor
    basis: Tensor
    offset: Tensor
    residual: Tensor

    @property
    def noise(self) -> int:
        """How many values of noise make one latent: 1 + P + D."""
        return 1 + sum(self.basis.shape)

    def sample(self, noise: Tensor) -> Tensor:
        """Standard normal noise (N, 1 + P + D) to latents (N, D)."""
        dimensions = self.basis.shape[0]
        chooser, inner, outer = noise[:, :1], noise[:, 1 : 1 + dimensions], noise[:, 1 + dimensions :]
        chosen = torch.logical_and(chooser >= self.lower, chooser < self.upper).float()
        drawn = chosen @ self.means
        # One product for each component instead of a stack of chosen factors: memory doesn't grow with the batch.
        for number in range(len(self.means)):
            drawn = drawn + chosen[:, number : number + 1] * (inner @ self.factors[number])
        return self.offset + drawn @ self.basis + self.residual * outer


def method(network: nn.Module, name: str) -> Callable[..., Any]:
    """A network's method; drawing is its fitted prior's where it has none of its own."""
    owner = network.get_submodule("prior") if name == "sample" and not hasattr(network, name) else network
    found: Callable[..., Any] = getattr(owner, name)
    return found


def split_prior(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The network's tensors and the prior's, the latter without their prefix; empty where there is none."""
    prior = {name.removeprefix(PREFIX): tensor for name, tensor in weights.items() if name.startswith(PREFIX)}
    return {name: tensor for name, tensor in weights.items() if not name.startswith(PREFIX)}, prior
