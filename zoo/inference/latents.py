"""Latents: draws from the prior that are the same everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.errors import UsageError


def noise(n: int, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Standard normal draws (n, *shape), float32; the first k of n are the draw of k with the same seed.

    Drawn in float64 by Philox keyed with the seed (Salmon et al. 2011), so that they differ on no machine.
    Raises UsageError for a negative seed or n below 1.
    """
    if n < 1 or not 0 <= seed < 2**64:
        raise UsageError(f"n must be at least 1 and the seed in 0..2**64-1; got n={n}, seed={seed}")
    generator = np.random.Generator(np.random.Philox(key=seed))
    return generator.standard_normal((n, *shape)).astype(np.float32)
