"""Drawings as people make them: each setting does what it says, and the same draw gives the same drawing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from zoo.pictures.edges import edges
from zoo.recipes.pictures import EdgesTable
from zoo.recipes.sketching import sketch


@pytest.fixture
def picture() -> np.ndarray:
    """A disc with twelve small ones in it, and a faint one."""
    pixels = np.full((96, 96, 3), 255, np.uint8)
    cv2.circle(pixels, (48, 48), 42, (240, 190, 40), -1)
    for number in range(12):
        cv2.circle(pixels, (22 + 17 * (number % 4), 28 + 18 * (number // 4)), 5, (20, 40, 120), -1)
    cv2.circle(pixels, (48, 80), 5, (232, 184, 44), -1)
    return pixels


def drawn(picture: np.ndarray, seed: int = 0, **settings: object) -> np.ndarray:
    torch.manual_seed(seed)
    return sketch(picture, EdgesTable(**settings)) == 0


def test_without_settings_it_is_the_plain_drawing(picture: np.ndarray) -> None:
    assert np.array_equal(drawn(picture), edges(picture) == 0)


def test_the_same_draw_is_the_same_drawing(picture: np.ndarray) -> None:
    settings = {"wobble": (1.0, 3.0), "gaps": (0.1, 0.2), "missing": (0.2, 0.6), "thickness": (1, 3)}
    assert np.array_equal(drawn(picture, **settings), drawn(picture, **settings))
    assert not np.array_equal(drawn(picture, **settings), drawn(picture, seed=1, **settings))


def test_thick_lines_cover_the_thin_ones(picture: np.ndarray) -> None:
    thin, thick = drawn(picture), drawn(picture, thickness=(3, 3))
    assert (thick | ~thin).all()
    assert 2 < thick.sum() / thin.sum() < 3.5


def test_missing_lines_are_short_ones(picture: np.ndarray) -> None:
    plain, few = drawn(picture), drawn(picture, missing=(1.0, 1.0))
    outline = np.hypot(*(np.mgrid[:96, :96] - 48)) > 40
    assert np.array_equal(few, plain & outline)
    some = drawn(picture, missing=(0.5, 0.5))
    assert few.sum() < some.sum() < plain.sum()


def test_gaps_take_about_their_share_of_the_lines(picture: np.ndarray) -> None:
    plain, broken = drawn(picture), drawn(picture, gaps=(0.2, 0.2))
    assert not (broken & ~plain).any()
    assert 0.1 < 1 - broken.sum() / plain.sum() < 0.3


def test_lines_stray_by_a_few_pixels(picture: np.ndarray) -> None:
    plain, strayed = drawn(picture), drawn(picture, wobble=(2.0, 2.0))
    assert (plain & strayed).sum() < 0.8 * plain.sum()
    pen = np.ones((11, 11), np.uint8)
    assert cv2.dilate(plain.astype(np.uint8), pen)[strayed].mean() > 0.95


def test_detail_is_a_factor_on_what_counts_as_an_edge(picture: np.ndarray) -> None:
    faint = np.hypot(*(np.mgrid[:96, :96] - np.array([80, 48])[:, None, None])) < 9
    assert drawn(picture, detail=(0.3, 0.3))[faint].sum() > drawn(picture, detail=(2.0, 2.0))[faint].sum()


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"detail": (2.0, 1.0)}, "detail"), ({"thickness": (0, 2)}, "thickness"), ({"gaps": (0.0, 1.0)}, "gaps")],
)
def test_ranges_that_are_none_are_refused(settings: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        EdgesTable(**settings)
