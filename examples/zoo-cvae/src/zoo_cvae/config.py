"""The configuration of the family conditional-vae."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import Condition, ImageSpec, Interface, Latent, Role

Word = Annotated[str, Meta(min_length=1, max_length=64)]
Width = Annotated[int, Meta(ge=1, le=4096)]


class ConditionalVAEConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Square pictures of `size` pixels a side, each of one of the `labels` of the condition `name`.

    `hidden` are the widths of the encoder's layers; the decoder has them in the reverse order.
    """

    name: Word = "digit"
    labels: tuple[Word, ...] = tuple("0123456789")
    size: Annotated[int, Meta(ge=8, le=128)] = 28
    channels: Literal[1, 3] = 1
    hidden: Annotated[tuple[Width, ...], Meta(min_length=1, max_length=8)] = (512, 256)
    latent: Annotated[int, Meta(ge=1, le=1024)] = 8

    def interface(self) -> Interface:
        """What goes in and out: both ways are told the label, so that the latent is of everything else."""
        image = ImageSpec(channels=self.channels, size=(self.size, self.size))
        return Interface(
            latent=Latent((self.latent,)),
            roles={"encode": Role(image, fit="resize"), "decode": Role(output=image)},
            conditions=(Condition(name=self.name, labels=self.labels, roles=("encode", "decode")),),
        )
