"""What a model is told beside its input, as its graphs take it: `digit=3`, for all items or for each its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.errors import UsageError
from zoo.inference.latents import noise

if TYPE_CHECKING:
    from zoo.catalog.conditions import Condition
    from zoo.catalog.interface import Interface, RoleName

Array: TypeAlias = NDArray[np.float32]
# Values by the name of their condition: one for all items, or a sequence with one for each.
Given: TypeAlias = Mapping[str, Any]

# Conditions are drawn by seeds of their own, far from those that people type.
_SEED = 2**63


def require_known(interface: Interface, given: Given, model: str) -> None:
    """Raise UsageError for a name that is no condition of the model."""
    known = {condition.name: condition for condition in interface.conditions}
    for name in given:
        if name not in known:
            has = "; ".join(f"{each} ({condition.words})" for each, condition in known.items())
            raise UsageError(f"{model} knows no {name}: it has {has or 'no conditions'}")


def rows(interface: Interface, role: RoleName, given: Given, n: int) -> tuple[Array, ...]:
    """What the graph of a role is told about each of `n` items, one array (n, K); none for a graph without conditions.

    Raises UsageError for a value that is missing, or that the condition can't have.
    """
    columns = [_column(condition, given, n) for condition in interface.conditions_of(role)]
    return (np.concatenate(columns, axis=1),) if columns else ()


def drawn(interface: Interface, given: Given, n: int, seed: int) -> dict[str, Any]:
    """What is given, and for each other condition of the model `n` values; the first k of them are those of n = k."""
    told = dict(given)
    for number, condition in enumerate(interface.conditions):
        if condition.name not in told:
            draws = noise(n, (), (_SEED + seed * 16 + number) % 2**64)
            shares = (min(0.5 * (1.0 + math.erf(draw / math.sqrt(2.0))), 1.0 - 1e-9) for draw in draws.tolist())
            told[condition.name] = [condition.at(share) for share in shares]
    return told


def part(given: Given, start: int, stop: int) -> dict[str, Any]:
    """The values of the items from `start` to `stop`."""
    return {name: value[start:stop] if _several(value) else value for name, value in given.items()}


def steps_between(count: int, n: int) -> Iterator[Array]:
    """(from, to) of `count` even steps on the way from 1 to 0, each as `n` items are told it: (n, 2)."""
    for step in pairwise(np.linspace(1.0, 0.0, count + 1, dtype=np.float32)):
        yield np.broadcast_to(np.array(step, np.float32), (n, 2))


def _several(value: Any) -> bool:
    return isinstance(value, np.ndarray | list | tuple)


def _column(condition: Condition, given: Given, n: int) -> Array:
    if condition.name not in given:
        raise UsageError(f"{condition.name} is needed: {condition.words}, given as {condition.name}=VALUE")
    value = given[condition.name]
    values: Sequence[Any] = list(value) if _several(value) else [value] * n
    if len(values) != n:
        raise UsageError(f"{condition.name} has {len(values)} values for {n} items: give one for all, or one for each")
    return np.array([condition.numbers(each) for each in values], np.float32).reshape(n, condition.width)
