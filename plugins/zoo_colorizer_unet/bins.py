"""Bins of a and b of CIE Lab, and how a colour is told by them (Zhang, Isola, Efros 2016)."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo_colorizer.lab import lab_to_rgb, rgb_to_lab

STEP = 10.0
REACH = 110.0
# A colour counts as one of sRGB's if it comes back from it within this much.
SLACK = 2.0
NEAREST, SIGMA = 5, 5.0
HALF = 128


def in_gamut() -> Tensor:
    """Centres (Q, 2) of the squares of 10 a side that sRGB has a colour in at some lightness."""
    # A network is also built on the device `meta`, to compare shapes: nothing could be counted there.
    with torch.device("cpu"):
        axis = torch.arange(-REACH, REACH + 1, STEP)
        points = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)
        kept = torch.zeros(len(points), dtype=torch.bool)
        for light in range(10, 100, 5):
            asked = torch.cat([torch.full((len(points), 1), float(light)), points], dim=1).T[None, :, :, None]
            kept |= (rgb_to_lab(lab_to_rgb(asked)) - asked).abs().amax(dim=1)[0, :, 0] < SLACK
    return points[kept]


class SoftBins:
    """The nearest bins of every whole a and b, with the weights of equation 3's soft encoding: a table to look up."""

    def __init__(self, bins: Tensor) -> None:
        axis = torch.arange(-HALF, HALF, dtype=torch.float32)
        colours = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)
        distance, self.index = torch.cdist(colours, bins).topk(NEAREST, largest=False)
        weight = torch.exp(-(distance**2) / (2 * SIGMA**2))
        self.weight = weight / weight.sum(dim=1, keepdim=True)

    def __call__(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """Indices and weights, each (N, 5, H, W), of colours (N, 2, H, W), rounded to whole a and b."""
        a, b = (ab.round().long() + HALF).clamp(0, 2 * HALF - 1).unbind(1)
        place = a * (2 * HALF) + b
        index, weight = (table.to(ab.device)[place].permute(0, 3, 1, 2) for table in (self.index, self.weight))
        return index, weight
