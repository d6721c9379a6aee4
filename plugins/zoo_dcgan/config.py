"""The configuration of the DCGAN family."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role

Width = Annotated[int, Meta(ge=1, le=1024)]


class DCGANConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A DCGAN for square pictures of `size` pixels a side. The defaults are the preset `gray28`.

    The generator has one fully connected layer from the `latent`, reshaped to `generator[0]` channels of half the side,
    a transposed 4x4 convolution of stride 2 to `generator[1]` channels, and a 3x3 convolution to the picture. The
    discriminator has a 3x3 convolution to each of the numbers of channels in `discriminator`, of stride 2 but for the
    first, and one fully connected layer; it is not part of a checkpoint.

    With `components`, latents are drawn from a mixture of as many Gaussians, whose means are learned with the generator
    (Gurumurthy et al. 2017). The standard normal has no gaps, so that a generator of one fully connected layer makes
    much that lies between two kinds of pictures. At use a component is `spread` times as wide as in training: below 1
    what is made is better and more alike (the truncation trick of Brock et al. 2019), above 1 the other way about.
    """

    size: Annotated[int, Meta(ge=8, le=128, multiple_of=4)] = 28
    channels: Literal[1, 3] = 1
    latent: Annotated[int, Meta(ge=1, le=1024)] = 100
    generator: tuple[Width, Width] = (256, 128)
    discriminator: tuple[Width, Width, Width] = (56, 112, 224)
    components: Annotated[int, Meta(ge=0, le=4096)] = 0
    spread: Annotated[float, Meta(ge=0.0, le=4.0)] = 1.0

    def __post_init__(self) -> None:
        """The fully connected layer stays within reason."""
        if self.latent * self.generator[0] * (self.size // 2) ** 2 > 2**28:
            raise ValueError("the first layer would hold over 268 million weights: lower size, latent or generator")

    def interface(self) -> Interface:
        """What comes out."""
        made = ImageSpec(channels=self.channels, size=(self.size, self.size))
        latent = Latent((self.latent,), "sampler", (self.noise,)) if self.components else Latent((self.latent,))
        return Interface(latent=latent, roles={"decode": Role(output=made)})

    @property
    def noise(self) -> int:
        """How many numbers a latent is drawn by: with a mixture, one more, which chooses the component."""
        return self.latent + (self.components > 0)
