"""How like made pictures are to real ones, and how much of what is real they cover, in any space of features.

Precision is the share of made pictures that lie within the manifold of the real ones, recall the share of real pictures
that lie within the manifold of the made ones; a set's manifold is the union of balls around its members, each reaching
to the k-th nearest other member (Kynkäänniemi et al. 2019, equations 1 and 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.arrays import Floats
from zoo.metrics.frechet import distance

NEIGHBOURS = 3
# Rows of a table of distances that are held at once.
ROWS = 1000


@dataclass(frozen=True)
class Likeness:
    """Figures of made pictures beside real ones.

    `frechet` is the Frechet distance, squared as usual; `diversity` the mean distance of two made pictures, in units of
    that of two real ones.
    """

    frechet: float
    precision: float
    recall: float
    diversity: float


def likeness(made: Floats, real: Floats, neighbours: int = NEIGHBOURS) -> Likeness:
    """Compare features (N, F) of made pictures with those of real ones, (M, F); recall wants N and M alike."""
    precision, recall = precision_recall(made, real, neighbours)
    return Likeness(distance(made, real), precision, recall, spread(made) / max(spread(real), 1e-12))


def precision_recall(made: Floats, real: Floats, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Precision and recall of features (N, F) and (M, F), each of more than `neighbours` members."""
    one, other = torch.from_numpy(made).double(), torch.from_numpy(real).double()
    return _within(one, other, neighbours), _within(other, one, neighbours)


def spread(features: Floats) -> float:
    """Mean Euclidean distance of two members of a set of features (N, F)."""
    x = torch.from_numpy(features).double()
    total = torch.stack([torch.cdist(part, x).sum() for part in torch.split(x, ROWS)]).sum()
    return float(total) / max(1, len(x) * (len(x) - 1))


def _within(points: Tensor, members: Tensor, neighbours: int) -> float:
    """The share of `points` that lie within the manifold of `members`."""
    k = min(neighbours, len(members) - 1)
    radii = torch.cat([torch.cdist(part, members).kthvalue(k + 1, dim=1).values for part in torch.split(members, ROWS)])
    inside = [(torch.cdist(part, members) <= radii).any(dim=1) for part in torch.split(points, ROWS)]
    return float(torch.cat(inside).double().mean())
