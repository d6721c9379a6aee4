"""The colorizing U-Net as a plugin of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="colorizer-unet",
        summary="Colours gray photos: a U-Net whose encoder was pretrained on ImageNet",
        config="zoo_colorizer_unet.config:ColorizerUNetConfig",
        network="zoo_colorizer_unet.network:ColorizerUNet",
        objective="zoo_colorizer_unet.objective:ColorizerUNetObjective",
        capabilities=("translate",),
        paper="https://arxiv.org/abs/1603.08511",
        presets={
            "base": {},
            "tiny": {"backbone": "test_efficientnet", "widths": [16, 16, 16, 8], "size": 64},
        },
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """Its trained checkpoints that come in this package."""
    yield from bundled("zoo_colorizer_unet")
