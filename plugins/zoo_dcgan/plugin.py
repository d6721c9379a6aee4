"""The DCGAN as a plugin of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

PRESETS = {
    # Gray pictures of 28x28: 5,593,345 parameters, and a discriminator of 294,113.
    "gray28": {},
    # Colour pictures of 32x32: 7,147,011 parameters, and a discriminator of 387,201.
    "rgb32": {"size": 32, "channels": 3, "discriminator": (64, 128, 256)},
}


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="dcgan",
        summary="Deep convolutional generative adversarial network: new pictures from noise",
        config="zoo_dcgan.config:DCGANConfig",
        network="zoo_dcgan.network:Generator",
        objective="zoo_dcgan.objective:DCGANObjective",
        capabilities=("decode", "generate"),
        paper="https://arxiv.org/abs/1511.06434",
        presets=PRESETS,
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """Its trained checkpoints that come in this package."""
    yield from bundled("zoo_dcgan")
