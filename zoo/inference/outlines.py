"""What a line drawing has inside: the part of the page that its outlines shut off from the rest."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# The level that a network sees inside of outlines, between that of lines and that of the page.
SHADE = 176
# Gaps of an outline under this share of the drawing's side are closed before it is filled, and always those under
# NARROWEST pixels; then twice and four times as wide ones, as long as what is found is less than LEAST of the lines'
# convex hull: the outline is open.
GAP, NARROWEST = 1 / 28, 5
LEAST = 0.4


def inside_of(lines: Bytes) -> Mask:
    """What lies within the outlines of a drawing, uint8 (H, W), dark lines on white: (H, W), lines included."""
    gap = max(NARROWEST, round(max(lines.shape) * GAP))
    found = _closed(lines < 128, gap)
    enough = LEAST * _hull_area(lines < 128)
    for wider in (2 * gap, 4 * gap):
        if found.sum() >= enough:
            break
        found = _closed(lines < 128, wider)
    return found


def _closed(ink: Mask, gap: int) -> Mask:
    """What the ink (H, W) shuts off from the page's border, once gaps under so many pixels are closed."""
    walls = np.pad(ink, 2 * gap).astype(np.uint8)
    walls = np.asarray(cv2.morphologyEx(walls, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8)), np.uint8)
    _, pieces = cv2.connectedComponents(1 - walls, connectivity=4)
    inside: Mask = (pieces != pieces[0, 0])[2 * gap : -2 * gap, 2 * gap : -2 * gap]
    return inside


def _hull_area(ink: Mask) -> float:
    """How many pixels the convex hull of the ink has."""
    points = cv2.findNonZero(ink.astype(np.uint8))
    return 0.0 if points is None else float(cv2.contourArea(cv2.convexHull(points)))


def shaded(lines: Bytes) -> Bytes:
    """The drawing, uint8 (H, W), with its inside in the level SHADE, lines 0 and the page 255.

    A convolution sees a few pixels, and whether a white one lies inside is decided far away; this says it.
    """
    return np.where(lines < 128, np.uint8(0), np.where(inside_of(lines), np.uint8(SHADE), np.uint8(255)))
