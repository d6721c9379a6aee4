"""`zoo run`: a model's job on picture files."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.completion import tasks_and_models
from zoo.cli.console import columns, echo, error, note, open_registry, progress, report

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import ModelSpec
    from zoo.inference.model import Model
    from zoo.jobs.planning import Job
    from zoo.jobs.running import Options


# A result on a contact sheet has this side in pixels, or half of it if there are many.
_CELL_SIDE, _MANY = 256, 200


class Backend(StrEnum):
    """What executes a checkpoint."""

    auto = "auto"
    onnx = "onnx"
    torch = "torch"


BackendOption = Annotated[Backend, typer.Option(help="What executes the model: ONNX Runtime or PyTorch.")]
DeviceOption = Annotated[str, typer.Option(help="Where it runs: auto, cpu, cuda.", metavar="DEVICE")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("run", short_help="Do a model's job on pictures.")(run)


def run(
    task: Annotated[
        str | None,
        typer.Argument(
            help="A task, model, family or dir:PATH; without it, the tasks are listed.",
            metavar="TASK",
            autocompletion=tasks_and_models,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, quoted patterns, or - for standard input.", metavar="PICTURE"),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="A file, a folder, or - for standard output.", metavar="PATH")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace results that exist.")] = False,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Put input and result into one picture.")
    ] = False,
    grid: Annotated[
        str | None, typer.Option(help="Put all results, made smaller, on one sheet as well.", metavar="FILE")
    ] = None,
    from_photo: Annotated[
        bool, typer.Option("--from-photo", help="Give a model of drawings the lines of each picture.")
    ] = False,
    candidates: Annotated[
        int | None,
        typer.Option(
            min=2, max=64, help="Several plausible results of each picture, where a model has them.", metavar="N"
        ),
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="Colours of a colorizer: 0 is gray, 1 as trained, at most 2.", metavar="N")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Tell a model with conditions what is wanted, as label=cat.", metavar="NAME=VALUE"),
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders of folders.")] = False,
    quality: Annotated[
        int, typer.Option(min=1, max=100, help="Quality of JPEG, WebP and AVIF results.", metavar="N")
    ] = 95,
    max_pixels: Annotated[float, typer.Option(help="Refuse pictures of more megapixels.", metavar="N")] = 200,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Pictures worked on at once; else one per core, at most 4.", metavar="N")
    ] = None,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
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
    model = load(task, backend=backend.value, device=device, registry=registry)
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
    cells: list[NDArray[np.uint8]] = []
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
        if grid and cells:
            _write_grid(grid, cells, options.force)
    finally:
        codes = [report(problem) for problem in errors]
    if codes and len(planned) > 1:
        error(f"{len(codes)} of {len(planned)} pictures failed")
    return codes[0] if codes else 0


def _write_grid(grid: str, cells: Sequence[NDArray[np.uint8]], force: bool) -> None:
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
    for line in columns([("TASK", "MODEL", "EXAMPLE"), *rows]):
        echo(line)
