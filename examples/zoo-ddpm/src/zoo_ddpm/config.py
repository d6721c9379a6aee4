"""The configuration of the family ddpm."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role

Width = Annotated[int, Meta(ge=8, le=512, multiple_of=8)]


class DDPMConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Square pictures of `size` pixels a side, halved between the `widths` of a U-Net; `steps` is how many by default.

    Of `size`, as many halvings must be whole as there are widths after the first.
    """

    size: Annotated[int, Meta(ge=8, le=256)] = 28
    channels: Literal[1, 3] = 1
    widths: Annotated[tuple[Width, ...], Meta(min_length=1, max_length=6)] = (32, 64, 96)
    steps: Annotated[int, Meta(ge=2, le=1000)] = 50

    def __post_init__(self) -> None:
        """Refuse a size that can't be halved."""
        if self.size % 2 ** (len(self.widths) - 1):
            raise ValueError(f"size {self.size} can't be halved {len(self.widths) - 1} times")

    def interface(self) -> Interface:
        """A latent is a picture of noise; `denoise` makes it a picture, `decode` brings that to [0, 1]."""
        shape = (self.channels, self.size, self.size)
        image = ImageSpec(channels=self.channels, size=(self.size, self.size))
        return Interface(latent=Latent(shape, repeat=self.steps), roles={"decode": Role(output=image)})
