"""The configuration of the family vq-vae."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role


class VQVAEConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Square pictures of `size` pixels a side, as a grid of a quarter of that, each place one of `codes` vectors.

    `dimensions` is the length of a code, `width` the number of channels of every layer.
    """

    size: Annotated[int, Meta(ge=8, le=256, multiple_of=4)] = 32
    channels: Literal[1, 3] = 3
    width: Annotated[int, Meta(ge=4, le=512)] = 64
    codes: Annotated[int, Meta(ge=2, le=4096)] = 128
    dimensions: Annotated[int, Meta(ge=1, le=256)] = 16

    @property
    def side(self) -> int:
        """Places along a side of the grid."""
        return self.size // 4

    def interface(self) -> Interface:
        """What goes in and out."""
        image, grid = ImageSpec(channels=self.channels, size=(self.size, self.size)), (self.side, self.side)
        return Interface(
            latent=Latent((self.dimensions, *grid), "sampler", grid),
            roles={
                "encode": Role(image, fit="resize"),
                "decode": Role(output=image),
                "translate": Role(image, image, "resize"),
            },
        )
