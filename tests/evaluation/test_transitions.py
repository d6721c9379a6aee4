"""Transitions of a linear decoder, which are straight lines in pixels too, and of one that makes detours."""

from __future__ import annotations

import numpy as np
import pytest
from brightness import Evaluator, Halves, Painter

from zoo.evaluation import transitions
from zoo.evaluation.transitions import is_monotone, middle_third, nearest, pairs
from zoo.metrics.features import FeatureNet
from zoo.metrics.levels import Pictures
from zoo.metrics.setting import Setting

SETTING = Setting("test", "zoo eval it")


class Detour(Painter):
    """Paints black wherever a latent is not one of a picture."""

    def decode(self, latents):
        made = super().decode(latents)
        return np.where((np.linalg.norm(latents, axis=1) < 0.25)[:, None, None, None], 0, made)


def figures(model, **options):
    pixels = Pictures(Halves(20)).array()
    net = FeatureNet(Evaluator())
    found = transitions.measure(model, net, pixels, net.features(pixels), SETTING, count=8, **options)
    return {metric.name: metric for metric in found}


def test_a_linear_decoder_interpolates_on_a_straight_line() -> None:
    found = figures(Painter(), path="linear")
    assert found["transition_monotone"].value == 1.0
    assert found["transition_ends"].value <= 1
    assert found["transition_nearest"].value == pytest.approx(found["transition_nearest"].baseline, abs=0.005)
    assert found["transition_frechet"].value == pytest.approx(found["transition_frechet"].baseline, abs=0.005)
    assert found["transition_monotone"].n == 8
    assert "linear path" in found["transition_monotone"].protocol


def test_a_decoder_that_makes_a_detour_is_found_out() -> None:
    straight, detour = figures(Painter(), path="linear"), figures(Detour(), path="linear")
    assert detour["transition_monotone"].value < 1.0
    assert detour["transition_nearest"].value > straight["transition_nearest"].value


def test_without_a_feature_network_only_pixels_are_evaluated() -> None:
    pixels = Pictures(Halves(20)).array()
    found = transitions.measure(Painter(), None, pixels, None, SETTING, count=3)
    assert [metric.name for metric in found] == ["transition_monotone", "transition_ends"]


def test_monotone_is_strict_and_about_both_ends() -> None:
    strip = np.linspace(0, 1, 5, dtype=np.float32).reshape(-1, 1, 1, 1)
    assert is_monotone(strip, strip[0], strip[-1])
    assert not is_monotone(strip[[0, 1, 1, 2, 4]], strip[0], strip[-1])
    assert not is_monotone(strip[[0, 2, 1, 3, 4]], strip[0], strip[-1])


def test_pairs_are_of_different_images_and_repeatable() -> None:
    chosen = pairs(5, 40)
    assert all(first != last for first, last in chosen)
    assert chosen == pairs(5, 40)
    assert len(set(chosen)) > 10


def test_the_middle_third_of_twelve_steps_is_four() -> None:
    assert list(range(12))[middle_third(12)] == [4, 5, 6, 7]
    assert list(range(5))[middle_third(5)] == [2]


def test_nearest_is_euclidean() -> None:
    known = np.array([[0, 0], [3, 4]], np.float32)
    assert nearest(np.array([[0, 1], [3, 0]], np.float32), known) == pytest.approx([1, 3])
