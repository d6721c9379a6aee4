"""The parts of diffusers' autoencoders behind the zoo's interface: pictures in [0, 1], theirs in [-1, 1].

Each network takes over the parts of the class of diffusers under their own names, so that its weights are called as in
the file that diffusers saved.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.autoencoders.vq_model import VQModel
from torch import Tensor, nn
from torch.nn import functional

from zoo_diffusers.config import Autoencoder, KLConfig, TinyConfig, VQConfig

# diffusers' own bounds of the log-variance.
LOG_VARIANCE = (-30.0, 20.0)


class Wrapped(nn.Module, ABC):
    """Pictures (N, C, H, W) in [0, 1], H and W multiples of the configuration's, to latents (N, D, h, w) and back."""

    def __init__(self, kind: type[nn.Module], config: Autoencoder) -> None:
        super().__init__()
        for name, part in kind(**msgspec.structs.asdict(config)).named_children():
            self.add_module(name, part)

    @abstractmethod
    def mean(self, x: Tensor) -> Tensor:
        """The latent of pictures."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Pictures in [0, 1] of latents."""

    def translate(self, x: Tensor) -> Tensor:
        """Pictures as their latents remember them."""
        return self.decode(self.mean(x))


class KL(Wrapped):
    """AutoencoderKL."""

    def __init__(self, config: KLConfig) -> None:
        super().__init__(AutoencoderKL, config)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the posterior."""
        moments = self.encoder(_signed(x))
        if hasattr(self, "quant_conv"):
            moments = self.quant_conv(moments)
        mean, log_variance = moments.chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of the posterior."""
        return self.encode(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Pictures in [0, 1] of latents."""
        return _unsigned(self.decoder(self.post_quant_conv(z) if hasattr(self, "post_quant_conv") else z))


class Tiny(Wrapped):
    """AutoencoderTiny."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__(AutoencoderTiny, config)

    def encode(self, x: Tensor) -> Tensor:
        """The latent."""
        latent: Tensor = self.encoder(_signed(x))
        return latent

    mean = encode

    def decode(self, z: Tensor) -> Tensor:
        """Pictures in [0, 1] of latents."""
        return _unsigned(self.decoder(z))


class VQ(Wrapped):
    """VQModel."""

    def __init__(self, config: VQConfig) -> None:
        super().__init__(VQModel, config)
        self.spatial = config.norm_type == "spatial"

    def encode(self, x: Tensor) -> Tensor:
        """The latent before the codebook."""
        latent: Tensor = self.quant_conv(self.encoder(_signed(x)))
        return latent

    mean = encode

    def decode(self, z: Tensor) -> Tensor:
        """Pictures in [0, 1] of the codes nearest to latents."""
        codes = self._nearest(z)
        return _unsigned(self.decoder(self.post_quant_conv(codes), codes if self.spatial else None))

    def _nearest(self, z: Tensor) -> Tensor:
        """The nearest code's vector at each place; the squared distance less |z|^2, which is the same for all."""
        codebook = self.quantize.embedding.weight
        products = functional.conv2d(z, codebook[:, :, None, None])
        nearest = (codebook.square().sum(dim=1)[:, None, None] - 2.0 * products).argmin(dim=1)
        return functional.embedding(nearest, codebook).permute(0, 3, 1, 2)


def _signed(x: Tensor) -> Tensor:
    return x * 2.0 - 1.0


def _unsigned(x: Tensor) -> Tensor:
    return torch.clamp(x / 2.0 + 0.5, 0.0, 1.0)
