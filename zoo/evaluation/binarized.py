"""The likelihood of binarised digits, as papers compare it.

Each pixel of a held-out digit is drawn once as black or white, with its level as the probability of white
(Salakhutdinov and Murray 2008), and log p(x) is bounded from below by importance sampling with many draws of the
posterior: L_k of `zoo.evaluation.bounds`, with k = 5,000 as in Burda et al. 2016. The draws are not those that papers
share, but made by a seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.arrays import Pixels
from zoo.catalog.spec import Metric
from zoo.evaluation.bounds import Observation, Variational, encoded, likelihoods
from zoo.metrics.figures import mean
from zoo.metrics.levels import Pictures, in_calls, unit
from zoo.metrics.setting import Setting

# How many pictures are looked at, evenly spaced; with so many draws each.
PICTURES, SAMPLES = 1000, 5000
_BERNOULLI = Observation("bernoulli")


def binarized(pictures: Pixels) -> Pixels:
    """Each pixel 0 or 255, the same at every call; the first of several are those of fewer."""
    draws = np.random.Generator(np.random.Philox(key=0)).random(pictures.shape, np.float32)
    return np.where(draws < unit(pictures), np.uint8(255), np.uint8(0))


def measure(
    model: Variational, test: Pictures, train: Pixels, samples: int | None, setting: Setting
) -> Sequence[Metric]:
    """The negative log-likelihood and the negative ELBO in nats, beside the mean training picture's likelihood."""
    pictures, k = binarized(test.array(test.spread(PICTURES))), samples or SAMPLES
    codes, shape = encoded(model, in_calls(lambda part: part, pictures, pictures[0].size))
    found = likelihoods(model, pictures, codes, shape, [_BERNOULLI], k, setting.report)
    average = unit(train).mean(axis=0).reshape(1, -1)
    blind = np.array([_BERNOULLI.log_likelihood(one.ravel(), average)[0] for one in unit(pictures)])
    protocol = (
        "nats per digit; each pixel drawn black or white once, by seed, its level the probability (static "
        f"binarisation); Bernoulli; {k} importance samples of the posterior a digit (Burda et al. 2016, "
        f"equation 8), seeded by its place; {len(pictures)} evenly spaced pictures; negative_elbo_binarized: the same "
        "draws, analytic KL; the baseline: the mean training picture"
    )
    figures = {"nll_binarized": found.weighted, "negative_elbo_binarized": found.elbo}
    return [
        setting.metric(name, mean(-values["bernoulli"]), protocol, len(pictures), -blind.mean())
        for name, values in figures.items()
    ]
