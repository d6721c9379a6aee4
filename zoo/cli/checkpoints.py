"""`zoo card`, `zoo check`, `zoo import`: what lies in a checkpoint's folder, and others' weights put into one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.completion import models, plugins_and_models
from zoo.cli.console import echo, error, open_registry


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("card", short_help="Show, write or check a model's card.")(card)
    app.command("check", short_help="Check a plugin or a checkpoint.")(check)
    app.command("import", short_help="Make a checkpoint of others' weights.")(import_)


def card(
    model: Annotated[str, typer.Argument(help="A model or dir:PATH.", metavar="MODEL", autocompletion=models)],
    write: Annotated[bool, typer.Option("--write", help="Write README.md into the checkpoint's folder.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong with the card that is there.")] = False,
) -> None:
    """Render a model's card from config.json, keeping the prose of the one that is there."""
    registry = open_registry()
    from zoo.catalog.text import printable_lines
    from zoo.checkpoints.cards import CARD, problems, read_card, render, write_card
    from zoo.errors import UsageError
    from zoo.loading import find_checkpoint

    if write and check:
        raise UsageError("give --write or --check, not both")
    checkpoint = find_checkpoint(model, registry)
    if write:
        echo(write_card(checkpoint.folder, checkpoint.config))
    elif check:
        found = problems(checkpoint.folder, checkpoint.config, checkpoint.name)
        for line in found:
            error(line)
        if found:
            raise typer.Exit(7)
        echo(f"{checkpoint.folder / CARD} is complete")
    else:
        text = render(checkpoint.config, read_card(checkpoint.folder), expects=checkpoint.expects)
        echo(printable_lines(text), end="")


def check(
    name: Annotated[
        str,
        typer.Argument(help="A plugin, family, model or dir:PATH.", metavar="NAME", autocompletion=plugins_and_models),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that a plugin, family or checkpoint holds to the zoo's contract, for example `zoo check colorizer`.

    A line appears as each check ends; one that failed says what to do. Without PyTorch, what needs it is skipped.
    """
    from zoo.catalog.registry import Registry
    from zoo.testing import findings

    found = []
    for finding in findings(name, Registry.discover()):
        found.append(finding)
        if not json:
            state = "-" if finding.skipped else "ok" if finding.passed else "FAILED"
            echo(f"{state:<8}{finding}")
    if json:
        import msgspec

        echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    failed = sum(not finding.passed for finding in found)
    if failed:
        error(f"{failed} of {len(found)} checks failed for {name}")
        raise typer.Exit(9)


def import_(
    file: Annotated[Path, typer.Argument(help="Weights: safetensors, .pth (state dict), Keras .h5.", metavar="FILE")],
    family: Annotated[str, typer.Option(help="The architecture they belong to.", metavar="FAMILY")],
    preset: Annotated[str | None, typer.Option(help="A named configuration of it.", metavar="NAME")] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(help='Its settings: channels=64, norm="batch", or a TOML file.', metavar="SETTINGS"),
    ] = None,
    id_: Annotated[str | None, typer.Option("--id", help="What to call the model.", metavar="FAMILY.TAG")] = None,
    task: Annotated[str | None, typer.Option(help="What it does: colorize, denoise...", metavar="TASK")] = None,
    summary: Annotated[str, typer.Option(help="One line about it.", metavar="TEXT")] = "",
    license_: Annotated[str, typer.Option("--license", help="The licence of the weights.", metavar="NAME")] = "unknown",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder to write.", metavar="FOLDER")] = None,
) -> None:
    """Make a checkpoint of weights that others trained, for example:
    zoo import latest_net_G.pth --family pix2pix --config 'norm="batch"' --license BSD-3-Clause -o facades

    Every tensor must find its place in the family's network; those that don't are named, and nothing is written. A
    pickle is read weights-only, in a process of its own, and only because you name it.
    """
    from zoo.cli.making import needs_torch

    registry = open_registry()
    known = registry.family(family)
    with needs_torch("import"):
        from zoo.training.importing import import_weights, table_for
    facts = {"id": id_, "preset": preset, "task": task, "summary": summary or f"Imported from {file.name}"}
    table = table_for(family, file, license=license_, config=_merged(config or ()), **facts)
    folder = out or Path(table.id.partition(".")[2])
    written = import_weights(file, known, table, folder)
    echo(f"dir:{folder}", f"({written.weights.parameters:,} parameters)")


def _merged(texts: Sequence[str]) -> dict[str, Any]:
    """The settings of all `--config` options; of one that is set twice the last counts."""
    return {name: value for text in texts for name, value in _settings(text).items()}


def _settings(text: str) -> dict[str, Any]:
    """A family's settings, from a TOML file or written as in one, with commas between. Raises UsageError."""
    import tomllib

    from zoo.errors import UsageError

    try:
        if text.endswith(".toml"):
            return tomllib.loads(Path(text).read_text(encoding="utf-8"))
        found: dict[str, Any] = tomllib.loads(f"settings = {{{text}}}")["settings"]
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--config takes name=value, name=value, or a TOML file, not {text!r}: {error}") from error
    return found
