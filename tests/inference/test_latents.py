"""Draws from the prior, the same everywhere and for ever, and interpolations and sums of latents."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.inference.latents import add, around, between, linear, noise, slerp


def test_a_seed_gives_the_same_numbers_in_every_numpy_version() -> None:
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


A, B = noise(2, (3, 4, 4), seed=1)
T = np.linspace(0, 1, 7)


def lengths(latents: np.ndarray) -> np.ndarray:
    return np.linalg.norm(latents.reshape(len(latents), -1).astype(np.float64), axis=1)


@pytest.mark.parametrize("way", [linear, slerp])
def test_an_interpolation_holds_its_ends_exactly(way: Any) -> None:
    points = way(A, B, T)
    assert (points.shape, points.dtype) == ((7, 3, 4, 4), np.float32)
    np.testing.assert_array_equal(points[[0, -1]], [A, B])


def test_a_straight_way_is_even() -> None:
    np.testing.assert_allclose(linear(np.zeros(2), np.array([6.0, 12]), T), T[:, None] * [6, 12], atol=1e-6)


def test_an_arc_turns_evenly_and_its_length_changes_evenly() -> None:
    points = slerp(np.array([2.0, 0, 0]), np.array([0, 4.0, 0]), T)
    angles, wanted = T * np.pi / 2, 2 + 2 * T
    np.testing.assert_allclose(
        points, wanted[:, None] * np.stack([np.cos(angles), np.sin(angles), 0 * T], 1), atol=1e-6
    )


def test_an_arc_stays_where_the_prior_is_and_a_line_does_not() -> None:
    a, b = noise(2, (1024,), seed=0)
    assert lengths(slerp(a, b, T)).min() > 30
    assert lengths(linear(a, b, T)).min() < 24


def test_an_arc_between_two_of_one_direction_is_straight() -> None:
    for a, b in ((A, A), (A, 3 * A), (A, A + np.float32(1e-6))):
        np.testing.assert_allclose(slerp(a, b, T), linear(a, b, T), atol=1e-5)


@pytest.mark.parametrize("b", [-A, -2 * A, -A * (1 + 1e-7), -A + np.float32(1e-7)])
def test_an_arc_to_the_opposite_point_avoids_the_origin(b: np.ndarray) -> None:
    points = slerp(A, b, T)
    assert lengths(points).min() > 0.99 * lengths(A[None])[0]
    steps = lengths(np.diff(points, axis=0) / lengths(points)[1:].reshape(-1, 1, 1, 1))
    assert steps.max() < 1.3 * steps.min()
    np.testing.assert_array_equal(points, slerp(A, b, T))


@pytest.mark.parametrize(("a", "b"), [(0 * A, B), (A, 0 * A), (0 * A, 0 * A), (A[0, 0, :1], -B[0, 0, :1])])
def test_where_no_direction_is_the_way_is_straight(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_array_equal(slerp(a, b, T), linear(a, b, T))


def test_the_way_has_as_many_steps_as_asked_for() -> None:
    np.testing.assert_array_equal(between(A, B, 7), slerp(A, B, T))
    np.testing.assert_array_equal(between(A, B, 7, "linear"), linear(A, B, T))
    np.testing.assert_array_equal(between(A, B, 2), [A, B])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((A, B, 1), "at least 2 steps"),
        ((A, B, 3, "round"), "no path 'round'; use spherical or linear"),
        ((A, B[0], 3), "different shapes"),
    ],
)
def test_an_impossible_interpolation_is_refused(arguments: Any, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        between(*arguments)


def test_a_variation_differs_as_its_strength_says() -> None:
    one, draws = noise(1, (5000,), seed=1)[0], noise(40, (5000,), seed=2)
    apart = np.square(draws - one).mean()
    for strength in (0.1, 0.5, 0.9):
        found = around(one, strength, draws)
        assert (found.shape, found.dtype) == ((40, 5000), np.float32)
        np.testing.assert_allclose(np.sqrt(np.square(found - one).mean() / apart), strength, rtol=0.03)
        np.testing.assert_allclose(found.std(), 1, rtol=0.03)
    np.testing.assert_array_equal(around(one, 0, draws[:2]), [one, one])
    np.testing.assert_array_equal(around(one, 1, draws), draws)


def test_variations_are_about_the_middle_of_the_prior() -> None:
    draws = 10 + noise(4000, (3,), seed=0)
    np.testing.assert_allclose(around(np.full(3, 10.0), 0.5, draws, 10.0).mean(0), 10, atol=0.1)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_strength_that_is_none_is_refused(strength: float) -> None:
    with pytest.raises(UsageError, match="strength goes from 0, the picture itself, to 1"):
        around(A, strength, A[None])


@pytest.mark.parametrize("weights", [(1, 1), (2, 0.5), (1, -1), (0.5, 0.5)])
def test_the_sum_of_two_draws_varies_as_a_draw_does(weights: tuple[float, float]) -> None:
    a, b = noise(2, (20_000,), seed=0)
    assert abs(add(a, b, weights).std() - 1) < 0.02
    np.testing.assert_allclose(add(a, b, weights, plain=True), weights[0] * a + weights[1] * b, atol=1e-5)


def test_one_weight_alone_gives_that_latent() -> None:
    np.testing.assert_array_equal(add(A, B, (3, 0)), A)
    np.testing.assert_array_equal(add(A, B, (0, 1)), B)


@pytest.mark.parametrize("weights", [(0, 0), (1,), (1, 2, 3), (float("nan"), 1), (float("inf"), 1)])
def test_weights_that_are_none_are_refused(weights: Any) -> None:
    with pytest.raises(UsageError, match="two weights are needed"):
        add(A, B, weights)
