"""Numbers from what is known about pictures: columns of the index, and comparisons of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.arrays import Floats
from zoo.datasets.source import Source
from zoo.errors import NotFoundError, UsageError

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt
}  # fmt: skip


@dataclass(frozen=True)
class Label:
    """A column, or its comparison with a value: `glasses`, `smile > 0.5`, `hair_color == blond`."""

    column: str
    comparison: str = ""
    value: str = ""

    def of(self, row: Mapping[str, str]) -> float:
        """The column's number, or 1.0 and 0.0 for a comparison that holds and one that does not.

        Raises NotFoundError for a row without the column, UsageError for text where a number is needed.
        """
        if self.column not in row:
            raise NotFoundError(f"no label {self.column!r}; known are: {', '.join(row) or 'none'}")
        text = row[self.column]
        if self.comparison == "==" and _number(self.value) is None:
            return float(text == self.value)
        number = _number(text)
        if number is None:
            raise UsageError(f"{self.column} is {text!r}, not a number: write {self.column} == {text or 'VALUE'}")
        if not self.comparison:
            return number
        return float(OPERATORS[self.comparison](number, float(self.value)))


def parse_label(text: str) -> Label:
    """Read a column's name, or a comparison by >, >=, <, <= or ==. Raises UsageError for anything else."""
    parts = [part.strip() for part in re.split(r"(>=|<=|==|>|<)", text)]
    if len(parts) == 1 and parts[0] and "=" not in text:
        return Label(parts[0])
    if len(parts) == 3 and parts[0] and parts[2] and "=" not in parts[0]:
        column, comparison, value = parts[0], parts[1], parts[2].strip("\"'")
        if comparison == "==" or _number(value) is not None:
            return Label(column, comparison, value)
    raise UsageError(f"label {text!r}: write a column, or a comparison with a number, as smile > 0.5")


def read_labels(source: Source, labels: Sequence[str]) -> Floats:
    """The labels (N, K) of every picture of a source, each a column or a comparison. Raises as `Label.of` does."""
    parsed = [parse_label(label) for label in labels]
    rows = (source.labels(index) for index in range(len(source) if parsed else 0))
    numbers = [[label.of(row) for label in parsed] for row in rows]
    return np.array(numbers, np.float32).reshape(len(source), len(parsed))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
