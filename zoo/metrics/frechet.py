"""How far the distribution of made pictures is from that of the training pictures, as a feature network sees them.

    d^2 = |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2))

for the means m and covariances S of the features of two sets (Heusel et al. 2017, equation 6, there with Inception's
features). It depends on the network and, being biased, on the number of pictures: both are in the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from zoo.arrays import Floats, Pixels
from zoo.catalog.spec import Metric
from zoo.inference.model import Model
from zoo.metrics.features import Features, seen
from zoo.metrics.levels import in_calls, levels
from zoo.metrics.setting import Setting

SAMPLES = "frechet: samples of the shipped prior, beside those of the standard normal; "


class _Given(torch.nn.Identity):
    """Stands where torchmetrics would compute features: they are computed already."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features


def distance(one: Floats, other: Floats) -> float:
    """Frechet distance, squared as usual, of two sets of features (N, F) and (M, F); symmetric."""
    metric = FrechetInceptionDistance(_Given(one.shape[1])).set_dtype(torch.float64)
    metric.update(torch.from_numpy(other.astype(np.float64)), real=True)
    metric.update(torch.from_numpy(one.astype(np.float64)), real=False)
    return max(0.0, float(metric.compute()))


def generated(model: Model, n: int, size: int, prior: Literal["default", "normal"]) -> Iterator[Pixels]:
    """`n` new pictures of seed 0 in batches; `size` is how many values a picture has."""
    return in_calls(lambda part: levels(model.decode(part)), model.draw(n, 0, prior), size)


def measure(
    model: Model, net: Features, made: Pixels, test: Pixels, train: Floats, n: int, setting: Setting
) -> list[Metric]:
    """Distances to the features of the training pictures, `train`: of samples, reconstructions and real pictures.

    `made` are the reconstructions of the held-out pictures `test`. Of each, the first `n` count. A model that
    generates nothing has no samples.
    """
    n, draws = min(n, len(test)), "generate" in model.capabilities
    height, width = test.shape[2:]
    protocol = (
        f"Frechet distance in the {train.shape[1]} features of {net.text} between {n} pictures and the {len(train)} "
        f"training pictures, all at {width} x {height}, 8-bit levels; {SAMPLES if draws else ''}"
        "frechet_reconstruction: held-out pictures after encode and decode; frechet_held_out: the same pictures "
        "themselves, the least that can be hoped for"
    )
    metrics = []
    if draws:
        size = test[0].size
        plain = distance(seen(net, generated(model, n, size, "normal")), train)
        fitted = "sample" in model.interface.graphs()
        shipped = distance(seen(net, generated(model, n, size, "default")), train) if fitted else plain
        metrics.append(setting.metric("frechet", shipped, protocol, n, plain))
    return [
        *metrics,
        setting.metric("frechet_reconstruction", distance(net.features(made[:n]), train), protocol, n),
        setting.metric("frechet_held_out", distance(net.features(test[:n]), train), protocol, n),
    ]
