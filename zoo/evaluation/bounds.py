"""What a variational autoencoder says of the probability of pictures, and how it uses its latent.

With k draws z_i of the posterior q(z|x), and the standard normal p(z) the model was trained with:

    ELBO = mean_i log p(x|z_i) - KL(q(z|x) || p(z))                         (Kingma and Welling 2014, equation 10)
    L_k  = log (1/k) sum_i p(x|z_i) p(z_i) / q(z_i|x)  <=  log p(x)         (Burda et al. 2016, equation 8)

A log-likelihood needs a probability p(x|z) of pixels, the observation model; figures under different ones can't be
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from zoo.arrays import Doubles, Floats, Pixels
from zoo.catalog.spec import Metric
from zoo.inference.latents import noise
from zoo.metrics.figures import mean
from zoo.metrics.levels import Pictures, in_calls, unit
from zoo.metrics.setting import Setting

Kind = Literal["bernoulli", "gaussian", "laplace"]

# What a recipe's reconstruction error is a log-likelihood of, but for its scale.
KINDS: Mapping[str, Kind] = {"bce": "bernoulli", "mse": "gaussian", "rmse": "gaussian", "mae": "laplace"}
# Probabilities are kept this far from 0 and 1.
EDGE = 1e-6
# A dimension is active if the posterior mean varies more than this over pictures (Burda et al. 2016, section 5.2).
ACTIVE = 0.01
# How many training pictures the scale of an observation model is fitted on.
FITTED_ON = 1000


class Variational(Protocol):
    """The part of a model that is measured here; latents are (N, *shape)."""

    def posterior(self, images: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of q(z|x)."""

    def decode(self, latents: Floats) -> Floats:
        """Pictures (N, C, H, W)."""


@dataclass(frozen=True)
class Observation:
    """The probability of a picture given the decoder's answer, independent in each value of [0, 1].

    `scale` is a standard deviation for `gaussian` and the mean absolute deviation b for `laplace`. A Bernoulli
    distribution of levels between 0 and 1 is the usual cross-entropy, which is no normalised density.
    """

    kind: Kind
    scale: float = 1.0

    def log_likelihood(self, picture: Floats, made: Floats) -> Doubles:
        """Nats of one picture (D,) under each of k answers (k, D)."""
        if self.kind == "bernoulli":
            sure = np.clip(made, EDGE, 1.0 - EDGE)
            return np.asarray(np.log(sure) @ picture + np.log1p(-sure) @ (1.0 - picture), np.float64)
        if self.kind == "gaussian":
            error = np.square(made - picture).sum(axis=1, dtype=np.float64) / (2.0 * self.scale**2)
            return np.asarray(-error - picture.size * np.log(self.scale * np.sqrt(2.0 * np.pi)), np.float64)
        error = np.abs(made - picture).sum(axis=1, dtype=np.float64) / self.scale
        return np.asarray(-error - picture.size * np.log(2.0 * self.scale), np.float64)

    @property
    def text(self) -> str:
        """The model in words."""
        if self.kind == "bernoulli":
            return f"Bernoulli, levels in [0, 1] as they are (cross-entropy), probabilities kept {EDGE:g} from 0 and 1"
        word = "standard deviation" if self.kind == "gaussian" else "mean absolute deviation"
        name = self.kind.capitalize()
        return f"{name} density of levels in [0, 1], one {word} {self.scale:.4g} for all pixels, fitted on train"


def observe(kind: Kind, made: Floats, true: Floats) -> Observation:
    """The observation model of most likely scale, given answers to training pictures and these, of one shape."""
    if kind == "gaussian":
        return Observation(kind, max(EDGE, float(np.sqrt(np.square(made - true).mean(dtype=np.float64)))))
    if kind == "laplace":
        return Observation(kind, max(EDGE, float(np.abs(made - true).mean(dtype=np.float64))))
    return Observation(kind)


