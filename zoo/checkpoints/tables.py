"""Figures laid out as tables of text, for the card and for the terminal.

The name of a figure may say of what it is: `psnr_gain_in_flowers` is of one set of the pictures, `psnr_gain_by_other`
is another model's. The first become a table with a row for each set, the second a column beside the model's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from zoo.catalog.spec import Metric

Rows = list[tuple[str, ...]]

_IN, _BY = "_in_", "_by_"
# A name has 64 characters; as many as this are left to what a figure is of.
_PART = 40
# Decimals in the table of sets, whose cells hold the standard error as well.
_PLACES = 2


def name_in(figure: str, part: str) -> str:
    """The name of a figure in one set of the pictures."""
    return f"{figure}{_IN}{slug(part)}"


def name_by(figure: str, model: str) -> str:
    """The name of another model's figure."""
    return f"{figure}{_BY}{slug(model)}"


def slug(text: str) -> str:
    """A set's or model's name as it is in a figure's: lower case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_PART].rstrip("_")


def is_of_set(metric: Metric) -> bool:
    """Whether a figure is of one set of the pictures only."""
    return _IN in metric.name


def is_overall(metric: Metric) -> bool:
    """Whether a figure is the model's own, and of all pictures."""
    return _IN not in metric.name and _BY not in metric.name


def figure_of(metric: Metric) -> str:
    """The figure's name, without the set or the model that it is of."""
    return metric.name.partition(_IN)[0].partition(_BY)[0]


def figure_table(metrics: Sequence[Metric], places: int) -> Rows:
    """A row for each figure below a row of heads; what other models have of it is in columns of their own."""
    names = {metric.name for metric in metrics}
    beside = {metric.name: metric for metric in metrics if metric.name.partition(_BY)[0] in names - {metric.name}}
    others = list(dict.fromkeys(name.partition(_BY)[2] for name in beside))
    rows: Rows = [("figure", "value", "standard error", "baseline", *(_id(other, metrics) for other in others))]
    for metric in metrics:
        if metric.name in beside:
            continue
        theirs = (beside.get(f"{metric.name}{_BY}{other}") for other in others)
        numbers = (metric.value, metric.stderr, metric.baseline, *(each.value if each else None for each in theirs))
        rows.append((metric.name, *("-" if number is None else f"{number:.{places}f}" for number in numbers)))
    return rows


def set_table(metrics: Sequence[Metric]) -> Rows:
    """A row for each set below a row of heads: its figures with their standard errors, and how many pictures it has."""
    cells: dict[str, dict[str, str]] = {}
    for metric in metrics:
        figure, _, part = metric.name.partition(_IN)
        spread = "" if metric.stderr is None else f" ± {metric.stderr:.{_PLACES}f}"
        row = cells.setdefault(part, {"pictures": f"{metric.n:,}"})
        row[figure] = f"{metric.value:.{_PLACES}f}{spread}"
    figures = list(dict.fromkeys(figure for row in cells.values() for figure in row))
    return [("set", *figures), *((part, *(row.get(figure, "-") for figure in figures)) for part, row in cells.items())]


def _id(part: str, metrics: Sequence[Metric]) -> str:
    """The model's id, if the command names it so."""
    words = metrics[0].command.split()
    return next((word for word in words if slug(word) == part), part)
