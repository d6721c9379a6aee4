"""The colorizer as a plugin of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="colorizer-ae",
        summary="Convolutional autoencoder that paints gray photos: lightness in, colour out",
        config="zoo_colorizer.config:ColorizerConfig",
        network="zoo_colorizer.network:Colorizer",
        objective="zoo_colorizer.objective:ColorizerObjective",
        capabilities=("translate",),
        presets={"base": {}},
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """Its trained checkpoints that come in this package."""
    yield from bundled("zoo_colorizer")
