"""The configuration of the colorizer family."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Role


class ColorizerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A colorizer autoencoder. The defaults are the reference network: 6,219,410 parameters.

    `size` is the side of the square the network is given at use; any picture is fitted to it. `channels` is the width
    of the first layer; every other layer is a fixed multiple of it. `chroma_scale` multiplies a and b at use: a network
    fitted to few photos is bolder than it is right, and the scale, chosen on held-out photos, takes that back.
    `dropout` acts on the two widest layers, in training only. `padding` is where convolutions with a stride are padded:
    on all sides, or as Keras does ("end"), below and to the right.
    """

    size: Annotated[int, Meta(ge=8, le=2048, multiple_of=8)] = 256
    channels: Annotated[int, Meta(ge=4, le=256, multiple_of=4)] = 64
    chroma_scale: Annotated[float, Meta(ge=0.0, le=4.0)] = 1.0
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    padding: Literal["even", "end"] = "even"

    def interface(self) -> Interface:
        """What goes in and out."""
        size = (self.size, self.size)
        gray, colour = ImageSpec(channels=1, size=size), ImageSpec(channels=3, size=size)
        return Interface(roles={"translate": Role(gray, colour, "chroma")})
