"""What the colorizer trains on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_colorizer.config import ColorizerConfig
from zoo_colorizer.lab import rgb_to_lab
from zoo_colorizer.network import CHROMA_RANGE, Colorizer
from zoo_colorizer.settings import choose

BIN_WIDTH = 10.0
BINS = 26
SCALES = tuple(round(0.1 * step, 1) for step in range(1, 31))


class ColorizerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`. `beta` is in units of a and b; `max_weight` bounds the weight of a rare colour.

    `uniform` is the share of a uniform distribution that is mixed into that of the training photos' colours before
    it is inverted. `chroma_floor` is the median chroma, as a share of the true photo's, that the chosen chroma scale
    must reach.
    """

    beta: Annotated[float, Meta(gt=0.0)] = 4.0
    max_weight: Annotated[float, Meta(ge=1.0)] = 6.0
    uniform: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5
    chroma_floor: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.45


class ColorizerObjective:
    """Huber loss on a and b, weighted by the rarity of the true colour.

    loss = mean(w * huber(ab - ab*, beta)) / mean(w)

    Most pixels of most photos are nearly gray or brown, so an unweighted loss settles for that. The weight of a colour
    is that of Zhang, Isola, Efros (2016), equation 4: 1 / ((1 - u) p + u / Q), of mean 1 over the training photos; p is
    the share of the colour's bin of 10 x 10 units, Q the number of bins that occur. Here it is bounded by a maximum.
    """

    Options = ColorizerOptions

    def __init__(self, config: ColorizerConfig, options: ColorizerOptions) -> None:
        self.config, self.options = config, options
        self.weights = torch.ones(BINS * BINS)

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Count the colours of the training photos, every fourth pixel of every fourth row."""
        counts = torch.zeros(BINS * BINS)
        for picture in pictures:
            lab = rgb_to_lab(picture[None, :, ::4, ::4].float() / 255.0)
            counts += torch.bincount(_bins(lab[:, 1:]).flatten(), minlength=BINS * BINS)
        share = counts / counts.sum()
        weights = 1.0 / ((1.0 - self.options.uniform) * share + self.options.uniform / (share > 0).sum())
        self.weights = (weights / (share * weights).sum()).clamp(max=self.options.max_weight)

    def networks(self) -> dict[str, nn.Module]:
        """One network."""
        return {"model": Colorizer(self.config)}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:  # noqa: ARG002 (nothing random here)
        """One step. The target's a and b are averaged to the half size at which the network answers."""
        target = functional.avg_pool2d(rgb_to_lab(batch.target)[:, 1:], 2)
        answer = nets["model"](batch.input).float() * CHROMA_RANGE
        weight = self.weights.to(target.device)[_bins(target)].unsqueeze(1)
        error = functional.smooth_l1_loss(answer, target, beta=self.options.beta, reduction="none")
        loss = (weight * error).mean() / weight.mean()
        chroma = answer.detach().norm(dim=1).mean() / target.norm(dim=1).mean().clamp(min=1e-3)
        yield "model", loss, {"chroma": chroma}

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """Figures at the best chroma scale: see `choose`."""

        def answers(batch: Batch) -> Iterator[Tensor]:
            ab = functional.interpolate(net(batch.input).float(), scale_factor=2.0, mode="bilinear") * CHROMA_RANGE
            yield from (ab * scale for scale in SCALES)

        return choose([{"chroma_scale": scale} for scale in SCALES], answers, batches, self.options.chroma_floor)


def _bins(ab: Tensor) -> Tensor:
    """The bin (N, H, W) of each colour (N, 2, H, W)."""
    a, b = ((ab + CHROMA_RANGE) / BIN_WIDTH).long().clamp(0, BINS - 1).unbind(1)
    return a * BINS + b
