"""Colours that follow a picture's own edges: chroma as a linear function of lightness, another one around each place.

In a small neighbourhood with two materials, chroma and lightness change together: a = slope * L + offset. Slopes and
offsets are smooth, so they are found on a small picture and enlarged; with the lightness of every pixel they give a
chroma that changes where the lightness does. This is the guided filter (He, Sun and Tang, Guided Image Filtering, IEEE
PAMI 35, 2013, equations 5 and 6) in its fast form (arXiv 1505.00996), but for the offset: it is chosen so that the
chroma is changed only in detail that the small picture can't hold.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from zoo.arrays import Floats

# Slopes are found on at most so many cells a side: colorizers know colours about as finely.
_CELLS = 64
# Contrast of lightness, as a standard deviation, at which a slope is halved: below it is texture, grain and noise.
_CONTRAST = 6.0


def linear_model(chroma: Floats, light: Floats) -> Floats:
    """Slopes and offsets (2 C, h, w), the slopes first, of chroma (C, h, w) by lightness L* (h, w), 0 to 100.

    With the lightness that the chroma goes with, slope * L + offset is the chroma. How blurred that is differs from
    model to model: as `light` itself, or as what is left of it on the cells, or between; the chroma's detail tells.
    """
    shape = light.shape

    def blurred(planes: Floats) -> Floats:
        return at_size(at_size(planes, cells), shape)

    cells = min(_CELLS, shape[0]), min(_CELLS, shape[1])
    sharp = light[None]
    soft = blurred(sharp)
    slope = at_size(_slopes(at_size(chroma, cells), at_size(sharp, cells)), shape)
    # Blurring takes this from a chroma as soft as the cells; from one as sharp as the lightness it takes `more` too.
    least = slope * (soft - blurred(soft))
    more = slope * (sharp - soft) - least
    found = chroma - blurred(chroma) - least
    share = np.float32(np.clip(np.sum(more * found) / max(float(np.sum(more * more)), 1e-6), 0, 1))
    return np.concatenate((slope, chroma - slope * (soft + share * (sharp - soft))))


def _slopes(chroma: Floats, light: Floats) -> Floats:
    """Slopes (C, h, w) of chroma (C, h, w) by lightness (1, h, w) around each place.

    cov(L, chroma) / (var(L) + contrast^2), times the share of the chroma's variance that this explains: where colours
    have little to do with lightness, what the two share by chance is left out.
    """
    means, mean = _around(chroma), _around(light)
    variance: Floats = np.maximum(_around(light * light) - mean * mean, 0)
    spread: Floats = np.maximum(_around(chroma * chroma) - means * means, 0)
    shared = _around(chroma * light) - means * mean
    slopes: Floats = shared / (variance + np.float32(_CONTRAST**2))
    return slopes * (slopes * shared / (spread + np.float32(1e-3)))


def _around(planes: Floats) -> Floats:
    """Means of planes (C, h, w) over 3x3 neighbours, those in the middle counting most (1 2 1)."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    tall = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    means: Floats = (tall[:, :, :-2] + 2 * tall[:, :, 1:-1] + tall[:, :, 2:]) * np.float32(1 / 16)
    return means


def at_size(planes: Floats, shape: tuple[int, ...]) -> Floats:
    """Planes (C, h, w) at another size, averaged where they shrink, else interpolated linearly as networks do."""
    height, width = shape
    if planes.shape[1:] == (height, width):
        return planes
    shrinks = height <= planes.shape[1] and width <= planes.shape[2]
    kind = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    images = (Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), kind) for plane in planes)
    return np.stack([np.asarray(image) for image in images])
