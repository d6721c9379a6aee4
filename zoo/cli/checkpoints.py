"""`zoo card`, `zoo check`, `zoo import`: what lies in a checkpoint's folder, and others' weights put into one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli import options as opt
from zoo.cli.completion import plugins_and_models
from zoo.cli.console import echo, error, needs_extra, open_registry, print_json
from zoo.cli.light import LightTyper

verbs = LightTyper()


@verbs.command("card", short_help="Show, write or check a model's card.")
def card(
    model: opt.Checkpoint,
    write: Annotated[bool, opt.flag("Write README.md into the checkpoint's folder.", "--write")] = False,
    check: Annotated[bool, opt.flag("Say what is wrong with the card that is there.", "--check")] = False,
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


@verbs.command("check", short_help="Check a plugin or a checkpoint.")
def check(
    name: Annotated[
        str, opt.argument("A plugin, family, model or dir:PATH.", "NAME", autocompletion=plugins_and_models)
    ],
    json: opt.Json = False,
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
        print_json(found)
    failed = sum(not finding.passed for finding in found)
    if failed:
        error(f"{failed} of {len(found)} checks failed for {name}")
        raise typer.Exit(9)


@verbs.command("import", short_help="Make a checkpoint of others' weights.")
def import_(
    file: Annotated[Path, opt.argument("Weights: safetensors, .pth (state dict), Keras .h5.", "FILE")],
    family: Annotated[str, opt.value("The architecture they belong to.", "FAMILY")],
    preset: Annotated[str | None, opt.value("A named configuration of it.", "NAME")] = None,
    config: Annotated[
        list[str] | None, opt.value('Its settings: channels=64, norm="batch", or a TOML file.', "SETTINGS")
    ] = None,
    id_: Annotated[str | None, opt.value("What to call the model.", "FAMILY.TAG", "--id")] = None,
    task: Annotated[str | None, opt.value("What it does: colorize, denoise...", "TASK")] = None,
    summary: Annotated[str, opt.value("One line about it.", "TEXT")] = "",
    license_: Annotated[str, opt.value("The licence of the weights.", "NAME", "--license")] = "unknown",
    out: Annotated[Path | None, opt.out("The folder to write.", "FOLDER")] = None,
) -> None:
    """Make a checkpoint of weights that others trained, for example:
    zoo import latest_net_G.pth --family pix2pix --config 'norm="batch"' --license BSD-3-Clause -o facades

    Every tensor must find its place in the family's network; those that don't are named, and nothing is written. A
    pickle is read weights-only, in a process of its own, and only because you name it.
    """
    registry = open_registry()
    known = registry.family(family)
    with needs_extra("import", "train"):
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
