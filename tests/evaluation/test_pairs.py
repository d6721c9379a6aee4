"""Translators on pairs: the figures of answers that are known, beside fills of an outline."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import pytest

from zoo.evaluation.pairs import fill_colour, filled, l1, measure
from zoo.evaluation.translation import pair
from zoo.metrics.setting import Setting
from zoo.pictures.edges import edges
from zoo.pictures.outlines import inside_of
from zoo.recipes.pictures import EdgesTable

if TYPE_CHECKING:
    from zoo.catalog.spec import Metric
    from zoo.metrics.levels import Pictures

SIDE = 48


def drawing(gap: int = 0) -> np.ndarray:
    """A ring of a square, with a gap in its right side."""
    lines = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.rectangle(lines, (10, 12), (35, 37), 0, 1)
    if gap:
        lines[20 : 20 + gap, 34:37] = 255
    return lines[None]


def true(colour: tuple[int, int, int]) -> np.ndarray:
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    picture[12:38, 10:36] = colour
    return picture.transpose(2, 0, 1)


COLOURS = [(200, 0, 40), (100, 50, 0), (60, 90, 120)]


class Answering:
    """Stands for a model: answers by a function of the drawing and how often it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    def translate(self, given: np.ndarray) -> np.ndarray:
        self.asked += 1
        return self.answer(self.asked - 1)[None]


def figures(answer: Any) -> dict[str, Metric]:
    found = measure(
        Answering(answer),
        lambda index: (drawing(), true(COLOURS[index])),
        len(COLOURS),
        lambda index: (drawing(), true(COLOURS[index])),
        [0, 1, 2],
        ("at 48 x 48", "a drawing"),
        Setting("val", "zoo eval x"),
    )
    return {metric.name: metric for metric in found}


def test_the_fitted_colour_is_the_median_and_no_other_is_nearer() -> None:
    pairs = [(drawing(), true(colour)) for colour in COLOURS]
    colour = fill_colour(pairs)
    assert colour.tolist() == [100, 50, 40]

    def error(fill: np.ndarray) -> float:
        return float(np.mean([l1(filled(inside_of(given[0]), fill), picture) for given, picture in pairs]))

    assert all(error(colour) <= error(colour + step) for step in np.eye(3) * 20)
    assert all(error(colour) <= error(colour - step) for step in np.eye(3) * 20)


def test_the_truth_has_no_error_and_the_fill_has_the_baselines() -> None:
    right, fill = figures(lambda index: true(COLOURS[index])), figures(lambda index: true((100, 50, 40)))
    assert right["l1"].value == 0
    assert right["l1_reduction"].value == 1
    assert right["patch_frechet"].value == pytest.approx(0, abs=1e-3)
    assert fill["l1"].value == pytest.approx(fill["l1"].baseline, abs=1e-4)
    assert fill["l1"].value > 0.02
    assert fill["l1_reduction"].value == pytest.approx(0, abs=1e-3)
    assert fill["patch_frechet"].value == pytest.approx(fill["patch_frechet"].baseline, abs=1e-3)
    assert right["l1_own_fill"].value == pytest.approx(0, abs=0.01)
    for found in (right, fill):
        assert found["l1_white"].value > found["l1_copy"].value > found["l1"].baseline
        assert found["patch_frechet_train"].value == pytest.approx(0, abs=1e-3)
        assert all(len(metric.protocol) <= 600 for metric in found.values())
        assert "RGB 100 50 40" in found["l1"].protocol


def test_mush_is_told_by_the_distance_where_l1_likes_it() -> None:
    crisp = figures(lambda index: true(COLOURS[index - 1]))
    mush = figures(lambda index: np.rint(np.mean([true(c) for c in COLOURS], axis=0) * 0.5 + 127).astype(np.uint8))
    assert crisp["patch_frechet"].value < mush["patch_frechet"].value


def test_evaluation_gives_the_plain_drawing_without_shading() -> None:
    picture = np.full((3, 48, 48), 255, np.uint8)
    picture[0, 8:40, 8:40] = 20
    pictures = SimpleNamespace(picture=lambda index: picture)
    given, true = pair(cast("Pictures", pictures), 0, EdgesTable(shade=True, sketched_share=1.0, gaps=(0.5, 0.5)))
    assert np.array_equal(np.unique(given), [0, 255])
    assert np.array_equal(given[0], edges(picture.transpose(1, 2, 0)))
    assert true is picture
