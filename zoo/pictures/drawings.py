"""Drawings as people bring them, as the thin lines that a network was trained on.

A page may be black on white, white on black, pencil gray, or photographed with a shadow over it; lines may be thick or
faint, and the drawing may fill the page or a corner of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from zoo.arrays import Floats, Mask, Pixels
from zoo.pictures.edges import edges

# Lines are looked for at no more than this side: enough for any network, and little work.
WORK_SIDE = 1024
# White around a drawing, as a share of its longer side: what emoji and icons have.
MARGIN = 0.06
# A page of which this share has one level (within a few) is even; another is lit unevenly.
EVEN_SHARE = 0.5
# Strokes are darker than the paper by at least this share of its level; what is fainter is paper.
FAINTEST = 0.08
# A page of which a greater share is darker than its paper, by this much at least, is no line drawing.
MOST_INK, TINT = 0.25, 0.05
# A blot at least this many times as wide as the usual stroke is drawn as its outline.
SOLID = 2.5


@dataclass(frozen=True, eq=False)
class Drawing:
    """Thin lines, uint8 (side, side), 0 on lines and 255 elsewhere, and the square of the page they show.

    `top`, `left` and `extent` are in pixels of the page; the square may reach beyond it.
    """

    lines: Pixels
    top: int
    left: int
    extent: int


def find_drawing(page: Pixels, side: int) -> Drawing:
    """The drawing on a gray page, uint8 (H, W), brought to `side` pixels with lines of about one pixel.

    A page that is such a drawing already, by its size and its two levels, stays as it is.
    """
    if is_plain(page, side):
        return Drawing(np.where(page < 128, np.uint8(0), np.uint8(255)), 0, 0, side)
    reduction = max(1.0, max(page.shape) / WORK_SIDE)
    small = page
    if reduction > 1:
        size = (max(1, round(page.shape[1] / reduction)), max(1, round(page.shape[0] / reduction)))
        small = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)
    strokes = find_strokes(small)
    top, left, extent = _square(strokes)
    lines = _thin_lines(_cut(strokes, top, left, extent), side)
    scaled = (round(value * reduction) for value in (top, left, extent))
    return Drawing(np.where(lines, np.uint8(0), np.uint8(255)), *scaled)


def is_plain(page: Pixels, side: int) -> bool:
    """Whether a page is as a network takes it: of its size, black on white, nearly without grays."""
    if page.shape != (side, side) or page.mean() < 128:
        return False
    return bool(((page < 32) | (page > 223)).mean() > 0.98 and (page < 32).mean() < MOST_INK)


def is_no_drawing(page: Pixels) -> bool:
    """Whether there is too much ink on a page, uint8 (H, W), for a line drawing: a photograph, most likely."""
    step = max(1, max(page.shape) // 256)
    return bool((_ink(np.ascontiguousarray(page[::step, ::step])) > TINT).mean() > MOST_INK)


def trace(pixels: Pixels, side: int) -> tuple[Pixels, tuple[slice, slice]]:
    """The line drawing of a photo or picture, uint8 (H, W, C): lines (side, side) and where in them the picture is.

    Lines are `zoo.pictures.edges`, those of training; the picture keeps its shape and lies in the middle, on white.
    """
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (min(side, max(1, round(width * scale))), min(side, max(1, round(height * scale))))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8).reshape(size[1], size[0], -1)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    place = slice(top, top + size[1]), slice(left, left + size[0])
    lines = np.full((side, side), 255, np.uint8)
    lines[place] = edges(small)
    return lines, place


def find_strokes(page: Pixels) -> Mask:
    """Where a gray page, uint8 (H, W), has ink: darker than the paper around it, or lighter on a dark page."""
    ink = _ink(page)
    strongest = float(np.quantile(ink, 0.999))
    if strongest < FAINTEST:
        return np.zeros(page.shape, np.bool_)
    levels = (ink * (255 / max(strongest, 1e-6))).clip(0, 255).astype(np.uint8)
    inked = levels[levels > 255 * FAINTEST / max(strongest, FAINTEST)]
    split, _ = cv2.threshold(inked.reshape(-1, 1), 0, 255, cv2.THRESH_OTSU) if inked.size else (128.0, None)
    strong = max(FAINTEST * 255, min(split, 160.0))
    # A stroke begins where it is strong, and is followed down to half of that.
    _, pieces, facts, _ = cv2.connectedComponentsWithStats((levels > strong / 2).astype(np.uint8), connectivity=8)
    begun = np.zeros(len(facts), np.bool_)
    begun[pieces[levels > strong]] = True
    speck = max(3.0, (max(page.shape) / 256) ** 2)
    begun &= facts[:, cv2.CC_STAT_AREA] >= speck
    begun[0] = False
    found: Mask = begun[pieces]
    return found


def _ink(page: Pixels) -> Floats:
    """How much darker than its paper each pixel of a page is, as a share of the paper's level: float32 in [0, 1]."""
    if np.median(page) < 96:
        page = 255 - page
    levels = np.bincount(page.ravel(), minlength=256)
    usual = int(levels.argmax())
    if levels[max(0, usual - 4) : usual + 5].sum() > EVEN_SHARE * page.size:
        soft = page.astype(np.float32)
        paper = np.full_like(soft, max(usual, 1))
    else:
        # Strokes are narrower than the window: the lightest in it is paper, unevenly lit.
        width = max(3, max(page.shape) // 24) | 1
        window = cv2.getStructuringElement(cv2.MORPH_RECT, (width, width))
        soft = np.asarray(cv2.GaussianBlur(page, (0, 0), max(0.6, max(page.shape) / 900)), np.float32)
        closed = cv2.morphologyEx(soft, cv2.MORPH_CLOSE, window, borderType=cv2.BORDER_REPLICATE)
        paper = np.asarray(cv2.GaussianBlur(closed, (0, 0), width / 2), np.float32).clip(1.0)
    return np.asarray(1.0 - soft / paper, np.float32).clip(0.0, 1.0)


def _square(strokes: Mask) -> tuple[int, int, int]:
    """(top, left, extent) of the square around all strokes, with a margin; the whole page where there are none."""
    rows, columns = np.flatnonzero(strokes.any(axis=1)), np.flatnonzero(strokes.any(axis=0))
    if not len(rows):
        height, width = strokes.shape
        extent = max(height, width)
        return (height - extent) // 2, (width - extent) // 2, extent
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    extent = max(8, round(max(height, width) * (1 + 2 * MARGIN)))
    middle = rows[0] + height / 2, columns[0] + width / 2
    return round(middle[0] - extent / 2), round(middle[1] - extent / 2), extent


def _cut(strokes: Mask, top: int, left: int, extent: int) -> Mask:
    """A square of a page, without strokes beyond its borders."""
    cut = np.zeros((extent, extent), np.bool_)
    rows = slice(max(0, top), min(strokes.shape[0], top + extent))
    columns = slice(max(0, left), min(strokes.shape[1], left + extent))
    cut[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = strokes[rows, columns]
    return cut


def _thin_lines(strokes: Mask, side: int) -> Mask:
    """Strokes (extent, extent) as thin lines (side, side)."""
    extent = len(strokes)
    ink = strokes.astype(np.uint8)
    if extent > side:  # thickened first, so that no line gets lost on the way
        pen = int(np.ceil(extent / side))
        ink = np.asarray(cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen))), np.uint8)
    method = cv2.INTER_AREA if extent > side else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(ink.astype(np.float32), (side, side), interpolation=method))
    if extent < side:  # without the steps of the enlarged pixels
        small = np.asarray(cv2.GaussianBlur(small, (0, 0), 0.4 * side / extent))
    return thinned(_outlined(small >= 0.5))


