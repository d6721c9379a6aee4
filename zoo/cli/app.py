"""The command's frame: its verbs, and how every error becomes one line and an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from copy import copy
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
import typer.main

from zoo.cli import (
    attributes,
    checkpoints,
    completion,
    exploring,
    hub,
    latents,
    listing,
    making,
    new,
    running,
    serving,
    watching,
)
from zoo.cli import options as opt
from zoo.cli.console import error, note, report
from zoo.cli.light import LightTyper

# What typer raises for a wrong option or argument; the class itself is not exported under a public name.
CommandLineError: type[Any] = typer.BadParameter.__mro__[2]
INTERRUPTED, TERMINATED = 130, 143

app = LightTyper(
    name="zoo",
    help="A zoo of classical generative image models: safe weights, one interface, no GPU needed.",
    epilog="Start with: zoo run colorize photo.jpg",
    invoke_without_command=True,
    add_completion=False,  # see completion.py: typer's own can't be told the shell
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (running, watching, listing, latents, attributes, exploring, serving, making, checkpoints, hub, new):
    app.take(group.verbs)


def _version(wanted: bool) -> None:
    if wanted:
        from zoo import __version__

        typer.echo(f"latent-zoo {__version__}")
        raise typer.Exit


_VERSION = opt.flag("Print the version and exit.", "--version", callback=_version, is_eager=True)
_INSTALL, _SHOW = (
    opt.value(says, "[SHELL]", name, callback=callback, is_eager=True)
    for says, name, callback in (
        ("Complete names with the tab key from now on.", "--install-completion", completion.install),
        ("Print the script that does so.", "--show-completion", completion.show),
    )
)


@app.callback()
def frame(
    context: typer.Context,
    version: Annotated[bool, _VERSION] = False,  # noqa: ARG001 (its callback prints it)
    debug: Annotated[bool, opt.flag("Show where an error came from.", "--debug")] = False,
    install: Annotated[str | None, _INSTALL] = None,  # noqa: ARG001 (its callback does it)
    show: Annotated[str | None, _SHOW] = None,  # noqa: ARG001 (its callback does it)
) -> None:
    """Options of every verb."""
    if debug:
        os.environ["ZOO_DEBUG"] = "1"
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> NoReturn:
    """Run the command line and exit with the code of what happened."""
    if isinstance(sys.stdout, TextIOWrapper):  # a file's name may hold what the terminal can't show
        exact = sys.stdout.encoding == "utf-8" and not sys.stdout.isatty()
        sys.stdout.reconfigure(errors="surrogateescape" if exact else "replace")
    signal.signal(signal.SIGTERM, _terminate)
    code = call(sys.argv[1:])
    try:
        _flush()
    except OSError:  # it has been told; let what is left go nowhere, or Python complains on its way out
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def call(words: Sequence[str]) -> int:
    """Run one command line, without the program's name; returns the exit code."""
    try:
        _listen()
        completion.prepare()
        code = _command(words)(completion.with_shell(words), prog_name="zoo", standalone_mode=False)
        if not code:  # else it has been told already what went wrong
            _flush()
    except BrokenPipeError:
        return 0
    except CommandLineError as problem:
        return _misused(problem, words)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as problem:  # the last line of defence: whatever it is, it is said in one line
        return report(problem)
    if code == INTERRUPTED:  # typer turns the first Ctrl-C into this code
        error("terminated" if _terminated else "interrupted")
        return TERMINATED if _terminated else INTERRUPTED
    return code if isinstance(code, int) else 0


def _command(words: Sequence[str]) -> Any:
    """The command line with the one verb that was typed, or with all: to build them takes longer than most verbs do."""
    asked = [verb for verb in app.registered_commands if words and verb.name == words[0]]
    if not asked:
        return typer.main.get_command(app)
    alone = copy(app)
    alone.registered_commands = asked
    return typer.main.get_command(alone)


_terminated = list[bool]()


def _terminate(*_: object) -> NoReturn:
    """SIGTERM ends as Ctrl-C does, with all that is cleaned up then, but has a code of its own."""
    _terminated.append(True)
    raise KeyboardInterrupt


class _Notes(logging.Handler):
    """What the zoo has to say beside its results, as notes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it at once: a download that waits must not look dead."""
        note(record.getMessage())


def _listen() -> None:
    logger = logging.getLogger("zoo")
    if not any(isinstance(handler, _Notes) for handler in logger.handlers):
        logger.addHandler(_Notes())
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _misused(problem: Any, words: Sequence[str]) -> int:
    """A wrong option or argument, with the help that tells the right ones."""
    verbs = {command.name for command in app.registered_commands}
    verb = next((f" {word}" for word in words if word in verbs), "")
    message = problem.format_message().replace("Value error, ", "").strip().rstrip(".")
    error(f"{message}{'' if message.endswith('?') else '.'} See zoo{verb} --help")
    return 2


def _flush() -> None:
    """What was printed reaches its place now, while an error can still be told; standard output may be closed."""
    if sys.stdout:
        sys.stdout.flush()
