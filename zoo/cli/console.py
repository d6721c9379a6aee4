"""What goes to the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry


def error(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)


def note(message: str) -> None:
    """A remark that is no result."""
    print(f"note: {' '.join(message.split())}", file=sys.stderr)


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> Iterator[str]:
    """Lines with each column as wide as its widest cell; the last is left ragged."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield (" " * gap).join([*padded, row[-1]]).rstrip()


def open_registry() -> Registry:
    """Everything the installed plugins bring; a broken plugin is said in one line and stops nothing."""
    from zoo.catalog.registry import Registry

    registry = Registry.discover()
    for problem in registry.problems:
        note(str(problem))
    return registry


@contextmanager
def progress(description: str, total: int) -> Iterator[Any]:
    """A progress bar on standard error if that is a terminal; the value takes `.advance()` and `.say(text)`."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=total, text="")
        yield _Bar(bar, task)


class _Silent:
    """A progress bar nobody sees."""

    def advance(self) -> None:
        """Nothing to show."""

    def say(self, text: str) -> None:
        """Nothing to show."""

    def at(self, done: int, total: int) -> None:
        """Nothing to show."""


class _Bar:
    """One task of a rich progress bar."""

    def __init__(self, bar: Any, task: Any) -> None:
        self.bar, self.task = bar, task

    def advance(self) -> None:
        """One more is done."""
        self.bar.advance(self.task)

    def say(self, text: str) -> None:
        """Show a word behind the bar."""
        self.bar.update(self.task, text=text)

    def at(self, done: int, total: int) -> None:
        """So many of so many are done."""
        self.bar.update(self.task, completed=done, total=total)