def _outlined(ink: Mask) -> Mask:
    """Ink with its blots, far wider than its strokes, replaced by their outlines."""
    depth = cv2.distanceTransform(np.pad(ink, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    ridge = depth[thinned(ink)]
    if not ridge.size:
        return ink
    reach = max(3.0, SOLID * float(np.median(ridge)))
    if depth.max() < reach:
        return ink
    side = 2 * int(reach) - 1
    blots = cv2.morphologyEx(
        ink.astype(np.uint8), cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    )
    inner = cv2.erode(blots, np.ones((3, 3), np.uint8)) > 0
    return ink & ~inner


# The eight neighbours of a pixel, clockwise from above, as the bits of a number.
_NEIGHBOURS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)


def _removable(last: bool) -> Mask:
    """For each pattern of neighbours, whether Zhang and Suen's first or last half of a step removes the pixel."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = bits.sum(axis=1)
    rises = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    above, right, below, left = (bits[:, index].astype(np.bool_) for index in (0, 2, 4, 6))
    first = ~(above & right & below) & ~(right & below & left)
    second = ~(above & right & left) & ~(above & below & left)
    removable: Mask = (count >= 2) & (count <= 6) & (rises == 1) & (second if last else first)
    return removable


_HALVES = _removable(last=False), _removable(last=True)


def thinned(ink: Mask) -> Mask:
    """Ink thinned to lines of one pixel that stay connected (Zhang and Suen, Communications of the ACM 27, 1984)."""
    lines = np.pad(ink, 1).astype(np.uint8)
    while True:
        before = int(lines.sum())
        for removable in _HALVES:
            pattern = np.asarray(cv2.filter2D(lines, cv2.CV_32F, _NEIGHBOURS)).astype(np.uint8)
            lines[removable[pattern]] = 0
        if int(lines.sum()) == before:
            return lines[1:-1, 1:-1] > 0
