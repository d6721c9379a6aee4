"""Draws from the prior: the same everywhere and for ever."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.inference.latents import noise


def test_a_seed_means_the_same_numbers_in_every_version_of_numpy() -> None:
    draw = noise(4, (3,), seed=7)
    assert draw.dtype == np.float32
    digest = hashlib.sha256(draw.astype("<f4").tobytes()).hexdigest()
    assert digest == "3ae2c9255ecd58b68cc01ef5001b1b4ec40d456c9c1c39b1aec06d8d62387821"


@pytest.mark.parametrize("shape", [(3,), (2, 4, 4), (1,)])
def test_the_first_of_many_are_the_draw_of_few(shape: tuple[int, ...]) -> None:
    many = noise(9, shape, seed=3)
    assert many.shape == (9, *shape)
    for few in (1, 4):
        np.testing.assert_array_equal(noise(few, shape, seed=3), many[:few])


def test_another_seed_is_another_draw() -> None:
    draws = {noise(1, (8,), seed).tobytes() for seed in (0, 1, 2**32, 2**64 - 1)}
    assert len(draws) == 4


def test_the_draw_is_standard_normal() -> None:
    draw = noise(1000, (100,), seed=0)
    assert abs(draw.mean()) < 0.02
    assert abs(draw.std() - 1) < 0.02


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (-1, 0), (1, -1), (1, 2**64)])
def test_what_can_not_be_drawn_is_refused(n: int, seed: int) -> None:
    with pytest.raises(UsageError, match=f"got n={n}, seed={seed}"):
        noise(n, (3,), seed)
