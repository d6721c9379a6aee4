"""The configuration of the family. timm is not imported: what only a network knows stands here as a number."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from zoo.catalog import ImageSpec, Interface, Latent, Role

# A name of timm's, and nothing that would make it look elsewhere, as "hf-hub:..." does.
Backbone = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,80}\Z")]
Level = Annotated[float, Meta(ge=0.0, le=1.0)]
Spread = Annotated[float, Meta(ge=0.01, le=1.0)]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class BackboneConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A backbone by timm's name, without its classifier.

    `features` is how many numbers it gives, `size` the side of the square it is given, `mean` and `std` what its
    pictures are normalised by. `python -m zoo_timm NAME` fills them in.
    """

    backbone: Backbone
    features: Annotated[int, Meta(ge=1, le=16384)]
    size: Annotated[int, Meta(ge=16, le=1024)] = 224
    mean: tuple[Level, Level, Level] = IMAGENET_MEAN
    std: tuple[Spread, Spread, Spread] = IMAGENET_STD

    def interface(self) -> Interface:
        """What goes in and out."""
        image = ImageSpec(channels=3, size=(self.size, self.size))
        return Interface(latent=Latent((self.features,), "none"), roles={"encode": Role(image, fit="resize")})
