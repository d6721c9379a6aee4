"""Completion by the tab key: names out of the registry, and the scripts that teach a shell to ask for them."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.catalog.registry import Registry

SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
OPTIONS = ("--install-completion", "--show-completion")
_PROGRAM = {"prog_name": "zoo", "complete_var": "_ZOO_COMPLETE"}


def tasks_and_models(incomplete: str) -> list[tuple[str, str]]:
    """What `zoo run` takes, each with a word about it."""
    registry = _registry()
    tasks = [(name, f"task: {', '.join(model.id for model in models)}") for name, models in registry.tasks().items()]
    return _beginning(incomplete, [*tasks, *_models(registry)])


def models(incomplete: str) -> list[tuple[str, str]]:
    """Ids of models."""
    return _beginning(incomplete, _models(_registry()))


def names(incomplete: str) -> list[tuple[str, str]]:
    """What `zoo info` takes: models and families."""
    registry = _registry()
    families = [(family.name, f"family: {family.summary}") for family in registry.families.values()]
    return _beginning(incomplete, [*_models(registry), *families])


def plugins_and_models(incomplete: str) -> list[tuple[str, str]]:
    """What `zoo check` takes."""
    registry = _registry()
    plugins = [(info.plugin, f"plugin of {info.distribution}") for info in registry.plugins]
    return _beginning(incomplete, [*_models(registry), *plugins])


def prepare() -> None:
    """Let typer know every shell's way to ask, if one is asking."""
    if _PROGRAM["complete_var"] in os.environ:
        _typer().completion_init()


def show(shell: str | None) -> None:
    """Print the script for a shell and exit; nothing without a shell. Raises UsageError for one that is not known."""
    if shell:
        typer.echo(_typer().get_completion_script(shell=_known(shell), **_PROGRAM))
        raise typer.Exit


def install(shell: str | None) -> None:
    """Put the script where the shell finds it and exit; nothing without a shell. Raises UsageError as `show` does."""
    if shell:
        _, path = _typer().install(shell=_known(shell), **_PROGRAM)
        typer.echo(f"{path}: completion is there in the next {shell} you open")
        raise typer.Exit


def with_shell(words: Sequence[str]) -> list[str]:
    """The command line, where it ends in an option that wants a shell, with the shell it is typed into.

    Raises UsageError if that can't be told.
    """
    if not words or words[-1] not in OPTIONS:
        return list(words)
    shell = _detected()
    if shell not in SHELLS:
        raise UsageError(f"can't tell which shell this is: say it, zoo {words[-1]} bash")
    return [*words, shell]


def _detected() -> str:
    try:
        shellingham = import_module("shellingham")  # typer brings it
        return str(shellingham.detect_shell()[0])
    except Exception:  # it is missing, or no process above this one is a shell it knows
        return Path(os.environ.get("SHELL", "")).name


def _known(shell: str) -> str:
    if shell not in SHELLS:
        raise UsageError(f"no completion for the shell {shell!r}; there is for {', '.join(SHELLS)}")
    return shell


def _typer() -> Any:
    # Its scripts are in no public name; these have kept their place since typer began.
    return import_module("typer.completion")


def _registry() -> Registry:
    from zoo.catalog.registry import Registry

    return Registry.discover()


def _models(registry: Registry) -> list[tuple[str, str]]:
    return [(model.id, model.config.summary) for model in registry.find()]


def _beginning(incomplete: str, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, about) for name, about in found if name.startswith(incomplete)]
