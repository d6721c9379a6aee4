"""Seeds for the places of a run, so that each can be made alone."""

from __future__ import annotations

import numpy as np


def derive(seed: int, *place: int) -> int:
    """A seed for one place of the run, independent of every other place's."""
    return int(np.random.SeedSequence((seed, *place)).generate_state(1, np.uint64)[0] >> np.uint64(1))
