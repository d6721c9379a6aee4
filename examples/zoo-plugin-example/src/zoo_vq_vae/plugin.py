"""The family vq-vae as a plugin of the zoo. Nothing here may import PyTorch: every `zoo` command reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="vq-vae",
        summary="Vector-quantised autoencoder: pictures as grids of codes from a codebook",
        config="zoo_vq_vae.config:VQVAEConfig",
        network="zoo_vq_vae.network:VQVAE",
        objective="zoo_vq_vae.objective:VQVAEObjective",
        capabilities=("encode", "decode", "generate", "translate"),
        paper="https://arxiv.org/abs/1711.00937",
        presets={
            "base": {},
            "tiny": {"size": 16, "width": 8, "codes": 16, "dimensions": 4},
        },  # `zoo check` tries the preset tiny
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """The trained checkpoints in this package, `checkpoints/TAG`."""
    yield from bundled("zoo_vq_vae")
