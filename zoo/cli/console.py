"""What goes to the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zoo.catalog.text import printable, printable_lines
from zoo.errors import DiskError, PluginError, ZooError

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry


def echo(*values: object, end: str = "\n") -> None:
    """Print results on standard output, at once: in a pipe as they are, on a terminal so that it obeys none of them."""
    text = " ".join(map(str, values))
    if sys.stdout and sys.stdout.isatty():
        text = printable_lines(text)
    print(text, end=end, flush=True)


def error(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    _say("error", message)


def note(message: str) -> None:
    """A remark that is no result."""
    _say("note", message)


def report(problem: Exception) -> int:
    """Say in one line what went wrong, after the traceback if `--debug` asks for it; returns the exit code."""
    if os.environ.get("ZOO_DEBUG"):
        import traceback

        print(printable_lines("".join(traceback.format_exception(problem))), end="", file=sys.stderr)
    if isinstance(problem, OSError):
        problem = DiskError(f"{problem.filename or 'standard output'}: {problem.strerror or problem}")
    elif isinstance(problem, MemoryError):
        problem = ZooError("not enough memory")
    if isinstance(problem, ZooError):
        error(str(problem))
        return problem.exit_code
    error(f"unexpected {type(problem).__name__}: {problem}; `zoo --debug ...` shows where, please report it")
    return 1


def _say(kind: str, message: str) -> None:
    # A file's name may hold a newline, or codes that a terminal obeys.
    print(f"{kind}: {printable(message).strip()}", file=sys.stderr)


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> Iterator[str]:
    """Lines with each column as wide as its widest cell; the last is left ragged. Cells hold nothing to be obeyed."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield (" " * gap).join([*padded, row[-1]]).rstrip()


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows in columns below a row of heads."""
    for line in columns([head, *rows]):
        echo(line)


def print_json(value: object) -> None:
    """A value as JSON for programs; structs and dataclasses as objects."""
    import json

    import msgspec

    echo(json.dumps(msgspec.to_builtins(value), indent=2))


@contextmanager
def needs_extra(verb: str, extra: str) -> Iterator[None]:
    """Say what to install where a package of others is missing."""
    try:
        yield
    except ModuleNotFoundError as problem:
        missing = (problem.name or "").partition(".")[0]
        if missing == "zoo":
            raise
        raise PluginError(f"zoo {verb} needs {missing}: pip install 'latent-zoo[{extra}]'") from problem


def open_registry() -> Registry:
    """Everything the installed plugins bring; a broken plugin is said in one line and stops nothing."""
    from zoo.catalog.registry import Registry

    registry = Registry.discover()
    for problem in registry.problems:
        note(str(problem))
    return registry


@contextmanager
def progress(description: str, total: int) -> Iterator[Any]:
    """A progress bar on standard error if that is a terminal; the value takes `.advance()` and `.say(text)`.

    `.line(text)` writes a line that stays, above the bar or without one. A `total` of 0 is not known yet; a single
    thing needs no bar.
    """
    if total == 1 or not sys.stderr or not sys.stderr.isatty():
        yield _Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=bool(sys.stdout and sys.stdout.isatty()),  # else what is piped on would go to the terminal
    )
    with bar:
        task = bar.add_task(printable(description), total=total, text="")
        yield _Bar(bar, task)


class _Bar:
    """One task of a rich progress bar; without one, nothing is shown but lines."""

    def __init__(self, bar: Any = None, task: Any = None) -> None:
        self.bar, self.task = bar, task

    def advance(self) -> None:
        """One more is done."""
        self._update(advance=1)

    def say(self, text: str) -> None:
        """Show a word behind the bar."""
        self._update(text=printable(text))

    def at(self, done: int, total: int) -> None:
        """So many of so many are done."""
        self._update(completed=done, total=total)

    def line(self, text: str) -> None:
        """Write a line above the bar."""
        if self.bar:
            self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif sys.stderr:
            print(text, file=sys.stderr)

    def _update(self, **changes: Any) -> None:
        if self.bar:
            self.bar.update(self.task, **changes)
