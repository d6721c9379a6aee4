"""The configuration of the family upscaler."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Role


class UpscalerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Pictures of any size, made `scale` times as high and wide by `depth` convolutions of `width` channels."""

    scale: Literal[2, 3, 4] = 2
    channels: Literal[1, 3] = 3
    width: Annotated[int, Meta(ge=4, le=256)] = 48
    depth: Annotated[int, Meta(ge=1, le=32)] = 5

    def interface(self) -> Interface:
        """What goes in and out: large pictures go through the network in tiles."""
        image = ImageSpec(channels=self.channels)
        return Interface(roles={"translate": Role(image, image, "tile", self.scale)})
