"""Other people's weights as a checkpoint of a family: every tensor finds its place, or nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from torch import nn

from zoo.catalog.families import configured
from zoo.catalog.registry import load_object
from zoo.catalog.spec import CheckpointConfig, Family
from zoo.errors import UsageError
from zoo.recipes.recipe import ModelTable
from zoo.training.export import export
from zoo.weights.keras import read_layers, to_state
from zoo.weights.reading import check_size, fill, kind_of, read_weights, renamed, room_for


def import_weights(file: Path, family: Family, table: ModelTable, folder: Path) -> CheckpointConfig:
    """Write the weights of `file` as a checkpoint into `folder`; returns its config.

    A file is told by its content: safetensors, a PyTorch state dict (read weights-only, in a process of its own), or
    Keras' HDF5. Raises NotFoundError, UnsafeFileError (another kind of file, or tensors that don't fit the family's
    network: their names are told), UsageError (a configuration that the family does not take, or a folder in use).
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is in use: name another one with -o")
    network, config = load_weights(file, family, table)
    return export(network, config, table, family.name, None, folder)


def load_weights(file: Path, family: Family, table: ModelTable) -> tuple[nn.Module, Any]:
    """The family's network with the weights of `file`, and its configuration. Raises as `import_weights`."""
    config = configured(family, table.config, table.preset)
    network: nn.Module = load_object(family.network)(config)
    kind, room = kind_of(file), room_for(network)
    if kind == "keras":
        check_size(file, room)
        state = to_state(read_layers(file, room), network, file.name)
    else:
        given = read_weights(file, kind, room)
        state = renamed(given, network, load_object(family.weight_names)(config) if family.weight_names else {})
    fill(network, state, file.name)
    return network, config


def table_for(family: str, file: Path, **facts: Any) -> ModelTable:
    """The facts of an imported model. Raises UsageError where one is not what it should be."""
    import re

    tag = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "imported"
    given = {name: value for name, value in facts.items() if value is not None}
    try:
        return msgspec.convert({"id": f"{family}.{tag}", "family": family, **given}, ModelTable)
    except msgspec.ValidationError as error:
        raise UsageError(f"these facts are not allowed in config.json: {error}") from error
