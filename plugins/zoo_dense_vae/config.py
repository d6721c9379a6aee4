"""The configuration of the dense VAE family."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role

Width = Annotated[int, Meta(ge=1, le=8192)]


class DenseVAEConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A VAE of fully connected layers for square pictures of `size` pixels a side.

    `hidden` are the widths of the encoder's layers, in that order; the decoder has them in the reverse order. With two
    of them, each way has three layers, the last being those of mean and log-variance, and of the picture.
    """

    size: Annotated[int, Meta(ge=8, le=128)] = 28
    channels: Literal[1, 3] = 1
    hidden: Annotated[tuple[Width, ...], Meta(min_length=1, max_length=8)] = (512, 256)
    latent: Annotated[int, Meta(ge=1, le=4096)] = 20

    def interface(self) -> Interface:
        """What goes in and out."""
        image = ImageSpec(channels=self.channels, size=(self.size, self.size))
        return Interface(
            latent=Latent((self.latent,)),
            roles={
                "encode": Role(image, fit="resize"),
                "decode": Role(output=image),
                "translate": Role(image, image, "resize"),
            },
        )
