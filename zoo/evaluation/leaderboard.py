"""Models of a task beside each other: tables of the figures on their cards, one for each set of pictures."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from zoo.catalog.interface import Interface
from zoo.catalog.spec import CheckpointConfig, Metric
from zoo.checkpoints.cards import data_set
from zoo.checkpoints.tables import is_overall
from zoo.evaluation.options import Options

# The figures that are compared, in the order of their columns, and whether more is better; others are on the cards.
FIGURES = {
    "psnr_gain": True,
    "psnr": True,
    "ssim": True,
    "gaining": True,
    "l1": False,
    "patch_frechet": False,
    "frechet": False,
    "precision": True,
    "recall": True,
    "diversity": True,
    "elbo_bernoulli": True,
    "accuracy": True,
}
NOTHING = "not evaluated"


@dataclass(frozen=True)
class Board:
    """Models of one task measured on one set of pictures, the best by the first figure before the others.

    Models without figures have a board of their own, with `pictures` "".
    """

    task: str
    pictures: str
    figures: tuple[str, ...]
    models: tuple[CheckpointConfig, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """A row of heads, and one for each model: a figure with its standard error, and the baseline in brackets."""
        marks = (f"{name.replace('_', ' ')} {'↑' if FIGURES.get(name, True) else '↓'}" for name in self.figures)
        rows = [("model", "parameters", "MB", *(marks if self.pictures else (NOTHING,)), "pictures")]
        for config in self.models:
            found = {metric.name: metric for metric in config.metrics}
            cells = [_cell(found.get(name)) for name in self.figures] or [""]
            count = max((found[name].n for name in self.figures if name in found), default=0)
            size = f"{config.weights.bytes / 1e6:.1f}"
            rows.append((config.id, f"{config.weights.parameters:,}", size, *cells, f"{count:,}" if count else "-"))
        return rows


def task_of(config: CheckpointConfig) -> str:
    """A model's task; of one without, `generate` or else the first thing that it can do."""
    can = config.can()
    return config.task or ("generate" if "generate" in can else can[0])


def boards(configs: Sequence[CheckpointConfig], task: str | None = None) -> list[Board]:
    """The boards of models, by task and by the pictures that they were measured on."""
    groups: dict[tuple[str, str], list[CheckpointConfig]] = {}
    for config in configs:
        if task in (None, task_of(config)):
            groups.setdefault((task_of(config), pictures_of(config)), []).append(config)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], not item[0][1], item[0][1]))
    return [_board(*place, models) for place, models in ordered]


def pictures_of(config: CheckpointConfig) -> str:
    """The source and split that a model's figures are of, and at which size, "" for one without figures."""
    first = next(filter(is_overall, config.metrics), None)
    if first is None:
        return ""
    size = _size(config.interface)
    at = f", at {size[1]}x{size[0]}" if size else ""
    return f"{data_set(config, first)[0]}, split {first.split}{at}"


def _size(interface: Interface) -> tuple[int, int] | None:
    """(height, width) at which a model is measured; None for that of each picture."""
    if "decode" in interface.roles:
        return interface.gives("decode").size
    if "translate" in interface.roles:
        return interface.takes("translate").size if interface.fit("translate").own_size else None
    return interface.takes("encode").size


def asked_by(command: str) -> tuple[str | None, str | None, Options]:
    """Source, split and options of the command that is on a card, as far as the figures of a board depend on them."""
    words = shlex.split(command)
    given = {name.removeprefix("--"): value for name, value in pairwise(words) if name.startswith("--")}
    numbers = {name: int(given[name]) if name in given else None for name in ("size", "samples", "samples-n")}
    options = Options(numbers["size"], numbers["samples"], given.get("features"), numbers["samples-n"])
    return given.get("data"), given.get("split"), options


def markdown(found: Sequence[Board]) -> str:
    """The boards as tables of a document."""
    parts = []
    for board in found:
        head, *rows = board.rows()
        lines = [head, ("---",) * len(head), *((f"`{row[0]}`", *row[1:]) for row in rows)]
        parts += [title(board), "\n".join(f"| {' | '.join(cells)} |" for cells in lines)]
    return "\n\n".join(parts) + "\n"


def title(board: Board) -> str:
    """The head of a board."""
    return f"## {board.task}: {board.pictures or NOTHING}"


def _board(task: str, pictures: str, models: Sequence[CheckpointConfig]) -> Board:
    names = {metric.name for config in models for metric in filter(is_overall, config.metrics)}
    figures = tuple(name for name in FIGURES if name in names)
    if names and not figures:  # of another family's own figures, the first ones
        figures = tuple(dict.fromkeys(metric.name for config in models for metric in config.metrics))[:4]

    def place(config: CheckpointConfig) -> tuple[bool, float, str]:
        value = next((metric.value for metric in config.metrics if metric.name in figures[:1]), None)
        sign = -1 if FIGURES.get(figures[0] if figures else "", True) else 1
        return value is None, sign * (value or 0.0), config.id

    return Board(task, pictures, figures, tuple(sorted(models, key=place)))


def _cell(metric: Metric | None) -> str:
    if metric is None:
        return "-"
    spread = f" ± {metric.stderr:.2g}" if metric.stderr else ""
    baseline = f" ({metric.baseline:.4g})" if metric.baseline is not None else ""
    return f"{metric.value:.4g}{spread}{baseline}"
