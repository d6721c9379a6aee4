"""Fitting a prior to where a model's latents really are.

The aggregated posterior of a trained VAE is not the standard normal it was drawn towards, so what the decoder makes of
plain noise is worse than what it makes of a picture's latent. A density fitted afterwards to the training pictures'
latents mends that without training anew (Ghosh et al. 2020, "From variational to deterministic autoencoders").
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor, nn

from zoo.arrays import Floats
from zoo.catalog.registry import Registry
from zoo.errors import TrainingError
from zoo.inference.backends.mixture import MixturePrior
from zoo.inference.latents import noise
from zoo.loading import load
from zoo.recipes.recipe import PriorTable
from zoo.training.objective import Batch

# How unlike a set of pictures is to the training pictures; less is better.
Distance = Callable[[Floats], float]
# Beyond every draw of a standard normal, within float16.
EDGE = 1e4
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
BATCH = 250


@dataclass(frozen=True)
class Candidate:
    """One prior and its figure, the less the better; `prior` is None for the standard normal."""

    name: str
    figure: float
    prior: MixturePrior | None


def choose_prior(
    net: nn.Module, table: PriorTable, training: Floats, held_out: Floats, distance: Distance | None
) -> list[Candidate]:
    """Every candidate, the best first: the standard normal and each mixture of the recipe.

    `training` and `held_out` are latents (N, D), posterior means. With `choose = "frechet"`, the figure is `distance`
    of decoded samples; with `likelihood`, the negative mean log-likelihood of the held-out latents, in nats.
    """
    latents = training.shape[1]

    def figure(fitted: FittedPrior | None) -> float:
        if distance is not None:
            prior = fitted.prior if fitted else None
            return distance(np.concatenate(list(samples(net, prior, latents, table.samples))))
        return -(fitted.log_likelihood(held_out) if fitted else standard_log_likelihood(held_out))

    candidates = [Candidate("normal", figure(None), None)]
    tried = {(k, min(p, latents, len(training) - 1)) for p in table.dimensions for k in table.components}
    for components, dimensions in sorted(tried):
        if components * 2 <= len(training):
            fitted = fit_prior(training, components, dimensions)
            name = f"{components} components, {dimensions} dimensions"
            candidates.append(Candidate(name, figure(fitted), fitted.prior))
    return sorted(candidates, key=lambda candidate: candidate.figure)


@dataclass(frozen=True)
class FittedPrior:
    """A prior to draw from, and scikit-learn's mixture behind it to measure with."""

    prior: MixturePrior
    mixture: GaussianMixture

    def log_likelihood(self, latents: Floats) -> float:
        """Mean log-density of latents (N, D), in nats."""
        basis, offset = self.prior.basis.numpy().astype(np.float64), self.prior.offset.numpy()
        inner = (latents - offset) @ basis.T
        scale = self.prior.residual.numpy() + 1e-6
        outer = -0.5 * ((latents - offset - inner @ basis) / scale) ** 2 - np.log(scale) - HALF_LOG_2PI
        # What the basis leaves lies in D - P dimensions; its density over all D axes counts with that share.
        share = 1.0 - len(basis) / latents.shape[1]
        return float(self.mixture.score(inner) + share * outer.sum(axis=1).mean())


def standard_log_likelihood(latents: Floats) -> float:
    """Mean log-density of latents (N, D) under the standard normal, in nats."""
    return float((-0.5 * latents**2 - HALF_LOG_2PI).sum(axis=1).mean())


def fit_prior(latents: Floats, components: int, dimensions: int, seed: int = 0) -> FittedPrior:
    """A mixture of full-covariance Gaussians in the latents' first principal dimensions; normal noise in the rest.

    `latents` (N, D), as many dimensions as D at most.
    """
    from sklearn.mixture import GaussianMixture

    offset = latents.mean(axis=0)
    centred = (latents - offset).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    basis = directions[:, ::-1][:, :dimensions].T
    inner = centred @ basis.T
    residual = (centred - inner @ basis).std(axis=0)
    # Covariances of few pictures are uncertain: a little of the whole set's variance keeps each within reason.
    regular = 1e-3 * float(inner.var(axis=0).mean())
    mixture = GaussianMixture(components, reg_covar=regular, random_state=seed).fit(inner)
    edges = [statistics.NormalDist().inv_cdf(float(p)) for p in np.cumsum(mixture.weights_)[:-1]]
    bounds = np.array([-EDGE, *edges, EDGE], np.float16)  # as it is stored, so that the choice is the same at use
    arrays = {
        "lower": bounds[:-1],
        "upper": bounds[1:],
        "means": mixture.means_,
        "factors": np.linalg.cholesky(mixture.covariances_).transpose(0, 2, 1),
        "basis": basis,
        "offset": offset,
        "residual": residual,
    }
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)).float() for name, array in arrays.items()}
    return FittedPrior(MixturePrior(tensors), mixture)


@torch.no_grad()
def samples(net: nn.Module, prior: MixturePrior | None, latents: int, count: int, seed: int = 0) -> Iterator[Floats]:
    """Pictures decoded from draws of a prior, float32 (n, C, H, W), in batches."""
    draws = noise(count, (prior.noise if prior else latents,), seed)
    for first in range(0, count, BATCH):
        batch = torch.from_numpy(draws[first : first + BATCH])
        pictures: Tensor = net.decode(prior.sample(batch) if prior else batch)  # type: ignore[operator]
        yield pictures.clamp(0, 1).numpy()


@torch.no_grad()
def encoded(net: nn.Module, batches: Iterable[Batch]) -> Floats:
    """Posterior means (N, D) of the inputs of batches."""
    return np.concatenate([net.encode(batch.input)[0].numpy() for batch in batches])  # type: ignore[operator]


def frechet_to(batches: Iterable[Batch], table: PriorTable, registry: Registry) -> Distance:
    """The Frechet distance of pictures to the targets of `batches`, in the features of the recipe's feature model."""
    from zoo.metrics.features import FeatureNet
    from zoo.metrics.frechet import distance
    from zoo.metrics.levels import levels

    if not table.features:
        raise TrainingError("prior.choose = 'frechet' needs prior.features, the model whose features are compared")
    net = FeatureNet(load(table.features, registry=registry))
    real = net.features(levels(batch.target.numpy()) for batch in batches)
    return lambda pictures: distance(net.features(levels(pictures)), real)
