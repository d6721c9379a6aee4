"""The state of a run on disk: whole or absent, never half; safetensors and JSON, no pickle."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.errors import DiskError, IntegrityError
from zoo.files import whole_folder

KEPT = 2

Tensors = dict[str, Tensor]


def save_state(folder: Path, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write `folder/STEP` through a temporary folder that is renamed when whole, and keep the newest two.

    Raises DiskError where the disk refuses; what was saved before stays.
    """
    try:
        for left in folder.glob(".*.partial"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        with whole_folder(folder / f"{step:09d}") as partial:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial / "tensors.safetensors")
            (partial / "facts.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
            for name in ("tensors.safetensors", "facts.json"):
                with (partial / name).open("rb+") as file:
                    os.fsync(file.fileno())
    except OSError as error:
        raise DiskError(f"can't save the run's state in {folder}: {error}") from error
    for old in saved_states(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def saved_states(folder: Path) -> list[Path]:
    """Every whole state, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir())


def load_state(folder: Path) -> tuple[Tensors, dict[str, Any]] | None:
    """The newest state, or None where there is none. Raises IntegrityError for a damaged one."""
    states = saved_states(folder)
    if not states:
        return None
    try:
        facts: dict[str, Any] = json.loads((states[-1] / "facts.json").read_text(encoding="utf-8"))
        return load_file(states[-1] / "tensors.safetensors"), facts
    except Exception as error:
        raise IntegrityError(f"{states[-1]} is damaged ({error}): delete it to resume from the one before") from error


def pack(prefix: str, module: nn.Module) -> Tensors:
    """A module's state under `prefix.`"""
    return {f"{prefix}.{name}": tensor.detach() for name, tensor in module.state_dict().items()}


def unpack(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """The tensors under `prefix.`, without it."""
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}


def pack_optimizer(prefix: str, optimizer: Optimizer) -> Tensors:
    """An optimizer's tensors by parameter and name; rates and settings come from the recipe again."""
    state: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    slots = ((f"{prefix}.{index}.{name}", value) for index, kept in state.items() for name, value in kept.items())
    return {name: torch.as_tensor(value) for name, value in slots}


def unpack_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Put back what `pack_optimizer` took, each in its parameter's memory layout, so that steps stay bit for bit."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, saved in unpack(tensors, prefix).items():
        index, name = key.split(".", 1)
        like = parameters[int(index)]
        per_weight = saved.shape == like.shape
        value = torch.empty_like(like, dtype=saved.dtype, requires_grad=False).copy_(saved) if per_weight else saved
        switch = saved.dtype == torch.bool  # some optimizers keep one for each parameter
        state.setdefault(int(index), {})[name] = saved.item() if switch else value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
