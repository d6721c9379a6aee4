"""Plots: what they show, that nothing is cut off, and that they read in gray."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from zoo.errors import UsageError
from zoo.plots.figures import COLORS, MARKERS, new_figure, style_of, write_figure
from zoo.plots.maps import decoded_grid, pick_cells, scatter, thumbnails
from zoo.plots.posteriors import kl_bars, kl_divergence, prior_histograms

RNG = np.random.default_rng(0)
AXES = ("z[0]", "principal component 2 (12.6 % of the variance)")
TITLE, REMARK = "Latent space of conv-vae.some-rather-long-name", "3,000 pictures of pack:faces, split test"
POINTS = RNG.standard_normal((300, 2)) * [4, 1]


def grid(channels: int) -> Figure:
    ticks = np.sort(RNG.standard_normal((2, 5)))
    return decoded_grid(RNG.random((25, channels, 6, 8)), ticks, AXES, TITLE, REMARK)


def places() -> Figure:
    picked, centers = pick_cells(POINTS, 8)
    pictures = [RNG.integers(0, 256, (1 + 2 * (k % 2), 8, 6 + k % 5), np.uint8) for k in range(len(picked))]
    return thumbnails(POINTS, picked, centers, pictures, AXES, TITLE, REMARK)


FIGURES = {
    "plain": lambda: scatter(POINTS, AXES, TITLE, REMARK),
    "digits": lambda: scatter(POINTS, AXES, TITLE, REMARK, [str(k % 10) for k in range(300)], "label", prior=True),
    "texts": lambda: scatter(POINTS, AXES, TITLE, REMARK, [f"dark_brown_{k % 30}" for k in range(300)], "hair_color"),
    "numbers": lambda: scatter(POINTS, AXES, TITLE, REMARK, [str(k / 300) for k in range(300)], "age"),
    "a point": lambda: scatter(np.zeros((5, 2)), AXES, TITLE, REMARK, ["", "a", "b", "a", "a"]),
    "thumbnails": places,
    "gray grid": lambda: grid(1),
    "colour grid": lambda: grid(3),
    "prior of 2": lambda: prior_histograms(POINTS, np.arange(2), TITLE, REMARK),
    "prior of 5": lambda: prior_histograms(RNG.standard_normal((99, 5)), np.arange(5), TITLE, REMARK),
    "kl of 2": lambda: kl_bars(RNG.random((99, 2)), TITLE, REMARK),
    "kl of 61": lambda: kl_bars(RNG.random((61, 61)) * np.arange(61), TITLE, REMARK),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_plot_names_its_axes_and_cuts_nothing_off(name: str, caplog: pytest.LogCaptureFixture) -> None:
    figure = FIGURES[name]()
    figure.set_dpi(72)  # what fits at one density fits at all; this one is quick
    canvas: Any = FigureCanvasAgg(figure)
    with caplog.at_level(logging.WARNING):
        canvas.draw()
    assert caplog.records == []
    width, height = figure.bbox.size
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    assert {TITLE, REMARK} <= {text.get_text() for text in texts}
    for text in texts:
        box = text.get_window_extent()
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        ticks = any(text in [*axis.get_xticklabels(), *axis.get_yticklabels()] for axis in figure.axes)
        assert inside or ticks, text.get_text()  # matplotlib keeps labels of ticks outside the axes, undrawn
    for axis in figure.axes:
        assert not axis.get_visible() or axis.get_ylabel() or name.startswith("prior")
    assert np.asarray(canvas.buffer_rgba()).std() > 10


def test_every_class_has_its_own_marker() -> None:
    assert len({style_of(k, f"class {k}")["marker"] for k in range(12)}) == 12
    assert {style_of(k, str(k))["marker"] for k in range(10)} == {f"${k}$" for k in range(10)}
    assert len(set(COLORS)) == len(COLORS)
    assert len(set(MARKERS)) == len(MARKERS)


def test_the_legend_names_the_classes_and_folds_the_rare_ones() -> None:
    labels = [f"{k % 20}" if k < 40 else f"{k % 3}" for k in range(300)]
    legend = scatter(POINTS, AXES, TITLE, labels=[f"c{label}" for label in labels]).axes[0].get_legend()
    names = [text.get_text() for text in legend.get_texts()]
    assert len(names) == 12
    assert {"c0", "c1", "c2", "other"} <= set(names)


def test_thumbnails_never_overlap_and_stand_near_their_place() -> None:
    points = RNG.standard_normal((2000, 2))
    picked, centers = pick_cells(points, 10)
    assert len(np.unique(centers.round(6), axis=0)) == len(picked) > 30
    side = np.diff(np.unique(centers[:, 0].round(9))).min()
    assert np.abs(points[picked] - centers).max() <= side / 2 + 1e-9


def test_a_grid_shows_the_first_picture_at_the_top_left() -> None:
    pictures = np.zeros((4, 1, 6, 8))
    pictures[0] = 1
    sheet = decoded_grid(pictures, np.array([[-1.0, 1], [-1, 1]]), AXES, TITLE).axes[0].get_images()[0].get_array()
    assert sheet[:6, :8].min() == 1
    assert sheet[:6, -8:].max() == sheet[-6:, :8].max() == 0


def test_kl_is_that_of_the_formula_and_of_a_draw() -> None:
    """Against the mean of log q - log p over many draws, an estimate that knows no formula."""
    mean, std = np.array([[0.0, 1.5]]), np.array([[1.0, 0.4]])
    kl = kl_divergence(mean, std)
    assert kl[0, 0] == 0
    z = mean + std * RNG.standard_normal((200_000, 2))
    ratio = -np.log(std) - ((z - mean) / std) ** 2 / 2 + z**2 / 2
    np.testing.assert_allclose(kl[0], ratio.mean(axis=0), atol=0.02)


def test_a_figure_becomes_a_file_once(tmp_path: Path) -> None:
    figure, path = new_figure(2, 1), tmp_path / "plot.png"
    write_figure(path, figure)
    with Image.open(path) as image:
        assert image.size == (400, 200)
        assert image.info["dpi"][0] >= 150
    with pytest.raises(UsageError, match="exists"):
        write_figure(path, figure)
