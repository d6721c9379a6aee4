"""`zoo train` and `zoo eval`: both need PyTorch, `pip install 'latent-zoo[train]'`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from zoo.cli import options as opt
from zoo.cli.completion import models
from zoo.cli.console import columns, echo, needs_extra, note, open_registry, print_json, progress
from zoo.cli.leaderboard import leaderboard
from zoo.cli.light import LightTyper

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import Metric
    from zoo.recipes.recipe import Recipe, TrainTable


verbs = LightTyper()


@verbs.command("train", short_help="Train a model by a recipe.")
def train(
    recipe: Annotated[
        str, opt.argument("A TOML file, or the id of a model that comes with one.", "RECIPE", autocompletion=models)
    ],
    out: Annotated[Path | None, opt.out("The run folder; else runs/ID.", "FOLDER")] = None,
    data: Annotated[str | None, opt.value("Other data: pack:NAME or folder:PATH.", "SOURCE")] = None,
    id_: Annotated[
        str | None, opt.value("What to call the model; else by the recipe or the data.", "NAME", "--id")
    ] = None,
    epochs: Annotated[int | None, opt.value("Other number of epochs.", "N", min=1)] = None,
    set_: Annotated[list[str] | None, opt.value("Change the recipe: table.key=value.", "KEY=VALUE", "--set")] = None,
    resume: Annotated[bool, opt.flag("Resume a run that was cut off.", "--resume")] = False,
    finish: Annotated[
        bool, opt.flag("Train no further: make the checkpoint of a run that was stopped.", "--finish")
    ] = False,
) -> None:
    """Train a model by a recipe, for example: zoo train colorizer-ae.photos --data folder:photos

    On several processors or GPUs: accelerate launch -m zoo train ...

    The run folder gets recipe.toml, metrics.jsonl, curves.png, samples, states to resume from, and in the end a
    checkpoint that `zoo run dir:FOLDER/checkpoint` runs.
    """
    registry = open_registry()
    changes = list(set_ or [])
    changes += [f"train.epochs={epochs}"] if epochs else []
    with needs_extra("train", "train"):
        from zoo.recipes.recipe import read_recipe
        from zoo.training.loop import no_report
        from zoo.training.own import named
        from zoo.training.train import find_recipe, first_process
        from zoo.training.train import train as train_model
    path = find_recipe(recipe, registry)
    shipped = read_recipe(path)
    chosen = named(read_recipe(path, tuple(changes), data), shipped, id_, registry)
    first = first_process()
    if first and chosen.model.id != shipped.model.id:
        note(
            f"the model is called {chosen.model.id}, its licence is {chosen.model.license}: --id NAME and --set "
            "model.license=LICENCE say otherwise"
        )
    folder = out or Path("runs") / chosen.model.id
    with progress(chosen.model.id, 0) as bar:
        try:
            report = _Epochs(chosen.train, bar) if first else no_report
            train_model(chosen, path.name, folder, registry, resume, report, finish)
        except KeyboardInterrupt:
            note(f"the run is saved in {folder}: the same command with --resume continues it")
            raise
    if not first:
        return
    if chosen.model.expects:
        _write_expects(chosen, f"dir:{folder / 'checkpoint'}", registry)
    echo(folder / "checkpoint")


def _write_expects(recipe: Recipe, name: str, registry: Registry) -> None:
    """Measure what the checkpoint of a run expects; it is whole without."""
    from zoo.errors import ZooError
    from zoo.evaluation import expects

    try:
        expects.write(name, registry, expects.measure(name, registry, recipe))
    except ZooError as error:
        note(f"what the model expects is not measured: {error}")


class _Epochs:
    """What is said of a run: the bar at each step, and a line for each epoch with the figures of its evaluation."""

    def __init__(self, table: TrainTable, bar: Any) -> None:
        self.table, self.bar = table, bar
        self.sums: Counter[str] = Counter()
        self.waiting = ""

    def __call__(self, step: int, steps: int, row: Mapping[str, Any]) -> None:
        """Take one report of the training loop."""
        if "precision" in row:
            self.bar.line(f"precision: {row['precision']}")
        elif "evaluated" in row:
            figures = {name: value for name, value in row.items() if name not in {"step", "epoch", "evaluated"}}
            self.bar.line(_joined(self.waiting or self._epoch(row["epoch"], step), figures))
            self.waiting = ""
        else:
            self.bar.at(step, steps)
            self.bar.say(_joined("", _losses(row)))
            self.sums.update({**row, "steps": 1})
            if step % (steps // self.table.epochs) == 0:
                self._end(row["epoch"] + 1, step)

    def _end(self, epoch: int, step: int) -> None:
        means = {name: total / self.sums["steps"] for name, total in _losses(self.sums).items()}
        rate = self.sums["examples"] / max(self.sums["seconds"], 1e-9)
        self.waiting = f"{_joined(self._epoch(epoch, step), means)}  {rate:.1f} examples/s"
        self.sums.clear()
        if epoch % self.table.eval_epochs and epoch != self.table.epochs:  # else its evaluation comes next
            self.bar.line(self.waiting)
            self.waiting = ""

    def _epoch(self, epoch: float, step: int) -> str:
        return f"epoch {epoch:g}/{self.table.epochs}  step {step}"


def _losses(row: Mapping[str, Any]) -> dict[str, Any]:
    """The losses of a step by name; `model`, the name of a single name, is left out."""
    return {name.removeprefix("model."): value for name, value in row.items() if name.endswith(".loss")}


def _joined(start: str, figures: Mapping[str, float]) -> str:
    return "  ".join([*([start] if start else []), *(f"{name} {value:.4g}" for name, value in figures.items())])


@verbs.command("eval", short_help="Measure a model beside a baseline.")
def eval_(
    model: Annotated[str | None, opt.argument("A model or dir:PATH.", "MODEL", autocompletion=models)] = None,
    all_: Annotated[
        bool, opt.flag("Instead of one model: the figures on the cards of all, beside each other.", "--all")
    ] = False,
    task: Annotated[str | None, opt.value("With --all: only models of this task.", "TASK")] = None,
    rerun: Annotated[
        bool, opt.flag("With --all: compute the figures anew, as each card's command says.", "--rerun")
    ] = False,
    data: Annotated[str | None, opt.value("Where the pictures are; else its recipe's.", "SOURCE")] = None,
    split: Annotated[str | None, opt.value("train, val or test; else its recipe's.", "SPLIT")] = None,
    size: Annotated[
        int | None, opt.value("Evaluate at this side; else at the model's own.", "N", min=8, max=4096)
    ] = None,
    samples: Annotated[
        int | None, opt.value("Draws a picture for the likelihood bounds of a VAE.", "K", min=1, max=100_000)
    ] = None,
    features: Annotated[
        str | None,
        opt.value(
            "Compare results with pictures in a feature network: MODEL, imagenet:SOURCE or inception:FILE.",
            "NETWORK",
            autocompletion=models,
        ),
    ] = None,
    samples_n: Annotated[int | None, opt.value("How many samples; else as many as the split has.", "N", min=2)] = None,
    attributes: Annotated[
        str | None, opt.value("Change these of every picture, as glasses,smile, or all.", "NAMES")
    ] = None,
    transitions: Annotated[bool, opt.flag("Go from one picture to another, 100 times.", "--transitions")] = False,
    expects: Annotated[
        bool, opt.flag("Only measure by which limits pictures of another kind are told from its own.", "--expects")
    ] = False,
    others: Annotated[
        list[str] | None, opt.value("With --expects: pictures of another kind, to try the limits on.", "SOURCE")
    ] = None,
    against: Annotated[
        list[str] | None, opt.value("Another model, or its checkpoint's folder, whose figures stand beside.", "MODEL")
    ] = None,
    write: Annotated[bool, opt.flag("Put the figures into the checkpoint and its card.", "--write")] = False,
    json: opt.Json = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
) -> None:
    """Measure a model on held-out pictures, always beside the figures of a baseline.

    What is measured follows from what the model can do: its job, its reconstructions and latent space, its answers.
    With --all, installed models stand beside each other, by task and by the pictures they were measured on: figures of
    other pictures can't be compared.
    """
    from zoo.errors import UsageError

    if all_ == (model is not None) or ((task or rerun) and not all_):
        raise UsageError("name a model, or give --all, which --task and --rerun go with")
    if model is None:
        leaderboard(task, json, rerun, backend, device)
        return
    registry = open_registry()
    if expects:
        _expects(model, registry, others or (), write, json, backend, device)
        return
    with needs_extra("eval", "train"):
        from zoo.evaluation.evaluate import evaluate, write_metrics
        from zoo.evaluation.options import Options
    options = Options(size, samples, features, samples_n, attributes, transitions, tuple(against or ()))
    with progress(model, 0) as bar:
        found = evaluate(model, registry, data, split, options, backend, device, bar.at)
    for text in found.notes:
        note(text)
    if write:
        note(f"written to {write_metrics(model, registry, found.metrics)}")
    if json:
        print_json(found)
        return
    _print(found.metrics)


def _expects(
    model: str, registry: Registry, others: Sequence[str], write: bool, json: bool, backend: str, device: str
) -> None:
    """Measure which pictures a model expects, and how often the limits note its own and those of other sources."""
    with needs_extra("eval", "train"):
        from zoo.evaluation import expects
        from zoo.evaluation.evaluate import recipe_of
        from zoo.loading import find_checkpoint
    recipe = recipe_of(find_checkpoint(model, registry).config, registry)
    with progress(model, 0) as bar:
        found = expects.measure(model, registry, recipe, others, backend, device, bar.at)
    if write:
        note(f"written to {expects.write(model, registry, found)}")
    if json:
        from zoo.catalog.expects import format_expects

        echo(format_expects(found).decode(), end="")
        return
    limits = found.limits
    echo(f"expects {found.words}" + ("" if limits else "; no limits: the model has no reconstruction to go by"))
    if limits:
        names = [(name, f"{getattr(limits, name):.4g}") for name in limits.__struct_fields__]
        echo("\n".join(["", *columns([("FIGURE", "LIMIT"), *names]), ""]))
        rows = [(f"{part.share:.1%}", f"{part.n:,}", part.pictures) for part in found.noted]
        echo("\n".join(columns([("NOTED", "OF", "PICTURES"), *rows])))


def _print(metrics: Sequence[Metric]) -> None:
    """A table of all figures, one of the sets they are also of, then each protocol with the figures it is of."""
    from zoo.checkpoints.tables import figure_of, figure_table, is_of_set, set_table

    sets = [metric for metric in metrics if is_of_set(metric)]
    tables = [figure_table([metric for metric in metrics if metric not in sets], places=4)]
    tables += [set_table(sets)] if sets else []
    for head, *rows in tables:
        echo("\n".join(columns([tuple(name.upper() for name in head), *rows])) + "\n")
    paragraphs = []
    for protocol in dict.fromkeys(metric.protocol for metric in metrics):
        group = [metric for metric in metrics if metric.protocol == protocol]
        names = ", ".join(dict.fromkeys(map(figure_of, group)))
        count = "by set" if is_of_set(group[0]) else f"{group[0].n} of {group[0].split}"
        paragraphs.append(f"{names}: {count}; {protocol}")
    echo("\n\n".join(paragraphs))
