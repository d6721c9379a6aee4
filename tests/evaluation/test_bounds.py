"""Bounds on the likelihood, on a linear Gaussian model whose likelihood is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from linear import Linear

from zoo.evaluation import bounds
from zoo.evaluation.bounds import Codes, Observation, encoded, kinds, likelihoods, observe
from zoo.metrics.setting import Setting

SETTING = Setting("test", "zoo eval it")


def found(model, pictures, samples):
    codes, shape = encoded(model, [pictures])
    return likelihoods(model, pictures, codes, shape, [Observation("gaussian", model.sigma)], samples)


def test_with_the_exact_posterior_each_weight_is_the_likelihood() -> None:
    model = Linear()
    pictures = model.pictures(5)
    bound = found(model, pictures, 3).weighted["gaussian"]
    assert bound == pytest.approx(model.log_density(pictures / 255), abs=1e-3)


def test_with_the_exact_posterior_the_mean_elbo_is_exact() -> None:
    model = Linear()
    pictures = model.pictures(40)
    elbo = found(model, pictures, 200).elbo["gaussian"]
    assert elbo.mean() == pytest.approx(model.log_density(pictures / 255).mean(), abs=0.05)


def test_more_draws_bring_the_bound_nearer_to_the_likelihood() -> None:
    model = Linear(wide=2.5)
    pictures = model.pictures(40)
    true = model.log_density(pictures / 255).mean()
    few, many = found(model, pictures, 2), found(model, pictures, 2000)
    assert many.elbo["gaussian"].mean() < true - 1
    assert few.weighted["gaussian"].mean() < true - 0.3
    assert many.weighted["gaussian"].mean() == pytest.approx(true, abs=0.05)


def test_the_figures_of_an_image_do_not_depend_on_later_images() -> None:
    model = Linear()
    pictures = model.pictures(4)
    alone, among = found(model, pictures[:2], 5), found(model, pictures, 5)
    assert alone.weighted["gaussian"] == pytest.approx(among.weighted["gaussian"][:2], abs=1e-9)
    assert alone.elbo["gaussian"] == pytest.approx(among.elbo["gaussian"][:2], abs=1e-9)


@pytest.mark.parametrize(
    ("observation", "distribution"),
    [
        (Observation("gaussian", 0.2), lambda made: torch.distributions.Normal(made, 0.2)),
        (Observation("laplace", 0.3), lambda made: torch.distributions.Laplace(made, 0.3)),
        (Observation("bernoulli"), lambda made: torch.distributions.Bernoulli(made, validate_args=False)),
    ],
)
def test_log_likelihoods_are_those_of_the_distributions(observation, distribution) -> None:
    rng = np.random.default_rng(0)
    picture, made = rng.random(7).astype(np.float32), rng.uniform(0.05, 0.95, (3, 7)).astype(np.float32)
    wanted = distribution(torch.from_numpy(made)).log_prob(torch.from_numpy(picture)).sum(dim=1)
    assert observation.log_likelihood(picture, made) == pytest.approx(wanted.numpy(), rel=1e-5)


def test_a_probability_of_nought_costs_much_but_not_everything() -> None:
    picture = np.ones(1, np.float32)
    cost = Observation("bernoulli").log_likelihood(picture, np.zeros((1, 1), np.float32))
    assert cost[0] == pytest.approx(np.log(1e-6), rel=1e-4)


def test_scales_are_the_most_likely_ones() -> None:
    made, true = np.zeros((2, 2), np.float32), np.array([[1, 1], [1, -3]], np.float32)
    assert observe("gaussian", made, true).scale == pytest.approx(np.sqrt(3))
    assert observe("laplace", made, true).scale == pytest.approx(1.5)


def test_digits_are_evaluated_under_bernoulli_as_well() -> None:
    assert kinds("bce", (1, 28, 28)) == ["bernoulli"]
    assert kinds("mae", (1, 28, 28)) == ["laplace", "bernoulli"]
    assert kinds("rmse", (3, 32, 32)) == ["gaussian"]
    assert kinds(None, (3, 32, 32)) == ["gaussian"]


def test_the_divergence_is_that_of_normal_distributions() -> None:
    codes = Codes(np.array([[0.0, 1.0]]), np.array([[1.0, 0.5]]))
    wanted = torch.distributions.kl_divergence(
        torch.distributions.Normal(1.0, 0.5), torch.distributions.Normal(0.0, 1.0)
    )
    assert codes.divergence[0] == pytest.approx([0.0, float(wanted)])


def test_the_aggregated_posterior_adds_both_variances() -> None:
    means = np.array([[-1.0, 0.0], [1.0, 0.05]])
    codes = Codes(means, np.array([[0.5, 1.0], [0.5, 1.0]]))
    first, second = codes.dimensions()
    assert first["mean"] == 0.0
    assert first["std"] == pytest.approx(np.sqrt(1.25), abs=1e-4)
    assert second["std"] == pytest.approx(1.0, abs=1e-3)
    assert codes.active == 1


def test_the_baseline_is_the_mean_image_under_the_distribution() -> None:
    model = Linear()
    train, test = model.pictures(400, seed=1), model.pictures(50, seed=2)
    codes, shape = encoded(model, [test])
    metrics = {
        metric.name: metric for metric in bounds.measure(model, test, train, codes, shape, ["gaussian"], 20, SETTING)
    }
    elbo, bound = metrics["elbo_gaussian"], metrics["iw_bound_gaussian"]
    assert elbo.baseline is not None
    assert elbo.baseline < elbo.value < bound.value < model.log_density(test / 255).mean() + 0.5
    assert "20 posterior draws" in bound.protocol
    assert metrics["kl"].value == pytest.approx(codes.divergence.sum(axis=1).mean(), abs=1e-3)
    assert metrics["active_dimensions"].value == 2
    assert metrics["aggregated_mean_variance"].value == pytest.approx(1.0, abs=0.3)
