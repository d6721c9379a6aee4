"""Latents: draws from the prior that are the same everywhere, and arithmetic between them.

One latent is an array of any shape; directions and lengths are those of all its numbers in a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.errors import UsageError

Array: TypeAlias = NDArray[np.float32]
Numbers: TypeAlias = NDArray[np.floating]
Path: TypeAlias = Literal["spherical", "linear"]

# The sine of an angle below which two directions count as the same, or as opposite.
_SAME_DIRECTION = 1e-7


def noise(n: int, shape: tuple[int, ...], seed: int) -> Array:
    """Standard normal draws (n, *shape), float32; the first k of n are the draw of k with the same seed.

    Drawn in float64 by Philox keyed with the seed (Salmon et al. 2011), so that they differ on no machine.
    Raises UsageError for a negative seed or n below 1.
    """
    if n < 1 or not 0 <= seed < 2**64:
        raise UsageError(f"n must be at least 1 and the seed in 0..2**64-1; got n={n}, seed={seed}")
    generator = np.random.Generator(np.random.Philox(key=seed))
    return generator.standard_normal((n, *shape)).astype(np.float32)


def linear(a: Numbers, b: Numbers, t: Numbers) -> Array:
    """Points (T, *shape) on the straight line from `a` (t = 0) to `b` (t = 1), for t (T)."""
    _same_shape(a, b)
    t = np.asarray(t, np.float64).reshape(-1, *(1,) * a.ndim)
    return ((1 - t) * a + t * b).astype(np.float32)


def slerp(a: Numbers, b: Numbers, t: Numbers) -> Array:
    """Points (T, *shape) on the arc from `a` (t = 0) to `b` (t = 1), for t (T).

    The direction turns at an even pace in the plane of both (Shoemake, Animating Rotation with Quaternion Curves,
    SIGGRAPH 1985), and the length goes evenly from one's to the other's. Draws of a normal prior with many dimensions
    all have nearly the same length; a straight line between two leaves that shell, an arc does not. Opposite directions
    turn about an axis that depends on `a` alone; where there is no direction (a latent of zeros) or only one dimension,
    the line is straight.
    """
    _same_shape(a, b)
    start, end = (np.asarray(point, np.float64).ravel() for point in (a, b))
    lengths = [float(np.linalg.norm(point)) for point in (start, end)]
    if min(lengths) == 0 or start.size == 1:
        return linear(a, b, t)
    t = np.asarray(t, np.float64).ravel()
    start, end = start / lengths[0], end / lengths[1]
    across = _across(start, end)
    turn = t * math.atan2(end @ across, end @ start)
    directions = np.cos(turn)[:, None] * start + np.sin(turn)[:, None] * across
    points: Array = (((1 - t) * lengths[0] + t * lengths[1])[:, None] * directions).astype(np.float32)
    points = points.reshape(-1, *a.shape)
    points[t == 0], points[t == 1] = a, b  # to the last digit
    return points


def between(a: Numbers, b: Numbers, steps: int, path: Path = "spherical") -> Array:
    """Latents (steps, *shape) from `a` to `b`, both included. Raises UsageError for fewer than 2 steps."""
    if steps < 2:
        raise UsageError(f"an interpolation has at least 2 steps, its ends; got {steps}")
    ways = {"spherical": slerp, "linear": linear}
    if path not in ways:
        raise UsageError(f"there is no path {path!r}; use {' or '.join(ways)}")
    return ways[path](a, b, np.linspace(0, 1, steps))


def around(latent: Numbers, strength: float, draws: Numbers, middle: Numbers | float = 0.0) -> Array:
    """Latents (n, *shape) about one, on the ways to `draws` (n, *shape), which are others; `middle` is their mean.

    With the strength s, (1 - s^2) of the latent is kept and the draw has the share that leaves the variance as it is:
    of latents in many dimensions with one length, and as far as the decoder is linear, the picture differs s times as
    much (root of the mean squared difference) as two pictures do. At 0 it is the latent itself, at 1 the draw. Raises
    UsageError for a strength outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"the strength goes from 0, the picture itself, to 1, another picture; it is not {strength:g}")
    kept = 1 - strength**2
    return (middle + kept * (latent - middle) + math.sqrt(1 - kept**2) * (draws - middle)).astype(np.float32)


def add(a: Numbers, b: Numbers, weights: Sequence[float] = (1.0, 1.0), *, plain: bool = False) -> Array:
    """The sum of two latents, (w1 a + w2 b) / sqrt(w1^2 + w2^2), or without the division if `plain`.

    The sum of two independent draws from the prior has the variance w1^2 + w2^2; divided so, it has the prior's again,
    which is what the decoder learnt to decode. The plain sum is too far out (overdrawn pictures), the mean too far in
    (the average picture). A negative weight takes away. Raises UsageError for weights that are both 0 or not finite.
    """
    _same_shape(a, b)
    if len(weights) != 2 or not all(map(math.isfinite, weights)) or not any(weights):
        raise UsageError(f"two weights are needed, not both 0; got {', '.join(map(str, weights))}")
    scale = 1.0 if plain else math.hypot(*weights)
    return (weights[0] / scale * a + weights[1] / scale * b).astype(np.float32)


def _across(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector at right angles to `start` towards `end`, both unit vectors of two or more dimensions."""
    across = end - (end @ start) * start
    if np.linalg.norm(across) < _SAME_DIRECTION:  # all ways round are equal: turn to the axis farthest from the start
        axis = int(np.argmin(np.abs(start)))
        across = -start[axis] * start
        across[axis] += 1
    return across / np.linalg.norm(across)


def _same_shape(a: Numbers, b: Numbers) -> None:
    if a.shape != b.shape:
        raise UsageError(f"the two latents have different shapes, {a.shape} and {b.shape}: take pictures of one size")
