"""The family ddpm as a plugin of the zoo. Nothing here imports PyTorch: every `zoo` command reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalog import Family, ModelSpec, bundled, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def zoo_families() -> Iterator[Family]:
    """The one family of this package."""
    yield Family(
        name="ddpm",
        summary="New pictures from noise, in as many steps as one likes",
        config="zoo_ddpm.config:DDPMConfig",
        network="zoo_ddpm.network:DDPM",
        objective="zoo_ddpm.objective:DDPMObjective",
        capabilities=("decode", "generate"),
        paper="Ho et al. (2020), arXiv:2006.11239; Song et al. (2021), arXiv:2010.02502",
        presets={"base": {}, "tiny": {"size": 16, "widths": (8, 16), "steps": 4}},
    )


@hookimpl
def zoo_models() -> Iterator[ModelSpec]:
    """The trained checkpoints in this package, `checkpoints/TAG`."""
    yield from bundled("zoo_ddpm")
