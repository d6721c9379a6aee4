"""The zoo: classical generative image models as plugins, with safe weights and one interface.

Names are loaded when they are used, so that `import zoo` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.catalog import Family, ModelSpec, hookimpl
    from zoo.errors import ZooError
    from zoo.inference.model import Model
    from zoo.loading import list_models, load
    from zoo.pictures.images import read_images, write_images

_HOMES = {
    "Family": "zoo.catalog",
    "Model": "zoo.inference.model",
    "ModelSpec": "zoo.catalog",
    "ZooError": "zoo.errors",
    "hookimpl": "zoo.catalog",
    "list_models": "zoo.loading",
    "load": "zoo.loading",
    "read_images": "zoo.pictures.images",
    "write_images": "zoo.pictures.images",
}

__all__ = [
    "Family",
    "Model",
    "ModelSpec",
    "ZooError",
    "__version__",
    "hookimpl",
    "list_models",
    "load",
    "read_images",
    "write_images",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("latent-zoo")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
