"""The Frechet distance of patches: nothing between equal pictures, more the grayer and flatter an answer is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from zoo.metrics.patches import distance_of_sets, features, patch_frechet


def pictures(count: int = 12, seed: int = 0) -> list[np.ndarray]:
    """Coloured discs with a soft light on white."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(count):
        picture = np.full((64, 64, 3), 255, np.uint8)
        colour = tuple(int(level) for level in rng.integers(30, 230, 3))
        cv2.circle(picture, tuple(int(c) for c in rng.integers(24, 40, 2)), 22, colour, -1, cv2.LINE_AA)
        cv2.circle(picture, (28, 26), 5, tuple(min(255, level + 60) for level in colour), -1, cv2.LINE_AA)
        found.append(picture.transpose(2, 0, 1))
    return found


def distance(made: list[np.ndarray], true: list[np.ndarray]) -> float:
    return patch_frechet(*(np.concatenate([features(picture) for picture in side]) for side in (made, true)))


def test_a_patch_is_its_lab_its_deviations_and_its_gradients() -> None:
    flat = np.zeros((3, 32, 32), np.uint8)
    flat[0] = 255
    found = features(flat)
    assert found.shape == (64, 10)
    assert found[:, :3] == pytest.approx(np.tile([53.2, 80.1, 67.2], (64, 1)), abs=0.2)
    assert np.abs(found[:, 3:]).max() < 0.1
    ramp = np.broadcast_to(np.arange(0, 256, 4, dtype=np.uint8), (3, 64, 64))
    assert features(ramp)[:, 6].mean() == pytest.approx(100 / 64, rel=0.1)
    assert features(ramp[:1]) == pytest.approx(features(ramp), abs=0.1)


def test_distance_is_zero_for_equal_and_small_for_similar_sets() -> None:
    true, others = pictures(), pictures(seed=1)
    assert distance(true, true) == pytest.approx(0.0, abs=1e-4)
    sets = [np.concatenate([features(picture) for picture in side]) for side in (others, true)]
    gray = np.concatenate([features(np.full_like(picture, 128)) for picture in true])
    assert 0 < distance_of_sets(sets[0], sets[1]) < 0.5 * distance_of_sets(gray, sets[1])


@pytest.mark.parametrize("kind", ["gray", "flat", "pale"])
def test_mush_is_farther_away_the_more_of_it_there_is(kind: str) -> None:
    true = pictures()
    mush = {
        "gray": lambda picture: np.broadcast_to(picture.mean(axis=0).round(), picture.shape),
        "flat": lambda picture: cv2.blur(picture.transpose(1, 2, 0), (17, 17)).transpose(2, 0, 1),
        "pale": lambda picture: np.full(picture.shape, 255.0),
    }[kind]
    mixed = [
        distance([np.rint(a * mush(one) + (1 - a) * one).astype(np.uint8) for one in true], true)
        for a in (0.3, 0.6, 0.9)
    ]
    assert 0.01 < mixed[0] < mixed[1] < mixed[2]


def test_pictures_with_nothing_on_them_are_no_error() -> None:
    white = features(np.full((3, 16, 16), 255, np.uint8))
    assert patch_frechet(white, white) == 0.0
