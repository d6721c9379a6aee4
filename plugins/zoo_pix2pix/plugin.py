"""pix2pix as a plugin of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # The paper's network for pictures of 256x256, 54,413,955 parameters; at use its batch norm is that of training.
    "reference": {"norm": "batch"},
    # The same layers with instance norm, which is one and the same in training and at use.
    "base": {},
    # Line drawings of one thing on white, small enough to train on two cores. Instance norm takes from each channel how
    # strong it is in this picture, and with it the colour that the deep layers chose.
    "drawing": {
        "input_channels": 1,
        "channels": 24,
        "depth": 7,
        "norm": "batch",
        "upsample": "nearest",
        "fit": "drawing",
        "size": 256,
    },
}


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="pix2pix",
        summary="Conditional GAN that turns one kind of picture into another, learnt from pairs",
        config="zoo_pix2pix.config:Pix2PixConfig",
        network="zoo_pix2pix.network:UNet",
        objective="zoo_pix2pix.objective:Pix2PixObjective",
        weight_names="zoo_pix2pix.imports:public_names",
        capabilities=("translate",),
        paper="https://arxiv.org/abs/1611.07004",
        presets=PRESETS,
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """Its trained checkpoints that come in this package."""
    yield from bundled("zoo_pix2pix")
