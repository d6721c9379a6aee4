"""`zoo train` and `zoo eval`: both need PyTorch, `pip install 'latent-zoo[train]'`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.completion import models
from zoo.cli.console import columns, echo, note, open_registry, progress
from zoo.cli.running import Backend, BackendOption, DeviceOption

if TYPE_CHECKING:
    from zoo.catalog.spec import Metric


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("train", short_help="Train a model by a recipe.")(train)
    app.command("eval", short_help="Measure a model beside doing nothing.")(eval_)


@contextmanager
def needs_torch(verb: str) -> Iterator[None]:
    """Say what to install where PyTorch and its companions are missing."""
    from zoo.errors import PluginError

    try:
        yield
    except ModuleNotFoundError as problem:
        raise PluginError(f"zoo {verb} needs {problem.name}: pip install 'latent-zoo[train]'") from problem


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A TOML file, or the id of a model that comes with one.", metavar="RECIPE", autocompletion=models
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The run folder; else runs/ID.", metavar="FOLDER")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Other data: pack:NAME or folder:PATH.", metavar="SOURCE")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Other number of epochs.", metavar="N")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe: table.key=value.", metavar="KEY=VALUE")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run was cut off.")] = False,
) -> None:
    """Train a model by a recipe, for example: zoo train colorizer-ae.photos --data folder:photos

    The run folder gets recipe.toml, metrics.jsonl, curves.png, samples, states to resume from, and in the end a
    checkpoint that `zoo run dir:FOLDER/checkpoint` runs.
    """
    registry = open_registry()
    changes = list(set_ or [])
    changes += [f'data.source="{data}"'] if data else []
    changes += [f"train.epochs={epochs}"] if epochs else []
    with needs_torch("train"):
        from zoo.training.recipe import read_recipe
        from zoo.training.train import find_recipe
        from zoo.training.train import train as train_model
    path = find_recipe(recipe, registry)
    chosen = read_recipe(path, tuple(changes))
    folder = out or Path("runs") / chosen.model.id
    with progress(chosen.model.id, 0) as bar:

        def show(step: int, steps: int, logs: Mapping[str, float]) -> None:
            bar.at(step, steps)
            bar.say("  ".join(f"{name} {value:.4g}" for name, value in logs.items() if name.endswith("loss")))

        try:
            train_model(chosen, path.name, folder, registry, resume, show)
        except KeyboardInterrupt:
            note(f"the run is saved in {folder}: the same command with --resume goes on")
            raise
    echo(folder / "checkpoint")


def eval_(
    model: Annotated[str, typer.Argument(help="A model or dir:PATH.", metavar="MODEL", autocompletion=models)],
    data: Annotated[
        str | None, typer.Option(help="Where the pictures are; else its recipe's.", metavar="SOURCE")
    ] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test; else its recipe's.", metavar="SPLIT")] = None,
    size: Annotated[
        int | None, typer.Option(min=8, max=4096, help="Judge at this side; else at the model's own.", metavar="N")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="Draws a picture for the likelihood bounds of a VAE.", metavar="K"),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="Compare samples with pictures in this feature network.", metavar="MODEL", autocompletion=models
        ),
    ] = None,
    samples_n: Annotated[
        int | None, typer.Option(min=2, help="How many samples; else as many as the split has.", metavar="N")
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(help="Change these of every picture, as glasses,smile, or all.", metavar="NAMES"),
    ] = None,
    transitions: Annotated[
        bool, typer.Option("--transitions", help="Go from one picture to another, 100 times.")
    ] = False,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Another model, or its checkpoint's folder, whose samples stand beside.", metavar="MODEL"),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Put the figures into the checkpoint and its card.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Measure a model on held-out pictures, always beside the figures of doing nothing.

    What is measured follows from what the model can do: its job, its reconstructions and latent space, its answers.
    """
    registry = open_registry()
    with needs_torch("eval"):
        from zoo.evaluation.evaluate import Options, evaluate, write_metrics
    options = Options(size, samples, features, samples_n, attributes, transitions, tuple(against or ()))
    with progress(model, 0) as bar:
        found = evaluate(model, registry, data, split, options, backend.value, device, bar.at)
    if write:
        note(f"written to {write_metrics(model, registry, found.metrics)}")
    if json:
        import msgspec

        echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    _print(found.metrics)


def _print(metrics: Sequence[Metric]) -> None:
    """A table of all figures, then each protocol with the figures it is of."""
    for line in columns([("FIGURE", "VALUE", "± STANDARD ERROR", "DOING NOTHING"), *map(_row, metrics)]):
        echo(line)
    for protocol in dict.fromkeys(metric.protocol for metric in metrics):
        group = [metric for metric in metrics if metric.protocol == protocol]
        names = ", ".join(metric.name for metric in group)
        echo(f"\n{names}: {group[0].n} of {group[0].split}; {protocol}")


def _row(metric: Metric) -> tuple[str, str, str, str]:
    spread = f"{metric.stderr:.4f}" if metric.stderr is not None else "-"
    baseline = f"{metric.baseline:.4f}" if metric.baseline is not None else "-"
    return metric.name, f"{metric.value:.4f}", spread, baseline
