"""Drawings as people bring them: the same thin lines, whatever they are drawn with and wherever they lie."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from zoo.pictures.drawings import find_drawing, is_no_drawing, is_plain, thinned, trace
from zoo.pictures.edges import edges

SIDE = 128


def page(height: int = 300, width: int = 420, pen: int = 5) -> np.ndarray:
    """A house: dark strokes on white, with soft edges."""
    drawn = np.full((height, width), 255, np.uint8)
    cv2.rectangle(drawn, (120, 130), (300, 260), 30, pen, cv2.LINE_AA)
    cv2.polylines(drawn, [np.array([[105, 130], [210, 40], [315, 130]])], False, 30, pen, cv2.LINE_AA)
    cv2.circle(drawn, (210, 195), 30, 30, pen, cv2.LINE_AA)
    return drawn


def photographed(drawn: np.ndarray) -> np.ndarray:
    """Blurred, pale, noisy, and darker towards one corner than its ink is in the other."""
    down, across = np.mgrid[: drawn.shape[0], : drawn.shape[1]]
    light = 0.4 + 0.6 * (1 - across / drawn.shape[1]) * (1 - 0.4 * down / drawn.shape[0])
    pale = 90 + cv2.GaussianBlur(drawn, (0, 0), 1.0).astype(np.float64) * 0.6
    noise = np.random.default_rng(0).normal(0, 3, drawn.shape)
    return (pale * light + noise).clip(0, 255).astype(np.uint8)


PAGES = {
    "white on black": lambda drawn: 255 - drawn,
    "pencil gray": lambda drawn: (225 - (255 - drawn.astype(np.int16)) // 4).astype(np.uint8),
    "photographed": photographed,
    "in a corner": lambda drawn: np.pad(drawn, ((20, 300), (10, 500)), constant_values=255),
    "twice as large": lambda drawn: cv2.resize(drawn, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
    "half as large": lambda drawn: cv2.resize(drawn, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "with a thick pen": lambda drawn: page(pen=13),
    "with a thin pen": lambda drawn: page(pen=2),
}


def near(lines: np.ndarray, others: np.ndarray, reach: int) -> float:
    """The share of `lines` that have one of `others` within `reach` pixels."""
    pen = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return float((cv2.dilate((others == 0).astype(np.uint8), pen)[lines == 0] > 0).mean())


@pytest.mark.parametrize("kind", PAGES)
def test_every_kind_of_page_gives_the_lines_of_the_plain_one(kind: str) -> None:
    plain, found = find_drawing(page(), SIDE), find_drawing(PAGES[kind](page()), SIDE)
    assert set(np.unique(found.lines)) == {0, 255}
    assert found.lines.shape == (SIDE, SIDE)
    assert near(found.lines, plain.lines, 3) > 0.97
    assert near(plain.lines, found.lines, 3) > 0.97
    ratio = (found.lines == 0).sum() / (plain.lines == 0).sum()
    assert 0.8 < ratio < 1.25


def test_lines_are_one_pixel_wide_and_fill_the_square() -> None:
    found = find_drawing(page(), SIDE)
    rows, columns = np.nonzero(found.lines == 0)
    assert columns.min() < 14
    assert columns.max() > SIDE - 14
    widths = cv2.distanceTransform((found.lines == 0).astype(np.uint8), cv2.DIST_L1, 3)
    assert widths.max() <= 2
    assert (rows.min() + rows.max()) / 2 == pytest.approx(SIDE / 2, abs=2)


def test_it_says_where_on_the_page_the_lines_are() -> None:
    found = find_drawing(page(), SIDE)
    scale = found.extent / SIDE
    rows, columns = np.nonzero(found.lines == 0)
    assert found.top + rows.max() * scale == pytest.approx(262, abs=4)
    assert found.left + columns.min() * scale == pytest.approx(105, abs=5)


def test_a_drawing_as_the_model_takes_it_stays_as_it_is() -> None:
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    picture[30:90, 40:100] = (200, 40, 30)
    lines = edges(picture)
    found = find_drawing(lines, SIDE)
    assert np.array_equal(found.lines, lines)
    assert (found.top, found.left, found.extent) == (0, 0, SIDE)
    assert not is_plain(255 - lines, SIDE)
    assert not is_plain(lines, SIDE * 2)


def test_a_blot_becomes_its_outline_and_a_dot_stays() -> None:
    drawn = page(pen=3)
    cv2.circle(drawn, (160, 230), 16, 20, -1, cv2.LINE_AA)
    found = find_drawing(drawn, SIDE)
    scale = found.extent / SIDE
    centre = round((230 - found.top) / scale), round((160 - found.left) / scale)
    around = found.lines[centre[0] - 9 : centre[0] + 10, centre[1] - 9 : centre[1] + 10]
    assert found.lines[centre] == 255
    assert (around == 0).sum() > 20


def test_an_empty_page_has_no_lines() -> None:
    rng = np.random.default_rng(0)
    for level, noise in ((255, 0), (0, 0), (200, 2)):
        empty = (level + rng.normal(0, noise, (90, 140))).clip(0, 255).astype(np.uint8)
        assert (find_drawing(empty, SIDE).lines == 255).all()


def test_photographs_are_told_from_drawings() -> None:
    down, across = np.mgrid[:200, :300] / 30
    photo = (128 + 60 * np.sin(down * 2) * np.cos(across) + 50 * np.sin(across * 3 + down)).astype(np.uint8)
    assert is_no_drawing(photo)
    for drawn in (page(), *(change(page()) for change in PAGES.values())):
        assert not is_no_drawing(drawn)


@pytest.mark.parametrize(("height", "width"), [(60, 100), (100, 60), (400, 300), (40, 40)])
def test_tracing_uses_the_lines_of_training_and_keeps_the_shape(height: int, width: int) -> None:
    picture = np.full((height, width, 3), 255, np.uint8)
    picture[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4] = (220, 60, 10)
    lines, (rows, columns) = trace(picture, SIDE)
    inside = lines[rows, columns]
    assert max(inside.shape) == SIDE
    assert inside.shape[0] / inside.shape[1] == pytest.approx(height / width, rel=0.03)
    outside = lines.copy()
    outside[rows, columns] = 255
    assert (outside == 255).all()
    found = np.nonzero(inside == 0)
    for axis in (0, 1):
        assert found[axis].min() == pytest.approx(inside.shape[axis] / 4, abs=3)
        assert found[axis].max() == pytest.approx(inside.shape[axis] * 3 / 4, abs=3)


def test_thinning_keeps_lines_connected_and_leaves_thin_ones() -> None:
    ink = np.zeros((40, 60), np.bool_)
    ink[10:17, 5:55] = True
    ink[10:35, 28:33] = True
    lines = thinned(ink)
    assert not (lines & ~ink).any()
    assert cv2.connectedComponents(lines.astype(np.uint8), connectivity=8)[0] == 2
    assert lines.sum() < 90
    assert np.array_equal(thinned(lines), lines)
