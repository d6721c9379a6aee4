"""`zoo run`: a model's job on picture files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import options as opt
from zoo.cli.completion import tasks_and_models
from zoo.cli.console import echo, note, open_registry, print_table
from zoo.cli.light import LightTyper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.arrays import Pixels
    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import ModelSpec


# A result on a contact sheet has this side in pixels, or half of it if there are many.
_CELL_SIDE, _MANY = 256, 200


verbs = LightTyper()


@verbs.command("run", short_help="Do a model's job on pictures.")
def run(
    task: Annotated[
        str | None,
        opt.argument(
            "A task, model, family or dir:PATH; without it, the tasks are listed.",
            "TASK",
            autocompletion=tasks_and_models,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None, opt.argument("Files, folders, quoted patterns, or - for standard input.", "PICTURE")
    ] = None,
    out: Annotated[str | None, opt.out("A file, a folder, or - for standard output.", "PATH")] = None,
    force: opt.Force = False,
    side_by_side: Annotated[bool, opt.flag("Put input and result into one picture.", "--side-by-side")] = False,
    grid: Annotated[str | None, opt.value("Put all results, made smaller, on one sheet as well.", "FILE")] = None,
    from_photo: Annotated[
        bool, opt.flag("Give a model of drawings the lines of each picture.", "--from-photo")
    ] = False,
    candidates: Annotated[
        int | None, opt.value("Several plausible results of each picture, where a model has them.", "N", min=2, max=64)
    ] = None,
    strength: opt.Strength = None,
    set_: opt.Conditions = None,
    recursive: opt.Recursive = False,
    quality: opt.Quality = 95,
    max_pixels: opt.MaxPixels = 200,
    jobs: opt.Jobs = None,
    skip_existing: Annotated[
        bool, opt.flag("Leave out pictures whose result is there: to resume a run.", "--skip-existing")
    ] = False,
    manifest: Annotated[
        str | None, opt.value("Take the pictures that a file names, one a line; - is standard input.", "LIST")
    ] = None,
    shard: Annotated[str | None, opt.value("Do part I of N, from 1/N to N/N, for as many machines.", "I/N")] = None,
    log: opt.Log = None,
    dry_run: Annotated[bool, opt.flag("Say what would be done, and write nothing.", "--dry-run")] = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
) -> None:
    """Do a model's job on pictures, for example: zoo run colorize photo.jpg

    The result lies beside its input as NAME.TASK.EXT, or where -o says. An input is never overwritten, a result only
    with --force. Of many pictures, those that can't be read are named at the end; the others are done.
    """
    registry = open_registry()
    if task is None:
        _list_tasks(registry)
        return
    from zoo.cli.batches import do, lines_of, open_log, say_plan
    from zoo.cli.results import parse_conditions
    from zoo.errors import UsageError
    from zoo.jobs.answers import Options
    from zoo.jobs.planning import plan, with_candidates
    from zoo.jobs.shards import Shard
    from zoo.loading import load

    if not inputs and manifest is None:
        raise UsageError(f"name a picture or a folder: zoo run {task} photo.jpg")
    limit, part = opt.pixels_of(max_pixels), Shard.parse(shard) if shard else None
    if skip_existing and force:
        raise UsageError("--skip-existing keeps results that exist, --force replaces them: choose one")
    if skip_existing and grid:
        raise UsageError("--grid shows all results, and --skip-existing makes only some: choose one")
    model = load(task, backend=backend, device=device, registry=registry)
    model.require("translate")
    model = model.with_conditions(**parse_conditions(set_))
    label = task if task in registry.tasks() else model.config.task or "out"
    if from_photo and not model.interface.fit("translate").of_drawings:
        raise UsageError(f"--from-photo is for models that are given drawings; {model.id} is given pictures")
    if strength is not None:
        model.require_strength(strength)
    place = out or ("-" if inputs == ["-"] and manifest is None else None)
    planned = plan(inputs or [], place, label, recursive, grid, manifest=lines_of(manifest), shard=part)
    if candidates:
        model.require_candidates()
        planned = with_candidates(planned, candidates, label)
    cell = _cell_side(grid, len(planned), side_by_side, force) if grid and planned else None
    options = Options(
        force, side_by_side, from_photo, cell, max_pixels=limit, quality=quality,
        strength=1.0 if strength is None else strength, skip_existing=skip_existing,
    )  # fmt: skip
    if dry_run:
        code = say_plan(planned, options)
    else:
        with open_log(log) as opened:
            counted = bool(skip_existing or manifest or shard or log)
            code = do(
                model, planned, options, jobs, log=opened, counted=counted,
                finish=lambda cells: _write_grid(grid or "", cells, force),
            )  # fmt: skip
    if code:
        raise typer.Exit(code)


def _cell_side(grid: str, count: int, pairs: bool, force: bool) -> int:
    """Pixels of a side of each result on the sheet; what would stop the sheet is said before any work is done."""
    from pathlib import Path

    from zoo.files import refuse_existing
    from zoo.pictures.images import writable_format
    from zoo.pictures.sheets import layout

    path = Path(grid).expanduser()
    writable_format(path)
    refuse_existing(path, force)
    side = _CELL_SIDE if count <= _MANY else _CELL_SIDE // 2
    layout(count, side, side * (2 if pairs else 1), scale=1)
    return side


def _write_grid(grid: str, cells: Sequence[Pixels], force: bool) -> None:
    from pathlib import Path

    import numpy as np

    from zoo.pictures.sheets import write_sheet

    path = Path(grid).expanduser()
    write_sheet(path, np.stack(cells), scale=1, force=force)
    echo(path)


def _does(registry: Registry, task: str, models: Sequence[ModelSpec]) -> str:
    """The model that does a task by default, or how many there are to choose from."""
    chosen = len(models) == 1 or any(task in model.config.default_for for model in models)
    return registry.resolve(task).id if chosen else f"{len(models)} models"


def _list_tasks(registry: Registry) -> None:
    rows = [
        (name, _does(registry, name, models), f"zoo run {name} photo.jpg") for name, models in registry.tasks().items()
    ]
    if not rows:
        note("no model with a task is installed; `zoo plugins` shows what is")
        return
    print_table(("TASK", "MODEL", "EXAMPLE"), rows)
