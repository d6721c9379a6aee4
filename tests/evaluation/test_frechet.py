"""The Frechet distance of sets whose means and covariances are known."""

from __future__ import annotations

import numpy as np
import pytest
from brightness import Evaluator, Halves, Painter

from zoo.metrics import frechet
from zoo.metrics.features import FeatureNet
from zoo.metrics.frechet import distance
from zoo.metrics.levels import Pictures
from zoo.metrics.setting import Setting


def features(mean, covariance, n=50, seed=0):
    """Points (n, F) of exactly this mean and covariance."""
    points = np.random.default_rng(seed).normal(size=(n, len(mean)))
    points -= points.mean(axis=0)
    whiten = np.linalg.cholesky(np.linalg.inv(np.cov(points.T)))
    return points @ whiten @ np.linalg.cholesky(np.asarray(covariance)).T + mean


def test_distance_of_gaussians_with_commuting_covariances() -> None:
    """There d^2 is the squared difference of the means plus that of the deviations."""
    one = features([0.0, 0.0, 0.0], np.diag([1.0, 4.0, 9.0]))
    other = features([1.0, -2.0, 0.0], np.diag([4.0, 4.0, 1.0]), n=80, seed=1)
    assert distance(one, other) == pytest.approx(1 + 4 + (1 + 0 + 4), abs=1e-6)
    assert distance(other, one) == pytest.approx(10, abs=1e-6)


def test_distance_of_gaussians_that_do_not_commute() -> None:
    first, second = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[3.0, 0.0], [0.0, 1.0]])
    values = np.linalg.eigvals(first @ second)
    wanted = 4.0 + 4.0 - 2 * np.sqrt(values).sum()
    assert distance(features([0, 0], first), features([0, 0], second, seed=2)) == pytest.approx(wanted, abs=1e-6)


def test_a_set_is_at_no_distance_from_itself() -> None:
    points = features([1.0, 2.0], np.eye(2))
    assert distance(points, points) == pytest.approx(0.0, abs=1e-6)


def test_a_fitted_prior_is_nearer_than_the_standard_normal() -> None:
    model, net = Painter(prior="sampler", spread=0.35), FeatureNet(Evaluator())
    test, train = Pictures(Halves(80, seed=1)).array(), net.features(Pictures(Halves(300)).array())
    setting = Setting("test", "zoo eval it")
    metrics = frechet.measure(model, net, test, test, train, 500, setting)
    found = {metric.name: metric for metric in metrics}
    assert found["frechet"].value < 0.5 * (found["frechet"].baseline or 0)
    assert found["frechet_reconstruction"].value == found["frechet_held_out"].value < 0.01
    assert {metric.n for metric in metrics} == {80}
    assert "feature-net.halves (abababababab)" in found["frechet"].protocol
    assert sorted(model.drawn) == ["default", "normal"]


def test_without_a_fitted_prior_the_standard_normal_is_shipped() -> None:
    model, net = Painter(), FeatureNet(Evaluator())
    pixels = Pictures(Halves(30)).array()
    metric = frechet.measure(model, net, pixels, pixels, net.features(pixels), 30, Setting("test", "it"))[0]
    assert metric.value == metric.baseline
    assert model.drawn == ["normal"]


def test_a_model_that_generates_nothing_has_no_samples() -> None:
    model, net = Painter(), FeatureNet(Evaluator())
    model.capabilities = ("encode", "decode")
    pixels = Pictures(Halves(30)).array()
    metrics = frechet.measure(model, net, pixels, pixels, net.features(pixels), 30, Setting("test", "it"))
    assert [metric.name for metric in metrics] == ["frechet_reconstruction", "frechet_held_out"]
    assert "samples" not in metrics[0].protocol
    assert model.drawn == []
