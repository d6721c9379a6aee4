"""What is inside of a drawing, and how a network is told."""

from __future__ import annotations

import cv2
import numpy as np

from zoo.pictures.outlines import SHADE, inside_of, shaded

SIDE = 48


def drawing(gap: int = 0) -> np.ndarray:
    """A ring of a square, with a gap in its right side."""
    lines = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.rectangle(lines, (10, 12), (35, 37), 0, 1)
    lines[20 : 20 + gap, 34:37] = 255
    return lines


def test_the_inside_of_an_outline_is_found_though_it_has_a_gap() -> None:
    for gap in (0, 3):
        inside = inside_of(drawing(gap))
        assert inside[12:38, 10:36].all()
        assert inside.sum() < 26 * 26 * 1.15
    assert not inside_of(drawing(gap=24))[25, 20]
    assert not inside_of(np.full((8, 8), 255, np.uint8)).any()


def test_only_an_open_outline_is_closed_by_a_wider_pen() -> None:
    assert inside_of(drawing(gap=14))[25, 20]
    two = drawing()
    two[12:38, 44] = 0
    assert not inside_of(two)[14:36, 38:44].any()


def test_the_gap_that_is_closed_grows_with_the_drawing() -> None:
    large = np.kron(drawing(), np.ones((5, 5), np.uint8))
    large[120:127, 170:185] = 255
    assert inside_of(large)[125, 100]


def test_a_shaded_drawing_has_three_levels_and_the_same_lines() -> None:
    made = shaded(drawing())
    assert np.array_equal(made == 0, drawing() == 0)
    assert (made[14:36, 12:34] == SHADE).all()
    assert (made[:10] == 255).all()
    assert np.array_equal(shaded(made), made)
