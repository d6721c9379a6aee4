"""The configuration of the dense VAE family."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

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

    def interface(self) -> dict[str, Any]:
        """What goes in and out, as config.json says it."""
        image = {"channels": self.channels, "size": [self.size, self.size]}
        return {
            "latent": {"shape": [self.latent], "prior": "normal"},
            "capabilities": {
                "encode": {"input": image, "fit": "resize"},
                "decode": {"output": image},
                "translate": {"input": image, "output": image, "fit": "resize"},
            },
        }
