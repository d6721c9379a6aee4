"""`zoo run`: a model's job on picture files."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.console import columns, error, note, open_registry, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.catalog.registry import Registry
    from zoo.inference.jobs import Job
    from zoo.inference.model import Model
    from zoo.inference.pipeline import Options


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
        str | None, typer.Argument(help="A task, model, family, or dir:PATH. None: list the tasks.", show_default=False)
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(help="Pictures, folders, quoted patterns, or - for standard input.", show_default=False),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="A file, a folder, or - for standard output.", metavar="OUT")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace results that exist.")] = False,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Put input and result into one picture.")
    ] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders of folders.")] = False,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG and WebP results.")] = 95,
    max_pixels: Annotated[
        float | None, typer.Option(min=1, help="Refuse larger pictures, in megapixels.", show_default="200")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Pictures worked on at once.", show_default="one per core, at most 4")
    ] = None,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Do a model's job on pictures, for example: zoo run colorize photo.jpg

    The result lies beside its input as NAME.TASK.EXT, or where -o says. An input is never overwritten, a result only
    with --force. In a folder, files that can't be read are named and the others go on.
    """
    registry = open_registry()
    if task is None:
        _list_tasks(registry)
        return
    from zoo.errors import UsageError
    from zoo.inference.images import DEFAULT_MAX_PIXELS
    from zoo.inference.jobs import plan
    from zoo.inference.pipeline import Options
    from zoo.loading import load

    if not inputs:
        raise UsageError(f"name a picture or folder: zoo run {task} photo.jpg")
    model = load(task, backend=backend.value, device=device, registry=registry)
    label = task if task in registry.tasks() else model.config.task or "out"
    planned = plan(inputs, out or ("-" if inputs == ["-"] else None), label, recursive)
    limit = int(max_pixels * 1e6) if max_pixels else DEFAULT_MAX_PIXELS
    options = Options(force=force, side_by_side=side_by_side, max_pixels=limit, quality=quality)
    code = _run(model, planned, options, jobs)
    if code:
        raise typer.Exit(code)


def _run(model: Model, planned: Sequence[Job], options: Options, workers: int | None) -> int:
    from zoo.cli.app import report
    from zoo.inference.pipeline import run_jobs

    model.require("translate")
    codes = []
    with progress(model.id, len(planned)) as bar:
        for outcome in run_jobs(model, planned, options, workers):
            bar.advance()
            for text in outcome.notes:
                note(f"{outcome.job.name}: {text}")
            if outcome.error:
                codes.append(report(outcome.error))
            elif outcome.job.target:
                print(outcome.job.target, flush=True)
    if codes and len(planned) > 1:
        error(f"{len(codes)} of {len(planned)} pictures failed, see above")
    return codes[0] if codes else 0


def _list_tasks(registry: Registry) -> None:
    rows = [
        (name, registry.resolve(name).id if len(models) == 1 else f"{len(models)} models", f"zoo run {name} photo.jpg")
        for name, models in registry.tasks().items()
    ]
    if not rows:
        print("no model with a task is installed; `zoo plugins` shows what is", file=sys.stderr)
        return
    for line in columns([("TASK", "MODEL", "EXAMPLE"), *rows]):
        print(line)
