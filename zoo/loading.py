"""A name becomes a model: the one place where catalog, checkpoints and inference meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from shlex import quote
from typing import Literal

from zoo.catalog.interface import Capability
from zoo.catalog.registry import Registry
from zoo.catalog.spec import Family
from zoo.checkpoints.format import Checkpoint
from zoo.checkpoints.sources import open_source
from zoo.errors import NotFoundError, PluginError
from zoo.inference.backends import open_backend
from zoo.inference.model import Model

PREFIXES = ("dir:", "hub:")


def load(
    name: str,
    backend: Literal["auto", "onnx", "torch"] = "auto",
    device: str = "auto",
    registry: Registry | None = None,
) -> Model:
    """Load a model by id (`colorizer-ae.photos`), family, task (`colorize`), as `dir:PATH` or `hub:ORG/NAME@REVISION`.

    `backend="auto"` is ONNX Runtime; `"torch"` needs PyTorch and the model's family. Raises NotFoundError for an
    unknown name, IntegrityError or UnsafeFileError for a checkpoint that is not what it should be, or whose weights
    hold NaN or infinity, PluginError where the torch backend lacks the family; for a model on the Hub also AccessError,
    NetworkError and DiskError.
    """
    registry = registry or Registry.discover()
    checkpoint = find_checkpoint(name, registry)
    checkpoint.require_finite()
    chosen = "onnx" if backend == "auto" else backend
    family = _family(checkpoint, registry) if chosen == "torch" else None
    opened = open_backend(chosen, checkpoint, device, family)

    def others(capability: Capability) -> Sequence[str]:
        return [model.id for model in registry.find() if capability in model.config.can()]

    model = Model(checkpoint.config, opened, others, checkpoint.name)
    model.expects = checkpoint.expects
    return model


def find_checkpoint(name: str, registry: Registry) -> Checkpoint:
    """The verified checkpoint that a name means; raises as `load` does."""
    named = name.startswith(PREFIXES)
    source = name if named else registry.resolve(name).source
    checkpoint = open_source(source)
    if source.startswith("hub:"):
        from zoo.checkpoints.hub.introduction import introduce

        introduce(checkpoint, registry.families)
    return replace(checkpoint, name=quote(name)) if named else checkpoint


def _family(checkpoint: Checkpoint, registry: Registry) -> Family:
    try:
        return registry.family(checkpoint.config.family)
    except NotFoundError as error:
        training = checkpoint.config.training
        made = f" (it was trained with {training.version})" if training else ""
        raise PluginError(
            f"the torch backend needs the family {checkpoint.config.family!r}, which no installed plugin has: "
            f"pip install the package that brings it{made}, or use --backend onnx"
        ) from error


def list_models(pattern: str | None = None, task: str | None = None, family: str | None = None) -> list[str]:
    """Ids of the models the installed plugins bring, those that match a shell pattern, a task or a family."""
    return [model.id for model in Registry.discover().find(pattern, task, family)]
