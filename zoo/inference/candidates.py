"""The noise that chooses among the likely answers of a model with candidates: the same everywhere, smooth in space."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zoo.arrays import Floats
from zoo.errors import ZooError
from zoo.inference.latents import noise

# Nodes on a side of the grid the noise is drawn on: what lies near is coloured alike.
GRID = 3
# The share of the variance that one value for the whole picture has: a warm picture, or a cold one.
WHOLE = 0.85


def noise_planes(count: int, planes: int, size: tuple[int, int], seed: int) -> Floats:
    """Noise (count, planes, H, W), each value standard normal; the first k of n are those of k with the same seed.

    Most of it is one value for the whole picture; the rest is drawn on a grid of 3x3 and interpolated linearly between
    the nodes, then divided by the root of the sum of the squared weights, which keeps the variance at 1 between them.
    """
    rows, columns = (_weights(length) for length in size)
    draws = noise(count, (planes, GRID * GRID + 1), seed)
    whole, nodes = draws[..., 0], draws[..., 1:].reshape(count, planes, GRID, GRID)
    local = np.einsum("yi,npij,xj->npyx", rows, nodes, columns, optimize=True)
    both: Floats = np.float32(WHOLE**0.5) * whole[..., None, None] + np.float32((1 - WHOLE) ** 0.5) * local
    return both


def with_noise(run: Callable[[Floats], Floats], planes: Floats) -> Callable[[Floats], Floats]:
    """A run of a graph that takes pictures alone: `planes` (P, h, w) are laid after the channels of each."""

    def joined(batch: Floats) -> Floats:
        if batch.shape[2:] != planes.shape[1:]:
            raise ZooError(f"noise of {planes.shape[1:]} for pictures of {batch.shape[2:]}")
        return run(np.concatenate([batch, np.broadcast_to(planes, (len(batch), *planes.shape))], axis=1))

    return joined


def _weights(length: int) -> Floats:
    """How much of each node is in each of `length` samples, (length, GRID); the squares of a row sum to 1."""
    place = np.linspace(0.0, GRID - 1.0, length)
    weights = np.clip(1.0 - np.abs(place[:, None] - np.arange(GRID)), 0.0, 1.0)
    normalised: Floats = (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32)
    return normalised
