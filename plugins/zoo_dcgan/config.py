"""The configuration of the DCGAN family."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Width = Annotated[int, Meta(ge=1, le=1024)]


class DCGANConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A DCGAN for square pictures of `size` pixels a side. The defaults are the preset `gray28`.

    The generator has one fully connected layer from the `latent`, reshaped to `generator[0]` channels of half the side,
    a transposed 4x4 convolution of stride 2 to `generator[1]` channels, and a 3x3 convolution to the picture. The
    discriminator has a 3x3 convolution to each of the numbers of channels in `discriminator`, of stride 2 but for the
    first, and one fully connected layer; it is not part of a checkpoint.
    """

    size: Annotated[int, Meta(ge=8, le=128, multiple_of=4)] = 28
    channels: Literal[1, 3] = 1
    latent: Annotated[int, Meta(ge=1, le=1024)] = 100
    generator: tuple[Width, Width] = (256, 128)
    discriminator: tuple[Width, Width, Width] = (56, 112, 224)

    def __post_init__(self) -> None:
        """The fully connected layer stays within reason."""
        if self.latent * self.generator[0] * (self.size // 2) ** 2 > 2**28:
            raise ValueError("the first layer would hold over 268 million weights: lower size, latent or generator")

    def interface(self) -> dict[str, Any]:
        """What comes out, as config.json says it."""
        made = {"channels": self.channels, "size": [self.size, self.size]}
        return {"latent": {"shape": [self.latent], "prior": "normal"}, "capabilities": {"decode": {"output": made}}}
