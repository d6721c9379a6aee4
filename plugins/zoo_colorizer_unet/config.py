"""The configuration of the family. timm is not imported: what only a network knows stands here as a number."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Role

# A name of timm's, and nothing that would make it look elsewhere, as "hf-hub:..." does.
Backbone = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,80}\Z")]
Level = Annotated[float, Meta(ge=0.0, le=1.0)]
Spread = Annotated[float, Meta(ge=0.01, le=1.0)]
Width = Annotated[int, Meta(ge=4, le=1024)]


class ColorizerUNetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A colorizing U-Net for pictures of `size` a side.

    `backbone` is a name of timm's; its features at 1/4 of the size and coarser are used, each half the last. `widths`
    are the decoder's channels at those sizes, from the coarsest to the finest. `mean` and `std` are what the backbone's
    pictures are normalised by. Colours are told as probabilities of bins of a and b, `temperature` divides their
    logarithms before the mean is taken (below 1: nearer to the most likely colour), and `chroma_scale` multiplies that
    mean. Training chooses both on held-out photos.
    """

    backbone: Backbone = "tf_efficientnet_lite0"
    size: Annotated[int, Meta(ge=32, le=1024, multiple_of=32)] = 256
    widths: tuple[Width, Width, Width, Width] = (192, 160, 128, 64)
    mean: tuple[Level, Level, Level] = (0.5, 0.5, 0.5)
    std: tuple[Spread, Spread, Spread] = (0.5, 0.5, 0.5)
    temperature: Annotated[float, Meta(ge=0.05, le=2.0)] = 1.0
    chroma_scale: Annotated[float, Meta(ge=0.0, le=4.0)] = 1.0

    def interface(self) -> Interface:
        """What goes in and out."""
        size = (self.size, self.size)
        gray, colour = ImageSpec(channels=1, size=size), ImageSpec(channels=3, size=size)
        # The gray picture, and two planes of noise: one that moves a, one that moves b.
        noisy = ImageSpec(channels=3, size=size)
        return Interface(roles={"translate": Role(gray, colour, "chroma"), "candidates": Role(noisy, colour, "chroma")})
