"""A family over timm. Nothing here imports timm or PyTorch: every `zoo` command reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

HALF = (0.5, 0.5, 0.5)


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="timm",
        summary="Any backbone of timm: pictures to pooled features",
        config="zoo_timm.config:BackboneConfig",
        network="zoo_timm.network:Backbone",
        objective="",  # its weights are timm's
        capabilities=("encode",),
        paper="https://github.com/huggingface/pytorch-image-models",
        presets={
            "resnet18": {"backbone": "resnet18", "features": 512},
            "mobilenet": {"backbone": "mobilenetv3_small_100", "features": 1024},
            "efficientnet": {"backbone": "efficientnet_b0", "features": 1280},
            "vit": {"backbone": "vit_tiny_patch16_224", "features": 192, "mean": HALF, "std": HALF},
            "tiny": {"backbone": "test_efficientnet", "features": 256, "size": 64, "mean": HALF, "std": HALF},
        },
    )
