"""The convolutional VAE as a plugin of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

PRESETS = {
    # Faces of 32x32 in colour, 12,795,651 learned parameters at a latent of 1024.
    "reecho": {},
    # Faces of 128x128 in colour for attribute arithmetic: four convolutions down, four transposed ones back.
    "faces128": {
        "size": 128,
        "latent": 200,
        "encoder": (32, 64, 64, 64),
        "encoder_strides": (2, 2, 2, 2),
        "decoder": (64, 64, 64, 32),
        "decoder_strides": (2, 2, 2, 2),
        "activation": "leaky_relu",
    },
    # Digits on a plane: the smallest latent that can be drawn.
    "mnist-2d": {
        "size": 28,
        "channels": 1,
        "latent": 2,
        "hidden": 128,
        "encoder": (32, 64, 32),
        "encoder_strides": (2, 2, 1),
        "decoder": (32, 64, 32),
        "decoder_strides": (1, 2, 2),
        "norm": "none",
    },
    # Scenes of 256x256 and up: `size` may be any multiple of 64 to 1024.
    "scenes": {
        "size": 256,
        "latent": 256,
        "encoder": (32, 64, 96, 128, 128, 128),
        "encoder_strides": (2, 2, 2, 2, 2, 2),
        "decoder": (128, 128, 128, 96, 64, 32),
        "decoder_strides": (2, 2, 2, 2, 2, 2),
        "activation": "leaky_relu",
        "norm": "group",
        "order": "norm_activation",
        "upsample": "nearest",
    },
}


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="conv-vae",
        summary="Convolutional variational autoencoder: pictures to latents and back, new pictures from the prior",
        config="zoo_conv_vae.config:ConvVAEConfig",
        network="zoo_conv_vae.network:ConvVAE",
        objective="zoo_conv_vae.objective:ConvVAEObjective",
        capabilities=("encode", "decode", "generate", "translate"),
        paper="https://arxiv.org/abs/1312.6114",
        presets=PRESETS,
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """Its trained checkpoints that come in this package."""
    yield from bundled("zoo_conv_vae")
