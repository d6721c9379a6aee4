"""What all plots share: a figure without global state, colours and markers that read in gray, and a file in the end.

The colours are Paul Tol's `bright` and `muted` schemes (https://personal.sron.nl/~pault/), told apart by people with
any kind of colour vision; the markers tell the same thing in gray.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from zoo.pictures.images import Picture, write_picture

DPI = 200
INK, FAINT = "0.1", "0.75"
COLORS = (
    "#332288", "#CC6677", "#117733", "#DDAA33", "#66CCEE", "#AA3377", "#44AA99", "#994455", "#999933", "#555555",
)  # fmt: skip
MARKERS = "os^DvPX<>*phHd8"


def new_figure(width: float = 8.0, height: float = 6.0) -> Figure:
    """An empty figure of this many inches; what comes into it is laid out so that nothing is cut off."""
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    return Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")


def write_figure(path: str | os.PathLike[str], figure: Figure, *, force: bool = False) -> None:
    """Write a figure as a picture in the format of the suffix; raises as `write_picture` does."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    write_picture(path, Picture(pixels, dpi=(figure.dpi, figure.dpi)), force=force)


def headline(figure: Figure, title: str, remark: str = "") -> None:
    """A title and, smaller, what it was made of."""
    figure.suptitle(title, fontsize=14, fontweight="bold", color=INK)
    if remark:
        figure.supxlabel(remark, fontsize=9, color="0.35")


def plain(axis: Any, grid: bool = True) -> None:
    """Ink for what matters only: two spines, a faint grid behind."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color("0.4")
    axis.tick_params(labelsize=9, colors="0.25")
    axis.set_axisbelow(True)
    if grid:
        axis.grid(color="0.9", linewidth=0.7)


def style_of(position: int, name: str) -> dict[str, Any]:
    """Colour and marker of a class: the name itself where it is one letter or digit, else a shape."""
    marker = f"${name}$" if len(name) == 1 and name.isalnum() else MARKERS[position % len(MARKERS)]
    return {"color": COLORS[position % len(COLORS)], "marker": marker}


def in_order(names: Sequence[str]) -> list[str]:
    """Names sorted as numbers where all are, else as text."""
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)
