"""A table of attributes out of labels: what is known about many pictures, as columns of numbers for a regression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zoo.arrays import Doubles
from zoo.datasets.labels import Label, parse_label
from zoo.errors import NotFoundError, UsageError

MAX_TEXTS = 24
# Columns of a csv index that say where a picture is, not what it shows.
ADDRESS = frozenset({"file", "zip", "split"})
Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Attributes:
    """Columns of numbers: `values` (N, K) float64, a line for each of the pictures `rows`, a column for each name.

    `kept` are the names asked for, the others are controls. `exclusive` groups, by position, the columns made of the
    texts of one. `notes` say what was left out.
    """

    names: tuple[str, ...]
    kept: tuple[str, ...]
    values: Doubles = field(repr=False)
    rows: NDArray[np.int64] = field(repr=False)
    exclusive: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]


def tabulate(labels: Rows, columns: Sequence[str], controls: Sequence[str] = ()) -> Attributes:
    """Turn the labels of N pictures into numbers, by names of columns and comparisons such as `smile > 0.5` (0 or 1).

    A column of texts becomes one column of 0 and 1 for each text, `hair_color == black`. Controls of `all` are every
    column that is not named. Pictures with an empty entry and columns that are the same everywhere are left out, with a
    note. Raises NotFoundError for a column that is not there, UsageError for one that can't be numbers.
    """
    known = tuple(dict.fromkeys(key for row in labels for key in row if key not in ADDRESS))
    if not known:
        raise UsageError("these pictures have no labels: take a source with a csv index")
    if "all" in controls and "all" not in known:
        controls = _others(labels, known, columns)
    wanted = {name: _label(name, known) for name in (*columns, *controls)}
    rows = [i for i, row in enumerate(labels) if all(row.get(label.column, "").strip() for label in wanted.values())]
    notes = []
    if len(rows) < len(labels):
        notes.append(f"{len(labels) - len(rows)} of {len(labels)} pictures have an empty label and were left out")
    table: dict[str, list[float]] = {}
    groups: list[list[str]] = []
    kept: list[str] = []
    for name, label in wanted.items():
        made = _numbers(name, label, [labels[row] for row in rows])
        varying = [key for key, numbers in made.items() if len(set(numbers)) > 1]
        notes += [f"{key} is the same in all pictures and was left out" for key in made if key not in varying]
        table |= {key: made[key] for key in varying}
        groups += [varying] if len(varying) > 1 else []
        kept += varying if name in columns else []
    if not kept:
        raise UsageError("; ".join(["nothing is left to learn", *notes]))
    names = list(table)
    return Attributes(
        names=tuple(names),
        kept=tuple(dict.fromkeys(kept)),
        values=np.array(list(table.values()), np.float64).T,
        rows=np.array(rows, np.int64),
        exclusive=tuple(tuple(names.index(name) for name in group) for group in groups),
        notes=tuple(notes),
    )


def column_values(labels: Rows, column: str) -> list[str]:
    """One column's text for each picture, empty where a picture has none. Raises NotFoundError as `tabulate` does."""
    known = tuple(dict.fromkeys(key for row in labels for key in row if key not in ADDRESS))
    if column not in known:
        raise _unknown(column, known)
    return [row.get(column, "").strip() for row in labels]


def _label(name: str, known: Sequence[str]) -> Label:
    """A column by its name, or a comparison."""
    label = Label(name) if name in known else parse_label(name)
    if label.column not in known:
        raise _unknown(label.column, known)
    return label


def _unknown(column: str, known: Sequence[str]) -> NotFoundError:
    return NotFoundError(f"the labels have no column {column!r}; there are: {', '.join(known) or 'none'}")


def _numbers(name: str, label: Label, labels: Rows) -> dict[str, list[float]]:
    """Name -> numbers of a column; several where its entries are texts."""
    texts = [row[label.column].strip() for row in labels]
    if label.comparison or _numeric(texts):
        return {name: [label.of({label.column: text}) for text in texts]}
    counts = Counter(texts)
    if len(counts) > MAX_TEXTS:
        raise UsageError(f"column {name!r} has {len(counts)} different texts; at most {MAX_TEXTS} make attributes")
    return {f"{name} == {text}": [float(other == text) for other in texts] for text in sorted(counts)}


def _numeric(texts: Sequence[str]) -> bool:
    """Whether all of these texts are finite numbers."""
    try:
        return bool(np.isfinite([float(text) for text in texts]).all())
    except ValueError:
        return False


def _others(labels: Rows, known: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Every column that can be a control: not spoken of already, filled everywhere, no free text."""
    spoken = {_label(name, known).column for name in columns}
    found = []
    for column in known:
        texts = [row.get(column, "").strip() for row in labels]
        if column not in spoken and all(texts) and (_numeric(texts) or len(set(texts)) <= MAX_TEXTS):
            found.append(column)
    return found
