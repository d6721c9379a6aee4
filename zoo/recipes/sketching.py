"""Line drawings as people make them: lines that stray, are missing, broken, or thick."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from zoo.arrays import Mask, Pixels
from zoo.pictures.edges import edges
from zoo.recipes.pictures import EdgesTable

# A hand strays slowly: over about this many pixels.
STRAY_PIXELS = 24
# A spot that is rubbed out is this wide.
GAP_PIXELS = 5
# Lines at least this long, as a share of the longest, are never left out: without the outline nothing is left.
KEPT_LENGTH = 0.5


def sketch(pixels: Pixels, table: EdgesTable) -> Pixels:
    """A drawing, uint8 (H, W), 0 on lines, of uint8 (H, W, C); torch's global generator draws."""
    rng = np.random.default_rng(int(torch.randint(2**31, ())))
    lines = edges(_strayed(pixels, rng.uniform(*table.wobble), rng), rng.uniform(*table.detail)) == 0
    lines = _without_some(lines, rng.uniform(*table.missing), rng)
    lines = _with_gaps(lines, rng.uniform(*table.gaps), rng)
    side = int(rng.integers(table.thickness[0], table.thickness[1] + 1))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.where(cv2.dilate(lines.astype(np.uint8), pen) > 0, np.uint8(0), np.uint8(255))


def _strayed(pixels: Pixels, distance: float, rng: np.random.Generator) -> Pixels:
    """The picture bent by up to about `distance` pixels, smoothly."""
    if distance <= 0:
        return pixels
    height, width = pixels.shape[:2]
    knots = (2, height // STRAY_PIXELS + 3, width // STRAY_PIXELS + 3)
    bends = rng.normal(0.0, distance / 2, knots).astype(np.float32)
    across, down = (cv2.resize(bend, (width, height), interpolation=cv2.INTER_CUBIC) for bend in bends)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    bent = cv2.remap(pixels, columns + across, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.uint8).reshape(pixels.shape)


def _without_some(lines: Mask, share: float, rng: np.random.Generator) -> Mask:
    """Some of the shorter connected lines left out."""
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(lines.astype(np.uint8), connectivity=8)
    lengths = facts[1:, cv2.CC_STAT_AREA]
    if count < 3 or share <= 0:
        return lines
    kept = (rng.random(count - 1) >= share) | (lengths >= KEPT_LENGTH * lengths.max())
    left: Mask = np.concatenate([[False], kept])[pieces]
    return left


def _with_gaps(lines: Mask, share: float, rng: np.random.Generator) -> Mask:
    """Round spots rubbed out, centred on lines, until about `share` of the lines is gone."""
    rows, columns = np.nonzero(lines)
    spots = round(share * len(rows) / GAP_PIXELS)
    if not spots:
        return lines
    rubbed = np.zeros(lines.shape, np.uint8)
    centres = rng.choice(len(rows), spots)
    rubbed[rows[centres], columns[centres]] = 1
    rubber = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP_PIXELS, GAP_PIXELS))
    left: Mask = lines & (cv2.dilate(rubbed, rubber) == 0)
    return left
