"""`zoo card` and `zoo check`: what lies in a checkpoint's folder, and whether it is in order."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from zoo.cli.completion import models, plugins_and_models
from zoo.cli.console import error, open_registry


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("card", short_help="Show, write or check a model's card.")(card)
    app.command("check", short_help="Check a plugin or a checkpoint.")(check)


def card(
    model: Annotated[str, typer.Argument(help="A model or dir:PATH.", metavar="MODEL", autocompletion=models)],
    write: Annotated[bool, typer.Option("--write", help="Write README.md into the checkpoint's folder.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong with the card that is there.")] = False,
) -> None:
    """Render a model's card from config.json, keeping the prose of the one that is there."""
    registry = open_registry()
    from zoo.checkpoints.cards import CARD, problems, read_card, render, write_card
    from zoo.errors import UsageError
    from zoo.loading import find_checkpoint

    if write and check:
        raise UsageError("give --write or --check, not both")
    checkpoint = find_checkpoint(model, registry)
    if write:
        print(write_card(checkpoint.folder, checkpoint.config))
    elif check:
        found = problems(checkpoint.folder, checkpoint.config)
        for line in found:
            error(line)
        if found:
            raise typer.Exit(7)
        print(f"{checkpoint.folder / CARD} is complete")
    else:
        sys.stdout.write(render(checkpoint.config, read_card(checkpoint.folder)))


def check(
    name: Annotated[
        str, typer.Argument(help="A plugin, a model or dir:PATH.", metavar="NAME", autocompletion=plugins_and_models)
    ],
) -> None:
    """Check that a plugin or a checkpoint holds to the zoo's contract."""
    from zoo.catalog.registry import Registry
    from zoo.testing import check as check_contract

    findings = check_contract(name, Registry.discover())
    for finding in findings:
        print(
            f"{'ok    ' if finding.passed else 'FAILED'}  {finding.check}{f': {finding.advice}' * (not finding.passed)}"
        )
    failed = sum(not finding.passed for finding in findings)
    if failed:
        error(f"{failed} of {len(findings)} checks failed for {name}")
        raise typer.Exit(9)
