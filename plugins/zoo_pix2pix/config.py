"""The configuration of the pix2pix family."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import FITS, Fit, ImageSpec, Interface, Role


class Pix2PixConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A U-Net from pictures to pictures. The defaults are the reference's layers, with instance norm.

    `channels` is the width of the outermost layer, doubled inwards up to eight times that; `depth` is how often the
    picture is halved, so its sides must be multiples of 2 ** depth. `dropout` acts on up to three of the innermost
    decoder layers in training, as the only noise there is. `upsample` says how the decoder enlarges: by transposed
    convolutions as the reference, or by repeated pixels and a convolution, which leaves no checkerboard.

    `fit` says how pictures of other sizes are brought to the network; `size`, the side of the square it is given then,
    is needed by "resize" and those of drawings; for "tile" it is the side of a tile, by default that of the core.
    """

    input_channels: Literal[1, 3] = 3
    output_channels: Literal[1, 3] = 3
    channels: Annotated[int, Meta(ge=1, le=256)] = 64
    depth: Annotated[int, Meta(ge=2, le=10)] = 8
    norm: Literal["instance", "batch"] = "instance"
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.5
    upsample: Literal["transpose", "nearest"] = "transpose"
    fit: Fit = "pad"
    size: Annotated[int, Meta(ge=4, le=2048)] | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that the network can't halve that many times, and fits without the size they need."""
        if self.size is None and FITS[self.fit].own_size:
            raise ValueError(f"fit {self.fit!r} needs the size that pictures are brought to")
        if self.size and self.size % self.multiple:
            raise ValueError(f"size {self.size} is no multiple of {self.multiple}, which a depth of {self.depth} needs")
        self.interface()  # refuses channels and sizes that the fit can't have

    @property
    def multiple(self) -> int:
        """What both sides of the network's input are multiples of."""
        return int(2**self.depth)

    def widths(self) -> list[int]:
        """Channels after each halving, outermost first."""
        return [self.channels * min(2**level, 8) for level in range(self.depth)]

    def interface(self) -> Interface:
        """What goes in and out."""
        size = (self.size, self.size) if self.size else None
        given = ImageSpec(channels=self.input_channels, size=size, multiple=self.multiple)
        made = ImageSpec(channels=self.output_channels, size=size)
        return Interface(roles={"translate": Role(given, made, self.fit)})