def kinds(reconstruction: str | None, shape: Sequence[int]) -> list[Kind]:
    """Observation models to evaluate by: that of the recipe's reconstruction error, and Bernoulli for gray 28x28.

    Digits are compared under Bernoulli, whatever the model was trained on.
    """
    digits = tuple(shape) == (1, 28, 28)
    own: Kind = KINDS.get(reconstruction or "", "bernoulli" if digits else "gaussian")
    return [own, "bernoulli"] if digits and own != "bernoulli" else [own]


@dataclass(frozen=True)
class Codes:
    """Posteriors of N pictures: mean and standard deviation, (N, D)."""

    mean: Doubles
    std: Doubles

    @property
    def divergence(self) -> Doubles:
        """KL divergence from the standard normal of each picture and dimension, in nats."""
        std = np.maximum(self.std, 1e-20)
        return np.asarray(0.5 * (self.mean**2 + std**2 - 1.0) - np.log(std), np.float64)

    @property
    def active(self) -> int:
        """How many dimensions are active."""
        return int((self.mean.var(axis=0) > ACTIVE).sum())

    def dimensions(self) -> list[dict[str, float]]:
        """For each dimension its mean KL in nats, the variance of its means, and the aggregated posterior's moments."""
        kl, moved = self.divergence.mean(axis=0), self.mean.var(axis=0)
        centre, spread = self.mean.mean(axis=0), np.sqrt(moved + (self.std**2).mean(axis=0))
        rows = zip(kl, moved, centre, spread, strict=True)
        return [
            {"kl": round(a, 4), "variance_of_means": round(b, 4), "mean": round(c, 4), "std": round(d, 4)}
            for a, b, c, d in (map(float, row) for row in rows)
        ]


def encoded(model: Variational, batches: Iterable[Pixels]) -> tuple[Codes, tuple[int, ...]]:
    """Posteriors of batches of pictures, flattened, and the shape of one latent."""
    found = [model.posterior(unit(batch)) for batch in batches]
    average, spread = (np.concatenate([answer[part] for answer in found]) for part in (0, 1))
    flat = (len(average), -1)
    return Codes(average.reshape(flat).astype(np.float64), spread.reshape(flat).astype(np.float64)), average.shape[1:]


@dataclass(frozen=True)
class Likelihoods:
    """Bounds of each picture in nats, by observation model."""

    elbo: Mapping[Kind, Doubles]
    weighted: Mapping[Kind, Doubles]


