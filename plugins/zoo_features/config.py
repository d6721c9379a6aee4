"""The configuration of the feature networks."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role

Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]{1,40}\Z")]


class FeatureConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A small classifier. The latent of a picture is its `features` numbers, followed by one logit for each label.

    `kind` says how logits become answers: "attributes" are independent (a sigmoid each, yes over 0), "classes" exclude
    each other (softmax). `size` is the side of the square the network is given; any picture is resized to it. `stride`
    is that of the first layer, 2 for large pictures. `width` is the number of channels after the second layer, from
    which it grows fourfold. `dropout` acts before the features, in training only.
    """

    labels: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=64)]
    kind: Literal["attributes", "classes"] = "attributes"
    size: Annotated[int, Meta(ge=16, le=512)] = 64
    stride: Literal[1, 2] = 1
    channels: Literal[1, 3] = 3
    width: Annotated[int, Meta(ge=4, le=128, multiple_of=2)] = 32
    features: Annotated[int, Meta(ge=1, le=1024)] = 64
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0

    def __post_init__(self) -> None:
        """Every label is named once."""
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")

    def interface(self) -> Interface:
        """What goes in and out."""
        image = ImageSpec(channels=self.channels, size=(self.size, self.size))
        latent = Latent((self.features + len(self.labels),), "none")
        return Interface(latent=latent, roles={"encode": Role(image, fit="resize")})
