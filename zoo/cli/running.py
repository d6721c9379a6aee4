"""`zoo run`: a model's job on picture files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import options as opt
from zoo.cli.completion import tasks_and_models
from zoo.cli.console import echo, error, note, open_registry, print_table, progress, report
from zoo.cli.light import LightTyper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.arrays import Pixels
    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import ModelSpec
    from zoo.inference.model import Model
    from zoo.jobs.planning import Job
    from zoo.jobs.running import Options


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
    strength: Annotated[
        float | None, opt.value("Colours of a colorizer: 0 is gray, 1 as trained, at most 2.", "N")
    ] = None,
    set_: opt.Conditions = None,
    recursive: opt.Recursive = False,
    quality: Annotated[int, opt.value("Quality of JPEG, WebP and AVIF results.", "N", min=1, max=100)] = 95,
    max_pixels: Annotated[float, opt.value("Refuse pictures of more megapixels.", "N")] = 200,
    jobs: Annotated[
        int | None, opt.value("Pictures worked on at once; else one per core, at most 4.", "N", min=1)
    ] = None,
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
    from zoo.cli.results import parse_conditions
    from zoo.errors import UsageError
    from zoo.jobs.planning import plan, with_candidates
    from zoo.jobs.running import Options
    from zoo.loading import load

    if not inputs:
        raise UsageError(f"name a picture or a folder: zoo run {task} photo.jpg")
    if not 0 < max_pixels <= 1e6:
        raise UsageError(f"--max-pixels takes megapixels, above 0 and at most a million, not {max_pixels:g}")
    model = load(task, backend=backend, device=device, registry=registry)
    model.require("translate")
    model = model.with_conditions(**parse_conditions(set_))
    label = task if task in registry.tasks() else model.config.task or "out"
    if from_photo and not model.interface.fit("translate").of_drawings:
        raise UsageError(f"--from-photo is for models that are given drawings; {model.id} is given pictures")
    if strength is not None:
        model.require_strength(strength)
    planned = plan(inputs, out or ("-" if inputs == ["-"] else None), label, recursive, grid)
    if candidates:
        model.require_candidates()
        planned = with_candidates(planned, candidates, label)
    cell = _cell_side(grid, len(planned), side_by_side, force) if grid else None
    limit = int(max_pixels * 1e6)
    factor = 1.0 if strength is None else strength
    options = Options(force, side_by_side, from_photo, cell, max_pixels=limit, quality=quality, strength=factor)
    code = _run(model, planned, options, jobs, grid)
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


def _run(model: Model, planned: Sequence[Job], options: Options, workers: int | None, grid: str | None = None) -> int:
    """Do the jobs and say what became of them: results as they come, errors in the end; the first one's exit code."""
    from zoo.jobs.running import run_jobs

    errors: list[Exception] = []
    cells: list[Pixels] = []
    unlike: list[str] = []
    try:
        with progress(model.id, len(planned)) as bar:
            for outcome in run_jobs(model, planned, options, workers):
                bar.advance()
                for text in outcome.notes:
                    note(f"{outcome.job.name}: {text}")
                if isinstance(outcome.error, BrokenPipeError):
                    raise outcome.error
                if outcome.error:
                    errors.append(outcome.error)
                elif outcome.job.target:
                    echo(outcome.job.target)
                if outcome.cell is not None:
                    cells.append(outcome.cell)
                if outcome.unlike:
                    unlike.append(outcome.job.name)
        if grid and cells:
            _write_grid(grid, cells, options.force)
    finally:
        note_unlike(model, unlike, len(planned))
        codes = [report(problem) for problem in errors]
    if codes and len(planned) > 1:
        error(f"{len(codes)} of {len(planned)} pictures failed")
    return codes[0] if codes else 0


def note_unlike(model: Model, names: Sequence[str], count: int) -> None:
    """Say once that pictures, of `count`, are of another kind than those that the model was trained on."""
    if names and model.expects:
        note(model.expects.remark(model.id, tuple(names), count))


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
