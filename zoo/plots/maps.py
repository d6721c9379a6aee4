"""Maps of a latent space: scatter by label, pictures as points, and the grid of decoded points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from zoo.arrays import Pixels
from zoo.plots.figures import FAINT, INK, headline, in_order, new_figure, plain, style_of

MAX_CLASSES = 12
OTHER = "other"
# Within this radius lie 95 % of a standard normal in two dimensions: sqrt(-2 ln 0.05).
PRIOR_RADIUS = float(np.sqrt(-2 * np.log(0.05)))

Points = NDArray[np.floating[Any]]


def scatter(
    points: Points,
    axes: tuple[str, str],
    title: str,
    remark: str = "",
    labels: Sequence[str] | None = None,
    label: str = "label",
    prior: bool = False,
) -> Figure:
    """Points (N, 2) by the classes or numbers in `labels`, a column called `label`; plain dots without.

    Up to 12 classes have a colour and a marker each, the rarer of more become "other"; more than 12 different numbers
    are a scale from dark to light. `prior` draws the circle that holds 95 % of a standard normal.
    """
    low, high = _frame(points)
    figure = new_figure(*_around((high - low)[1] / (high - low)[0], 8.6, 2.2 if labels is not None or prior else 0.9))
    axis = figure.add_subplot()
    plain(axis)
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    size = float(np.clip(30_000 / len(points), 6, 40))
    if labels is None:
        axis.scatter(points[:, 0], points[:, 1], s=size, color=INK, alpha=0.5, linewidths=0)
    elif _is_scale(labels):
        values = np.array(labels, np.float64)
        drawn = axis.scatter(points[:, 0], points[:, 1], s=size, c=values, cmap="cividis", linewidths=0)
        figure.colorbar(drawn, ax=axis, shrink=0.8, pad=0.02).set_label(label, fontsize=11)
    else:
        _classes(axis, points, labels, size)
    if prior:
        turn = np.linspace(0, 2 * np.pi, 200)
        circle = PRIOR_RADIUS * np.cos(turn), PRIOR_RADIUS * np.sin(turn)
        axis.plot(*circle, linestyle="--", linewidth=1.2, color="0.3", label="95 % of\nthe prior")
    if axis.get_legend_handles_labels()[0]:
        kind = label if labels is not None and not _is_scale(labels) else None
        axis.legend(title=kind, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return _titled(figure, axis, axes, title, remark)


def thumbnails(
    points: Points,
    picked: NDArray[np.int64],
    centers: Points,
    pictures: Sequence[Pixels],
    axes: tuple[str, str],
    title: str,
    remark: str = "",
) -> Figure:
    """Pictures (C, H, W) as points of a map: `picked` of the points (N, 2), each drawn in its cell of a grid.

    `pick_cells` gives `picked` and the cells' `centers`.
    """
    side = _cell_side(centers)
    low, high = centers.min(axis=0) - side * 0.7, centers.max(axis=0) + side * 0.7
    figure = new_figure(*_around((high - low)[1] / (high - low)[0], 9.0, 0.9))
    axis = figure.add_subplot()
    plain(axis, grid=False)
    axis.scatter(points[:, 0], points[:, 1], s=4, color=FAINT, linewidths=0)
    for picture, (x, y) in zip(pictures, centers, strict=True):
        tile = _thumbnail(picture, 96)
        height, width = (0.47 * side * length / max(tile.shape[:2]) for length in tile.shape[:2])
        axis.imshow(tile, extent=(x - width, x + width, y - height, y + height), zorder=2, interpolation="antialiased")
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    return _titled(figure, axis, axes, title, remark or f"{len(picked)} of {len(points)} pictures, each near its place")


def pick_cells(points: Points, across: int = 18) -> tuple[NDArray[np.int64], Points]:
    """The point nearest to the middle of each square cell of a grid, and those cells' centres (K, 2).

    The grid spans the middle 98 % of the points along its longer side with `across` cells.
    """
    low, high = np.quantile(points, (0.01, 0.99), axis=0)
    side = float((high - low).max()) / across or 1.0
    cells = np.floor((points - low) / side).astype(np.int64)
    centers = low + (cells + 0.5) * side
    order = np.argsort(np.linalg.norm(points - centers, axis=1), kind="stable")
    inside = order[(np.abs(points - (low + high) / 2) <= (high - low) / 2 + side).all(axis=1)[order]]
    _, first = np.unique(cells[inside], axis=0, return_index=True)
    picked = inside[np.sort(first)]
    return picked, centers[picked]


def decoded_grid(
    pictures: NDArray[np.floating[Any]],
    ticks: Points,
    axes: tuple[str, str],
    title: str,
    remark: str = "",
) -> Figure:
    """Decoded pictures (n * n, C, H, W) in [0, 1] of the points of a grid, by rows from the top left.

    `ticks` (2, n) are the latents' values along both axes, ascending, as `projection.grid_points` gives them.
    """
    n = ticks.shape[1]
    _, channels, height, width = pictures.shape
    gap = max(1, height // 32)
    sheet = np.ones((n * (height + gap) - gap, n * (width + gap) - gap, channels), np.float32)
    for position, picture in enumerate(pictures):
        top, left = (position // n) * (height + gap), (position % n) * (width + gap)
        sheet[top : top + height, left : left + width] = picture.transpose(1, 2, 0)
    figure = new_figure(*_around(sheet.shape[0] / sheet.shape[1], 8.0, 0.95))
    axis = figure.add_subplot()
    axis.imshow(sheet.repeat(3 // channels, axis=2).clip(0, 1), interpolation="antialiased")
    shown = np.unique(np.linspace(0, n - 1, min(n, 9)).round().astype(int))
    axis.set_xticks(shown * (width + gap) + width / 2, [f"{ticks[0, k]:.2f}" for k in shown])
    axis.set_yticks((n - 1 - shown) * (height + gap) + height / 2, [f"{ticks[1, k]:.2f}" for k in shown])
    axis.spines[:].set_visible(False)
    axis.tick_params(labelsize=9, colors="0.25", length=3)
    return _titled(figure, axis, axes, title, remark)


def _classes(axis: Any, points: Points, labels: Sequence[str], size: float) -> None:
    """A colour and a marker for each class."""
    common = [name for name, _ in Counter(labels).most_common()]
    kept = common if len(common) <= MAX_CLASSES else common[: MAX_CLASSES - 1]
    array = np.array(labels)
    rest = ~np.isin(array, kept)
    for position, name in enumerate(in_order(kept)):
        style = style_of(position, name)
        glyph = style["marker"].startswith("$")
        chosen = points[array == name]
        axis.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=size * (2.2 if glyph else 1.2),
            linewidths=0,
            alpha=0.85,
            label=name or "-",
            **style,
        )
    if rest.any():  # last in the legend, but behind the others
        axis.scatter(points[rest, 0], points[rest, 1], s=size * 0.6, color=FAINT, linewidths=0, label=OTHER, zorder=0.9)


def _is_scale(labels: Sequence[str]) -> bool:
    """Whether labels are numbers, too many different ones to be classes."""
    try:
        return len({float(text) for text in labels}) > MAX_CLASSES
    except ValueError:
        return False


def _frame(points: Points) -> tuple[Points, Points]:
    """Corners around all but the farthest one in a thousand points, no longer than twice as wide, or as high."""
    low, high = np.quantile(points, (0.0005, 0.9995), axis=0)
    half, middle = (high - low) / 2, (high + low) / 2
    half = np.maximum(half, half.max() / 2) + 0.05 * half.max()
    half = half if half.max() > 0 else np.ones(2)
    return middle - half, middle + half


def _around(ratio: float, width: float, beside: float) -> tuple[float, float]:
    """The size of a figure, in inches, whose axes have this height for their width: titles and names come on top."""
    return width, (width - beside) * ratio + 1.35


def _titled(figure: Figure, axis: Any, axes: tuple[str, str], title: str, remark: str) -> Figure:
    axis.set_xlabel(axes[0], fontsize=11, color=INK)
    axis.set_ylabel(axes[1], fontsize=11, color=INK)
    headline(figure, title, remark)
    return figure


def _cell_side(centers: Points) -> float:
    """The side of a cell: the smallest distance between two different columns or rows of centres."""
    steps = [np.diff(np.unique(column.round(9))) for column in centers.T]
    found = [float(step.min()) for step in steps if len(step)]
    return min(found) if found else 1.0


def _thumbnail(picture: Pixels, side: int) -> Pixels:
    """(H, W, 3), at most `side` pixels a side."""
    image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0).repeat(3 // len(picture), axis=2)))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)
