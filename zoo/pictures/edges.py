"""Line drawings of pictures, as input of models that paint between lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.arrays import Pixels

BLUR_SIGMA = 1.2
# Hysteresis: an edge is followed down to the first gradient, and begins at the second.
THRESHOLDS = (26, 60)
SHORTEST = 10


def edges(pixels: Pixels, detail: float = 1.0) -> Pixels:
    """Lines of one pixel's width, uint8 (H, W), 0 on lines and 255 elsewhere, of uint8 (H, W), (H, W, 1) or (H, W, 3).

    Canny's detector (IEEE PAMI 8, 1986) on a Gaussian-blurred picture, at each pixel in the colour channel whose
    gradient is steepest, so that borders between colours of one brightness count; connected pieces of fewer than
    `SHORTEST` pixels are left out. `detail` is a factor on the thresholds: below 1 finds more lines.
    """
    import cv2

    smooth = cv2.GaussianBlur(pixels, (0, 0), BLUR_SIGMA).reshape(*pixels.shape[:2], -1)
    gradients = [cv2.Sobel(smooth, cv2.CV_16S, *axis).reshape(smooth.shape) for axis in ((1, 0), (0, 1))]
    across, down = _steepest(*(gradient.astype(np.int16, copy=False) for gradient in gradients))
    low, high = (level * detail for level in THRESHOLDS)
    lines = cv2.Canny(across, down, low, high, L2gradient=True)
    _, pieces, facts, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    long = facts[:, cv2.CC_STAT_AREA] >= SHORTEST
    long[0] = False  # piece 0 is the ground
    return np.where(long[pieces], np.uint8(0), np.uint8(255))


def _steepest(across: NDArray[np.int16], down: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Gradients (H, W, C) of the channel with the greatest one at each pixel, each (H, W)."""
    steepness = np.square(across, dtype=np.int32) + np.square(down, dtype=np.int32)
    channel = steepness.argmax(axis=2, keepdims=True)
    one, other = (np.take_along_axis(gradient, channel, axis=2)[..., 0] for gradient in (across, down))
    return np.ascontiguousarray(one), np.ascontiguousarray(other)
