"""The family conditional-vae as a plugin of the zoo. Nothing here imports PyTorch: every `zoo` command reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="conditional-vae",
        summary="Pictures of the kind that is asked for, on a latent space of what else they differ in",
        config="zoo_cvae.config:ConditionalVAEConfig",
        network="zoo_cvae.network:ConditionalVAE",
        objective="zoo_cvae.objective:ConditionalVAEObjective",
        capabilities=("encode", "decode", "generate"),
        paper="Sohn et al. (2015), Learning Structured Output Representation using Deep Conditional Generative Models",
        presets={"base": {}, "tiny": {"size": 16, "hidden": (32,), "latent": 4}},
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """The trained checkpoints in this package, `checkpoints/TAG`."""
    yield from bundled("zoo_cvae")
