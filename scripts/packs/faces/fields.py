"""Soft steps and blends, of which everything painted on a face is made."""

from __future__ import annotations

import numpy as np

from faces.triangles import Floats


def ramp(x: Floats, low: Floats | float, high: Floats | float) -> Floats:
    """Smooth step from 0 at `low` to 1 at `high`; `low` may be the larger one."""
    t: Floats = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Floats, b: Floats, share: Floats) -> Floats:
    """Colours (..., 3) between `a` and `b`, `share` (...) of the second."""
    return a + (b - a) * share[..., None]
