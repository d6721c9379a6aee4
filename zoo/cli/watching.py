"""`zoo watch`: a model's job on pictures as they arrive in a folder."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.cli import options as opt
from zoo.cli.completion import tasks_and_models
from zoo.cli.console import note, open_registry
from zoo.cli.light import LightTyper

verbs = LightTyper()


@verbs.command("watch", short_help="Do a model's job on pictures as they arrive.")
def watch(
    task: Annotated[str, opt.argument("A task, model, family or dir:PATH.", "TASK", autocompletion=tasks_and_models)],
    folder: Annotated[str, opt.argument("The folder that pictures arrive in.", "FOLDER")],
    out: Annotated[str | None, opt.out("A folder for the results.", "FOLDER")] = None,
    once: Annotated[bool, opt.flag("Do what is there, and end.", "--once")] = False,
    interval: Annotated[float, opt.value("Seconds between two looks.", "SECONDS", min=0.05, max=3600)] = 1.0,
    strength: opt.Strength = None,
    set_: opt.Conditions = None,
    recursive: opt.Recursive = False,
    quality: opt.Quality = 95,
    max_pixels: opt.MaxPixels = 200,
    jobs: opt.Jobs = None,
    log: opt.Log = None,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
) -> None:
    """Do a model's job on pictures as they arrive: zoo watch colorize scans/ -o coloured/

    A picture is taken when two looks find it unchanged, so that one which is still being copied waits. Pictures whose
    result is there are done. One that can't be read is said, and tried again when it changes. Ctrl-C ends it.
    """
    import time
    from pathlib import Path

    from zoo.cli.batches import do, open_log
    from zoo.cli.results import parse_conditions
    from zoo.errors import NotFoundError
    from zoo.jobs.answers import Options
    from zoo.jobs.watching import Arrivals, arrivals
    from zoo.loading import load
    from zoo.stores.remote import is_url

    limit, registry = opt.pixels_of(max_pixels), open_registry()
    if is_url(folder) or not Path(folder).expanduser().is_dir():
        raise NotFoundError(f"{folder} is no folder of this machine: name one to watch")
    model = load(task, backend=backend, device=device, registry=registry)
    model.require("translate")
    model = model.with_conditions(**parse_conditions(set_))
    if strength is not None:
        model.require_strength(strength)
    label = task if task in registry.tasks() else model.config.task or "out"
    options = Options(
        max_pixels=limit, quality=quality, strength=1.0 if strength is None else strength, skip_existing=True
    )
    watched, code = Arrivals(folder, f"{out.rstrip('/')}/" if out else None, label, recursive), 0
    with open_log(log) as opened:
        try:
            if not once:
                note(f"watching {folder}; Ctrl-C ends it")
            for arrived in arrivals(watched, lambda: time.sleep(interval), once):
                code = do(model, arrived, options, jobs, log=opened) or code
        except KeyboardInterrupt:  # how it is meant to end; what was being computed is not written
            note("ended")
    if once and code:  # else each was said in its time
        raise typer.Exit(code)
