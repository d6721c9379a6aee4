"""Feature networks as a plugin of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="feature-net",
        summary="Small classifiers whose features and answers measure other models' pictures",
        config="zoo_features.config:FeatureConfig",
        network="zoo_features.network:FeatureNet",
        objective="zoo_features.objective:FeatureObjective",
        capabilities=("encode",),
        presets={
            "faces": {"labels": ["glasses", "smile", "male", "long_hair"], "size": 128, "stride": 2},
            "digits": {"labels": list("0123456789"), "kind": "classes", "size": 28, "channels": 1},
        },
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """Its trained checkpoints that come in this package."""
    yield from bundled("zoo_features")
