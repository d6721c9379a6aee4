"""Which rows of a csv index are meant, where a source takes only some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zoo.datasets.index import Index, Row
from zoo.errors import NotFoundError, UsageError

SHOWN = 10


@dataclass(frozen=True)
class Condition:
    """A column and the patterns one of which its value must match, `*` for anything: `set=mit8,sun*`."""

    column: str
    patterns: tuple[str, ...]

    def holds(self, row: Row) -> bool:
        """Whether the row is meant."""
        return any(fnmatchcase(row[self.column], pattern) for pattern in self.patterns)


def parse_condition(text: str) -> Condition:
    """Read `column=value`, with several values parted by commas. Raises UsageError for anything else."""
    column, equals, values = text.partition("=")
    patterns = tuple(value.strip() for value in values.split(",") if value.strip())
    if not equals or not column.strip() or not patterns:
        raise UsageError(f"condition {text!r} on a pack: write COLUMN=VALUE, as pack:NAME:set=flowers")
    return Condition(column.strip(), patterns)


def meant(index: Index, conditions: Sequence[Condition]) -> list[Row]:
    """The rows for which all conditions hold.

    Raises UsageError for a column that the index lacks, NotFoundError for a condition that no row of the others meets.
    """
    rows = list(index.rows)
    for condition in conditions:
        if condition.column not in index.columns:
            raise UsageError(f"{index.name} has no column {condition.column!r}; it has: {', '.join(index.columns)}")
        kept = [row for row in rows if condition.holds(row)]
        if not kept:
            values = sorted({row[condition.column] for row in rows})
            known = ", ".join(values[:SHOWN]) + (", ..." if len(values) > SHOWN else "")
            wanted = f"{condition.column}={','.join(condition.patterns)}"
            raise NotFoundError(f"no picture of {index.name} has {wanted}; its values are: {known}")
        rows = kept
    return rows
