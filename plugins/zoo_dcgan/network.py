"""A deep convolutional GAN (Radford et al. 2016) without norms: at use it does what it does in training."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

NEGATIVE_SLOPE = 0.2
# The standard deviation of a component of the mixture.
WITHIN = 0.5


class Settings(Protocol):
    """What the networks ask of their configuration; `DCGANConfig` tells what each is."""

    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def latent(self) -> int: ...  # noqa: D102
    @property
    def generator(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def discriminator(self) -> tuple[int, int, int]: ...  # noqa: D102
    @property
    def components(self) -> int: ...  # noqa: D102
    @property
    def spread(self) -> float: ...  # noqa: D102


class Generator(nn.Module):
    """Standard normal noise to latents (N, latent), and those to pictures (N, C, size, size)."""

    def __init__(self, config: Settings) -> None:
        super().__init__()
        first, second = config.generator
        self.shape = (config.size // 2, config.size // 2, first)
        self.mixture = Mixture(config.components, config.latent, config.spread) if config.components else None
        self.dense = nn.Linear(config.latent, first * (config.size // 2) ** 2)
        self.enlarge = nn.ConvTranspose2d(first, second, 4, stride=2, padding=1)
        self.picture = nn.Conv2d(second, config.channels, 3, padding=1)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)
        self.apply(_initialise)
        # Small at first (Radford et al. 2016): what noise there is in the first pictures has to be unlearned.
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.normal_(self.picture.weight, std=self.picture.weight[0].numel() ** -0.5)

    def forward(self, noise: Tensor) -> Tensor:
        """A training pass: pictures in [-1, 1]."""
        return self._made(self.sample(noise))

    def sample(self, noise: Tensor) -> Tensor:
        """The latents of noise: with a mixture, of one number more; without, the noise itself."""
        latents: Tensor = self.mixture(noise) if self.mixture else noise
        return latents

    def decode(self, z: Tensor) -> Tensor:
        """Pictures in [0, 1]."""
        return (self._made(z) + 1.0) / 2.0

    def _made(self, z: Tensor) -> Tensor:
        # Channels last, as the convolutions of a training in that layout want them.
        x = self.activation(self.dense(z)).unflatten(1, self.shape).permute(0, 3, 1, 2)
        picture: Tensor = self.picture(self.activation(self.enlarge(x)))
        return torch.tanh(picture.float())


class Mixture(nn.Module):
    """Standard normal noise (N, latent + 1) to draws (N, latent) from a mixture of Gaussians, each as likely.

    The first number chooses the component. The means are learned; at first all draws together have a variance of 1.
    Outside training a component is `spread` times as wide.
    """

    def __init__(self, components: int, latent: int, spread: float = 1.0) -> None:
        super().__init__()
        self.spread = spread
        self.means = nn.Parameter(torch.randn(components, latent) * (1.0 - WITHIN**2) ** 0.5)

    def forward(self, noise: Tensor) -> Tensor:
        """The draws."""
        share = 0.5 * (1.0 + torch.erf(noise[:, 0] / 2.0**0.5))
        count, width = len(self.means), WITHIN * (1.0 if self.training else self.spread)
        chosen = (share * count).long().clamp(max=count - 1)
        return functional.embedding(chosen, self.means) + width * noise[:, 1:]


class Discriminator(nn.Module):
    """Pictures (N, C, size, size) in [-1, 1] to logits (N,): above 0 where a picture is taken for real.

    Without a hidden layer the logit is a sum over patches of 9 pixels a side, each evaluated by itself. `hidden` units
    before it can tell whether the parts of a picture belong together.
    """

    def __init__(self, config: Settings, dropout: float = 0.0, spectral: bool = False, hidden: int = 0) -> None:
        super().__init__()
        one, two, three = config.discriminator
        flat = three * (config.size // 4) ** 2
        whole = (nn.Linear(flat, hidden), nn.LeakyReLU(NEGATIVE_SLOPE)) if hidden else ()
        self.layers = nn.Sequential(
            nn.Conv2d(config.channels, one, 3, padding=1),
            nn.LeakyReLU(NEGATIVE_SLOPE),
            nn.Conv2d(one, two, 3, stride=2, padding=1),
            nn.LeakyReLU(NEGATIVE_SLOPE),
            nn.Conv2d(two, three, 3, stride=2, padding=1),
            nn.LeakyReLU(NEGATIVE_SLOPE),
            nn.Flatten(),
            nn.Dropout(dropout),
            *whole,
            nn.Linear(hidden or flat, 1),
        )
        self.apply(_initialise)
        if spectral:
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    spectral_norm(layer)

    def forward(self, x: Tensor, precise: bool = False) -> Tensor:
        """Logits; `precise` leaves mixed precision for float32, which a derivative of a derivative needs."""
        float32 = torch.autocast(x.device.type, enabled=False)
        with parametrize.cached():
            with float32:  # singular values too: these weights are used below
                for layer in filter(parametrize.is_parametrized, self.layers):
                    _ = layer.weight
            with float32 if precise else nullcontext():
                logits: Tensor = self.layers(x)
        return logits[:, 0].float()


def _initialise(module: nn.Module) -> None:
    """Weights that keep the variance through a leaky ReLU (He et al. 2015), biases of zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        inputs = module.weight[0].numel()
        if isinstance(module, nn.ConvTranspose2d):  # each output is reached by a part of the kernel only
            inputs = module.in_channels * module.weight[0, 0].numel() // (module.stride[0] * module.stride[1])
        nn.init.normal_(module.weight, std=(2.0 / (1.0 + NEGATIVE_SLOPE**2) / inputs) ** 0.5)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
