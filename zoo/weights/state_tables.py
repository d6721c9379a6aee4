"""Which table of a training script's file holds the weights: scripts put them beside optimizers, averages and more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from zoo.errors import UnsafeFileError

ADVICE = "save the state dict alone, by torch.save(model.state_dict(), 'weights.pth')"
# How tables of weights are called, the most telling first.
WEIGHTS = ("state_dict", "model_state_dict", "params", "model", "weights", "net", "network")
AVERAGED = frozenset({"ema", "averaged", "average", "avg", "swa", "shadow"})
GENERATOR = frozenset({"g", "gen", "generator"})
CRITIC = frozenset({"d", "dis", "disc", "discriminator", "critic"})
OF_TRAINING = ("optim", "opt", "sched", "scaler", "rng")
MAX_DEPTH = 4

Table = Mapping[Any, Any]
Found = tuple[tuple[str, ...], Table]


def choose_table(found: object) -> tuple[dict[str, Tensor], str]:
    """The tensors by name, and a remark where there was a choice, else an empty one.

    What is all tensors but for plain values is taken as it is; else the one entry that is so, wherever it lies; of
    several the averaged one, then the generator's, then by the usual names. Raises UnsafeFileError.
    """
    if not isinstance(found, Mapping) or not found:
        raise UnsafeFileError(f"holds a {type(found).__name__} instead of tensors by name: {ADVICE}")
    tables = _tables(found, ())
    if not tables:
        raise UnsafeFileError(
            f"holds no table of tensors by name, but {', '.join(map(str, list(found)[:5]))}: {ADVICE}"
        )
    ranked = sorted(tables, key=lambda table: _rank(table[0]))
    path, table = ranked[0]
    names = [".".join(each) for each, _ in tables]
    if len(ranked) > 1 and _rank(path) == _rank(ranked[1][0]):
        raise UnsafeFileError(f"holds several tables of weights, {', '.join(names[:9])}: save the one you want alone")
    remark = f"of its tables of weights {', '.join(names[:9])}, {'.'.join(path)} is taken" if len(tables) > 1 else ""
    return {str(name): value for name, value in table.items() if isinstance(value, Tensor)}, remark


def _tables(found: Table, path: tuple[str, ...]) -> list[Found]:
    """The tables of tensors of the outermost level that has any."""
    if _is_table(found):
        return [(path, found)]
    if len(path) == MAX_DEPTH:
        return []
    entries = [((*path, str(name)), value) for name, value in found.items() if isinstance(value, Mapping)]
    entries = [entry for entry in entries if not any(word.startswith(OF_TRAINING) for word in _words(entry[0][-1]))]
    direct = [entry for entry in entries if _is_table(entry[1])]
    return direct or [table for name, value in entries for table in _tables(value, name)]


def _is_table(found: Table) -> bool:
    """Whether a mapping holds tensors, and all it holds beside them is free of any."""
    tensors = [value for value in found.values() if isinstance(value, Tensor)]
    others = (value for value in found.values() if not isinstance(value, Tensor))
    return any(tensor.dim() for tensor in tensors) and not any(map(_holds_tensors, others))


def _holds_tensors(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_tensors, value.values()))
    if isinstance(value, list | tuple | set):
        return any(map(_holds_tensors, value))
    return isinstance(value, Tensor)


def _rank(path: tuple[str, ...]) -> tuple[bool, bool, bool, int]:
    """The lower, the likelier it is what is wanted."""
    words = {word for name in path for word in _words(name)}
    name = path[-1].lower() if path else ""
    usual = WEIGHTS.index(name) if name in WEIGHTS else len(WEIGHTS)
    return bool(words & CRITIC), not words & AVERAGED, not words & GENERATOR, usual


def _words(name: str) -> list[str]:
    """`netG_ema` as net, g, ema."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