def likelihoods(
    model: Variational,
    pictures: Pixels,
    codes: Codes,
    shape: tuple[int, ...],
    observations: Sequence[Observation],
    samples: int,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Likelihoods:
    """ELBO and importance-weighted bound of uint8 pictures (N, C, H, W) with `samples` draws for each.

    The draws of a picture depend on its place alone.
    """
    elbo: dict[Kind, list[float]] = {observation.kind: [] for observation in observations}
    weighted: dict[Kind, list[float]] = {observation.kind: [] for observation in observations}
    divergence = codes.divergence.sum(axis=1)
    for index, picture in enumerate(unit(pictures)):
        draws = noise(samples, (codes.mean.shape[1],), index).astype(np.float64)
        latents = codes.mean[index] + codes.std[index] * draws
        # log p(z) - log q(z|x): the constants of the two normal densities cancel.
        ratio = (0.5 * (draws**2 - latents**2) + np.log(np.maximum(codes.std[index], 1e-20))).sum(axis=1)
        given = latents.astype(np.float32).reshape(samples, *shape)
        parts = [
            [observation.log_likelihood(picture.ravel(), made.reshape(len(made), -1)) for observation in observations]
            for made in in_calls(model.decode, given, picture.size)
        ]
        for place, observation in enumerate(observations):
            log_likelihood = np.concatenate([part[place] for part in parts])
            elbo[observation.kind].append(float(log_likelihood.mean() - divergence[index]))
            weights = log_likelihood + ratio
            weighted[observation.kind].append(float(np.logaddexp.reduce(weights) - np.log(samples)))
        report(index + 1, len(pictures))
    arrays = [{kind: np.array(values) for kind, values in found.items()} for found in (elbo, weighted)]
    return Likelihoods(*arrays)


class Density(Protocol):
    """A model that knows the probability of a picture."""

    def log_likelihood(self, images: Floats) -> Floats:
        """Nats of each picture of 256 levels, (N,)."""


def exact(model: Density, test: Pictures, setting: Setting) -> Metric:
    """Bits per dimension by the model's own log-likelihood, beside 8, which any picture of 256 levels has at most."""
    found = np.concatenate([model.log_likelihood(unit(batch)) for batch in test.batches()]).astype(np.float64)
    protocol = (
        "bits per dimension: the model's own log-likelihood of pictures of 256 levels at its size, by -D ln 2, where D "
        "is the number of their values; the baseline: each level equally likely"
    )
    bits = -found / (test.picture(0).size * np.log(2.0))
    return setting.metric("bits_per_dimension", mean(bits), protocol, len(test), 8.0)


def measure(
    model: Variational,
    test: Pixels,
    train: Pixels,
    codes: Codes,
    shape: tuple[int, ...],
    wanted: Sequence[Kind],
    samples: int,
    setting: Setting,
) -> list[Metric]:
    """ELBO and bound under each observation model, beside the same model around the mean training picture.

    The scale of an observation model is fitted to decoded draws, one for each of some training pictures `train`.
    """
    fitted_on = train[np.linspace(0, len(train) - 1, min(FITTED_ON, len(train))).round().astype(int)]
    true = unit(fitted_on)
    learnt, _ = encoded(model, in_calls(lambda part: part, fitted_on, true[0].size))
    draws = learnt.mean + learnt.std * noise(len(true), (learnt.mean.shape[1],), 0)
    given = draws.astype(np.float32).reshape(-1, *shape)
    made = np.concatenate(list(in_calls(model.decode, given, true[0].size)))
    average = unit(train).mean(axis=0)
    observations = [observe(kind, made, true) for kind in wanted]
    blind = [observe(kind, average[None], true) for kind in wanted]
    found = likelihoods(model, test, codes, shape, observations, samples, setting.report)
    metrics = []
    for observation, guess in zip(observations, blind, strict=True):
        kind = observation.kind
        protocol = (
            f"Nats per picture; {observation.text}; latent under the standard normal prior; {samples} posterior draws "
            "a picture, seeded by its place; elbo: analytic KL; iw_bound: Burda et al. 2016, equation 8; "
            "the baseline: the same kind of distribution around the mean training picture, its scale fitted likewise"
        )
        nothing = np.array([guess.log_likelihood(one.ravel(), average.reshape(1, -1))[0] for one in unit(test)]).mean()
        metrics += [
            setting.metric(f"elbo_{kind}", mean(found.elbo[kind]), protocol, len(test), nothing),
            setting.metric(f"iw_bound_{kind}", mean(found.weighted[kind]), protocol, len(test), nothing),
        ]
    return metrics + latent_figures(codes, setting)


def latent_figures(codes: Codes, setting: Setting) -> list[Metric]:
    """How the latent is used: KL in nats, active dimensions, and the aggregated posterior beside the prior."""
    protocol = (
        f"Posterior of each picture, {codes.mean.shape[1]} dimensions; kl: from the standard normal, in nats, summed "
        f"over dimensions; active_dimensions: those whose posterior mean has a variance over {ACTIVE} over pictures "
        "(Burda et al. 2016); aggregated posterior: the mixture of all pictures' posteriors; furthest_mean: the "
        "greatest absolute mean of a dimension (the prior's is 0), mean_variance: the mean over dimensions of its "
        "variance (the prior's is 1)"
    )
    rows, n = codes.dimensions(), len(codes.mean)
    furthest = max(abs(row["mean"]) for row in rows)
    variance = float(np.mean([row["std"] ** 2 for row in rows]))
    return [
        setting.metric("kl", mean(codes.divergence.sum(axis=1)), protocol, n, 0.0),
        setting.metric("active_dimensions", codes.active, protocol, n),
        setting.metric("aggregated_furthest_mean", furthest, protocol, n, 0.0),
        setting.metric("aggregated_mean_variance", variance, protocol, n, 1.0),
    ]
