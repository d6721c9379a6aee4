"""What a line drawing has inside: the part of the page that its outlines shut off from the rest."""

from __future__ import annotations

import cv2
import numpy as np

from zoo.arrays import Mask, Pixels

# The level that a network sees inside of outlines, between that of lines and that of the page.
SHADE = 176
# Gaps of an outline under this share of the drawing's side are closed before it is filled, and always those under
# NARROWEST pixels.
GAP, NARROWEST = 1 / 28, 5


def inside_of(lines: Pixels) -> Mask:
    """What lies within the outlines of a drawing, uint8 (H, W), dark lines on white: (H, W), lines included.

    Gaps twice and four times as wide are closed where that finds more; a pen so wide also fills corners between open
    lines, as the arms of a stick figure, and these do not count.
    """
    ink = lines < 128
    gap = max(NARROWEST, round(max(lines.shape) * GAP))
    found, _ = _closed(ink, gap)
    for wide in (2 * gap, 4 * gap):
        wider, holes = _closed(ink, wide)
        if holes.sum() >= found.sum():
            found = wider
    return found


def _closed(ink: Mask, gap: int) -> tuple[Mask, Mask]:
    """What ink (H, W) shuts off from the page's border, narrower gaps closed: with what closes them, and bare."""
    walls = np.pad(ink, 2 * gap).astype(np.uint8)
    walls = np.asarray(cv2.morphologyEx(walls, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8)), np.uint8)
    _, pieces = cv2.connectedComponents(1 - walls, connectivity=4)
    page = slice(2 * gap, -2 * gap)
    inside: Mask = (pieces != pieces[0, 0])[page, page]
    return inside, inside & (walls[page, page] == 0)


def shaded(lines: Pixels) -> Pixels:
    """The drawing, uint8 (H, W), with its inside in the level SHADE, lines 0 and the page 255.

    A convolution sees a few pixels, and whether a white one lies inside is decided far away; this says it.
    """
    return np.where(lines < 128, np.uint8(0), np.where(inside_of(lines), np.uint8(SHADE), np.uint8(255)))
