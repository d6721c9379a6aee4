"""`zoo new`: a plugin of one's own to begin with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.console import echo, note, open_registry


class Family(StrEnum):
    """What kind of family the template is of."""

    autoencoder = "autoencoder"
    translator = "translator"
    generator = "generator"
    upscaler = "upscaler"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("new", short_help="Begin a plugin with a family of your own.")(new)


def new(
    name: Annotated[str, typer.Argument(help="The name of the family, such as pixel-cats.", metavar="NAME")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the folder zoo-NAME goes.", metavar="FOLDER")
    ] = Path(),
    family: Annotated[
        Family,
        typer.Option(
            help="autoencoder (latents, new pictures), translator (pictures to pictures), generator (new pictures) "
            "or upscaler (larger pictures).",
            metavar="KIND",
        ),
    ] = Family.autoencoder,
) -> None:
    """Write a complete package with a family of your own, for example: zoo new pixel-cats

    It holds code, a recipe, a test, a readme, a licence (MIT; change it if you like) and a workflow for GitHub. As it
    stands it passes `zoo check` and trains.
    """
    from zoo.templates import write_plugin

    folder = write_plugin(name, family.value, out, open_registry())
    called = folder.name.removeprefix("zoo-")
    echo(folder)
    steps = (
        f"pip install -e '{folder}[test]'",
        f"zoo check {called}",
        f"zoo train {called}.toy --data folder:PICTURES",
    )
    note(f"next: {' && '.join(steps)}")
