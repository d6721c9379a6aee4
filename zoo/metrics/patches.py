"""A Frechet distance that needs no network: local colour and texture of made and true pictures.

Each picture is cut into 8 x 8 patches. A patch is ten numbers: mean and standard deviation of L, a and b of CIE Lab,
and the mean length of the gradient of L and of (a, b), at full size and at half. They are divided by their standard
deviation over the true patches, so that the distance counts in those, and

    d^2 = |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2))

is taken between the patches of the made and of the true pictures (Heusel et al. 2017, equation 6, there with the
features of a classifier). Small drawings and icons have no classifier to borrow, and a network trained here would be as
arbitrary as its training; these numbers are the same everywhere. The distance is 0 for equal sets. An answer that
averages over what could be is gray and flat: its means crowd together, its deviations and gradients are too small, and
each of these adds to the distance. It does not see whether a colour is the right one: L1 does.
"""

from __future__ import annotations

import cv2
import numpy as np

from zoo.arrays import Floats, Mask, Pixels
from zoo.metrics.frechet import distance
from zoo.pictures.color import rgb_of, rgb_to_lab

PATCHES = 8
PROTOCOL = (
    "patch_frechet: Frechet distance between the 8 x 8 patches of made and true pictures, without those that are white "
    "in the true one; of each patch mean and deviation of L, a, b and the mean gradients of L and of (a, b) at two "
    "scales, in standard deviations over the true patches"
)


def distance_of_sets(one: Floats, other: Floats) -> float:
    """Frechet distance of the patches of two sets of pictures that are no pairs, each without its blank ones."""
    first, second = one[_shown(one)], other[_shown(other)]
    scale = _scale(second)
    return distance(first / scale, second / scale)


def _shown(patches: Floats) -> Mask:
    """Which patches are not white all over."""
    return (patches[:, 0] < 99.5) | (patches[:, 3] > 0.5)


def _scale(patches: Floats) -> Floats:
    return np.asarray(np.maximum(patches.std(axis=0), 1e-3), np.float32)


def patch_frechet(made: Floats, true: Floats) -> float:
    """Frechet distance of features of the same patches, each (N, F) as `features` gives them, without blank ones."""
    shown = _shown(true)
    if shown.sum() < 2:
        return 0.0
    scale = _scale(true[shown])
    return distance(made[shown] / scale, true[shown] / scale)


def features(picture: Pixels) -> Floats:
    """The ten numbers of each patch of a uint8 picture (1 or 3, H, W), row by row: (64, 10)."""
    rgb = rgb_of(picture[None])[0] if len(picture) == 1 else picture
    lab = np.ascontiguousarray(rgb_to_lab(rgb.transpose(1, 2, 0)), np.float32)
    half = np.asarray(cv2.resize(lab, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
    mean, square = _means(lab), _means(lab * lab)
    deviation = np.sqrt(np.maximum(square - mean * mean, 0.0))
    return np.concatenate([mean, deviation, _means(_gradients(lab)), _means(_gradients(half))], axis=1)


def _means(planes: Floats) -> Floats:
    """Mean of each patch of planes (H, W, K): (64, K)."""
    small = cv2.resize(planes, (PATCHES, PATCHES), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).reshape(PATCHES * PATCHES, -1)


def _gradients(lab: Floats) -> Floats:
    """Length of the gradient of L, and of a and b together: (H, W, 2)."""
    across, down = (cv2.Scharr(lab, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
    square = np.square(across) + np.square(down)
    return np.asarray(np.sqrt(np.stack([square[..., 0], square[..., 1] + square[..., 2]], axis=2)), np.float32)
