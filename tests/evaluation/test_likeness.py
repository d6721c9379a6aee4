"""Precision, recall and diversity of sets whose manifolds can be drawn on a line."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.metrics.likeness import likeness, precision_recall, spread

# With one neighbour each ball reaches to the next point: from 0 to 4 the line is covered, and a little beyond.
LINE = np.arange(5, dtype=np.float32)[:, None]


def test_precision_and_recall_of_points_on_a_line() -> None:
    made = np.array([[0.5], [1.5], [9.0], [9.5]], np.float32)
    precision, recall = precision_recall(made, LINE, neighbours=1)
    assert precision == pytest.approx(2 / 4)  # 9 and 9.5 are outside
    # Balls of radius 1 around 0.5 and 1.5 hold 0, 1 and 2; 9 and 9.5 reach half a unit only.
    assert recall == pytest.approx(3 / 5)


def test_more_neighbours_widen_the_manifold() -> None:
    beyond = np.array([[5.5], [-1.5]], np.float32)
    assert precision_recall(beyond, LINE, neighbours=1)[0] == 0
    assert precision_recall(beyond, LINE, neighbours=2)[0] == 1


def test_one_repeated_image_has_no_recall_and_no_diversity() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(60, 3)).astype(np.float32)
    same = np.repeat(real[:1], 60, axis=0)
    found = likeness(same, real)
    assert found.precision == 1
    assert found.recall == pytest.approx(1 / 60)
    assert found.diversity == 0
    assert found.frechet > 1


def test_a_set_is_like_itself() -> None:
    real = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    found = likeness(real, real)
    assert (found.precision, found.recall, found.diversity) == (1, 1, 1)
    assert found.frechet == pytest.approx(0, abs=1e-6)


def test_spread_is_the_mean_pair_distance_in_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.array([[0, 0], [3, 4], [3, 0]], np.float32)
    assert spread(points) == pytest.approx((5 + 3 + 4) / 3)
    whole = precision_recall(LINE + 0.25, LINE, 2)
    monkeypatch.setattr("zoo.metrics.likeness.ROWS", 2)
    assert spread(points) == pytest.approx((5 + 3 + 4) / 3)
    assert precision_recall(LINE + 0.25, LINE, 2) == whole
