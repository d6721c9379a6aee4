"""Line drawings."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.pictures.edges import edges


def square(inside: tuple[int, int, int], outside: tuple[int, int, int]) -> np.ndarray:
    pixels = np.full((48, 64, 3), outside, np.uint8)
    pixels[12:36, 16:48] = inside
    return pixels


def test_lines_are_black_on_white_where_the_picture_changes():
    lines = edges(square((200, 30, 30), (255, 255, 255)))
    assert lines.shape == (48, 64)
    assert lines.dtype == np.uint8
    assert set(np.unique(lines)) == {0, 255}
    rows, columns = np.nonzero(lines == 0)
    assert (rows.min(), rows.max()) == (pytest.approx(11.5, abs=1), pytest.approx(35.5, abs=1))
    assert (columns.min(), columns.max()) == (pytest.approx(15.5, abs=1), pytest.approx(47.5, abs=1))
    assert (lines[16:32, 20:44] == 255).all()


def test_lines_are_one_pixel_wide():
    lines = edges(square((0, 0, 0), (255, 255, 255))) == 0
    assert lines[24].sum() == 2
    assert lines[:, 32].sum() == 2


def test_colours_of_one_brightness_are_told_apart():
    # Luma 76 both; in gray there would be no edge.
    assert (edges(square((255, 0, 0), (0, 130, 0))) == 0).sum() > 80


def test_even_and_faint_pictures_have_no_lines():
    assert (edges(square((90, 90, 90), (90, 90, 90))) == 255).all()
    assert (edges(square((90, 90, 90), (93, 93, 93))) == 255).all()


def test_specks_are_left_out():
    speck = np.full((40, 40), 255, np.uint8)
    speck[20, 20] = 0
    assert (edges(speck) == 255).all()
    speck[10:30, 20] = 0
    assert (edges(speck) == 0).sum() >= 10


def test_gray_gives_the_lines_of_the_same_picture_in_rgb():
    gray = square((20, 20, 20), (240, 240, 240))
    assert np.array_equal(edges(gray[..., 0]), edges(gray))
    assert np.array_equal(edges(gray[..., :1].copy()), edges(gray))


def test_the_picture_is_not_changed():
    picture = square((10, 200, 30), (240, 0, 0))
    before = picture.copy()
    edges(picture)
    assert np.array_equal(picture, before)
