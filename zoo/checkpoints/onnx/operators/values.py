"""What the rules of the operators speak of: the values of a graph, known by shape alone, and its nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FLOAT: Final = 1
INT8: Final = 3
INT32: Final = 6
INT64: Final = 7
BOOL: Final = 9
FLOAT16: Final = 10
DOUBLE: Final = 11
# Of values that a graph computes with; int8 is a type of weights only.
ITEM_BYTES: Final[Mapping[int, int]] = {FLOAT: 4, INT32: 4, INT64: 8, BOOL: 1, FLOAT16: 2, DOUBLE: 8}
WHOLE_TYPES: Final = (INT32, INT64)

MAX_RANK: Final = 8
MAX_KNOWN: Final = 64
MAX_WHOLE: Final = 2**31 - 1


class MisfitError(ValueError):
    """A node does not fit the definition of its operator, or goes beyond what the zoo follows."""


@dataclass(frozen=True)
class Value:
    """A tensor of a graph: ONNX element type, exact shape and, for a few numbers that follow from shapes and constants
    alone, its content.
    """

    dtype: int
    shape: tuple[int, ...]
    known: tuple[int | float, ...] | None = None

    @property
    def count(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


Attribute = int | float | str | tuple[int | float, ...] | Value


@dataclass(frozen=True)
class Node:
    """One step of a graph. An input named "" is left out."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    def whole(self, name: str, default: int) -> int:
        """The attribute `name`, a whole number."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise MisfitError(f"{name} is not a whole number")
        return value

    def wholes(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """The attribute `name`, a list of whole numbers."""
        value = self.attributes.get(name, default)
        numbers = tuple(number for number in value if isinstance(number, int)) if isinstance(value, tuple) else None
        if numbers is None or numbers != value:
            raise MisfitError(f"{name} is not a list of whole numbers")
        return numbers

    def only(self, **allowed: Attribute) -> None:
        """Require that each of these attributes is absent or has this one value."""
        for name, value in allowed.items():
            require(self.attributes.get(name, value) == value, f"{name} must be {value!r}")


def require(holds: bool, what: str) -> None:
    """Raise MisfitError unless it holds."""
    if not holds:
        raise MisfitError(what)


def whole_numbers(value: Value) -> tuple[int, ...]:
    """The content of a tensor that gives sizes or places: whole numbers known before anything is computed."""
    numbers = tuple(number for number in value.known or () if isinstance(number, int))
    if value.known is None or len(numbers) != len(value.known):
        raise MisfitError("a size is not known from shapes and constants alone")
    return numbers


def one_axis(axis: int, rank: int) -> int:
    """The axis, counted from the front."""
    require(-rank <= axis < rank, f"there is no axis {axis} among {rank}")
    return axis % rank


def some_axes(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """The axes, counted from the front, each once."""
    found = tuple(one_axis(axis, rank) for axis in axes)
    require(len(set(found)) == len(found), "an axis is named twice")
    return found


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape numpy and ONNX give to operands of these shapes."""
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        distinct = set(sizes) - {1}
        require(len(distinct) <= 1, f"shapes {' and '.join(map(str, shapes))} do not match")
        result.append(distinct.pop() if distinct else 1)
    return tuple(result)
