"""`zoo new`: a plugin of one's own to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from zoo.cli import options as opt
from zoo.cli.console import echo, note, open_registry
from zoo.cli.light import LightTyper

verbs = LightTyper()


@verbs.command("new", short_help="Begin a plugin with a family of your own.")
def new(
    name: Annotated[str, opt.argument("The name of the family, such as pixel-cats.", "NAME")],
    out: Annotated[Path, opt.out("Where the folder zoo-NAME goes.", "FOLDER")] = Path(),
    family: Annotated[
        Literal["autoencoder", "translator", "generator", "upscaler"],
        opt.value(
            "autoencoder (latents, new pictures), translator (pictures to pictures), generator (new pictures) "
            "or upscaler (larger pictures).",
            "KIND",
        ),
    ] = "autoencoder",
) -> None:
    """Write a complete package with a family of your own, for example: zoo new pixel-cats

    It holds code, a recipe, a test, a readme, a licence (MIT; change it if you like) and a workflow for GitHub. As it
    stands it passes `zoo check` and trains.
    """
    from zoo.templates import write_plugin

    folder = write_plugin(name, family, out, open_registry())
    called = folder.name.removeprefix("zoo-")
    echo(folder)
    steps = (
        f"pip install -e '{folder}[test]'",
        f"zoo check {called}",
        f"zoo train {called}.toy --data folder:PICTURES",
    )
    note(f"next: {' && '.join(steps)}")
