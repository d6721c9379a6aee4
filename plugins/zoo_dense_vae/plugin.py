"""The dense VAE as a plugin of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="dense-vae",
        summary="Variational autoencoder of fully connected layers, for small pictures",
        config="zoo_dense_vae.config:DenseVAEConfig",
        network="zoo_dense_vae.network:DenseVAE",
        objective="zoo_dense_vae.objective:DenseVAEObjective",
        capabilities=("encode", "decode", "generate", "translate"),
        paper="https://arxiv.org/abs/1312.6114",
        presets={"base": {}},
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """Its trained checkpoints that come in this package."""
    yield from bundled("zoo_dense_vae")
