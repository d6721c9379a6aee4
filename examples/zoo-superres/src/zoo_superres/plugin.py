"""The family upscaler as a plugin of the zoo. Nothing here imports PyTorch: every `zoo` command reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="upscaler",
        summary="Pictures of any size, twice as high and wide, by sub-pixel convolution",
        config="zoo_superres.config:UpscalerConfig",
        network="zoo_superres.network:Upscaler",
        objective="zoo_superres.objective:UpscalerObjective",
        capabilities=("translate",),
        paper="Shi et al. (2016), arXiv:1609.05158",
        presets={"base": {}, "tiny": {"width": 8, "depth": 2}},
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """The trained checkpoints in this package, `checkpoints/TAG`."""
    yield from bundled("zoo_superres")
