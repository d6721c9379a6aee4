"""The command's frame: its verbs, and how every error becomes one line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from zoo.cli import checkpoints, listing, making, running
from zoo.cli.console import error
from zoo.errors import DiskError, ZooError

# What typer raises for a wrong option or argument; the class itself is not exported under a public name.
CommandLineError: type[Any] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="zoo",
    help="A zoo of classical generative image models. Weights are safe to download, no GPU needed.",
    epilog="Start with: zoo run colorize photo.jpg",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (running, listing, making, checkpoints):
    group.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from zoo import __version__

        typer.echo(f"latent-zoo {__version__}")
        raise typer.Exit


@app.callback()
def frame(
    version: Annotated[  # noqa: ARG001 (the callback prints it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Options of every verb."""
    if debug:
        os.environ["ZOO_DEBUG"] = "1"


def main() -> NoReturn:
    """Run the command line and exit with the code of what happened."""
    try:
        sys.exit(_call() or 0)
    except BrokenPipeError:
        # The reader of our output went away (`zoo list | head`): nothing more can be said on it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _call() -> int:
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except CommandLineError as problem:
        error(f"{problem.format_message().rstrip('.')}; see zoo --help")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        error("interrupted")
        return 130
    except Exception as problem:
        if os.environ.get("ZOO_DEBUG"):
            raise
        return report(problem)
    return code if isinstance(code, int) else 0


def report(problem: Exception) -> int:
    """Say what went wrong in one line; returns the exit code."""
    if isinstance(problem, OSError) and not isinstance(problem, ZooError):
        problem = DiskError(f"{problem.filename or 'the disk'}: {problem.strerror or problem}")
    if isinstance(problem, ZooError):
        error(str(problem))
        return problem.exit_code
    error(f"unexpected {type(problem).__name__}: {problem}; `zoo --debug ...` shows where, please report it")
    return 1
