"""What the colorizer trains on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.training.objective import Batch, Logs, Networks, Verdict
from zoo_colorizer.config import ColorizerConfig
from zoo_colorizer.network import CHROMA_RANGE, Colorizer, lab_to_rgb, lightness, rgb_to_lab

SCALES = tuple(round(0.1 * step, 1) for step in range(1, 16))


class ColorizerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`. `beta` and `neutral` are in units of a and b.

    `chroma_floor` is the median chroma, as a share of the true photo's, that the chosen chroma scale must reach.
    """

    beta: Annotated[float, Meta(gt=0.0)] = 4.0
    neutral: Annotated[float, Meta(gt=0.0)] = 12.0
    colour_weight: Annotated[float, Meta(ge=1.0)] = 3.0
    chroma_floor: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.5


class ColorizerObjective:
    """Huber loss on a and b, weighted towards colour.

    loss = mean(w * huber(ab - ab*, beta)) / mean(w),  w = clamp(|ab*| / neutral, 1, colour_weight)

    Most pixels of most photos are nearly gray, so an unweighted loss settles for gray. Rare colours are nearly always
    strong ones, so the weight follows chroma; Zhang, Isola, Efros (2016), section 2.2, rebalance by rarity itself.
    """

    Options = ColorizerOptions

    def __init__(self, config: ColorizerConfig, options: ColorizerOptions) -> None:
        self.config, self.options = config, options

    def networks(self) -> dict[str, nn.Module]:
        """One player."""
        return {"model": Colorizer(self.config)}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:  # noqa: ARG002 (nothing random here)
        """One move. The target's a and b are averaged to the half size at which the network answers."""
        target = functional.avg_pool2d(rgb_to_lab(batch.target)[:, 1:], 2)
        answer = nets["model"](batch.input).float() * CHROMA_RANGE
        weight = (target.norm(dim=1, keepdim=True) / self.options.neutral).clamp(1.0, self.options.colour_weight)
        error = functional.smooth_l1_loss(answer, target, beta=self.options.beta, reduction="none")
        loss = (weight * error).mean() / weight.mean()
        chroma = answer.detach().norm(dim=1).mean() / target.norm(dim=1).mean().clamp(min=1e-3)
        yield "model", loss, {"chroma": chroma}

    @torch.no_grad()
    def judge(self, net: nn.Module, batches: Iterable[Batch]) -> Verdict:
        """PSNR gain over gray, share of views that gain and median chroma, at the best chroma scale.

        The best scale has the greatest mean gain among those whose median chroma is at least `chroma_floor`; where none
        is, the boldest. `score` is that gain, less 10 dB for each unit of chroma missing from the floor.
        """
        gains: list[Tensor] = []
        chromas: list[Tensor] = []
        sheet: list[Tensor] = []
        for number, batch in enumerate(batches):
            light, target = lightness(batch.input), batch.target
            ab = functional.interpolate(net(batch.input).float(), scale_factor=2.0, mode="bilinear") * CHROMA_RANGE
            true = rgb_to_lab(target)[:, 1:].norm(dim=1).mean(dim=(1, 2)).clamp(min=1e-3)
            base = _psnr(batch.input.expand_as(target), target)
            made = [lab_to_rgb(torch.cat([light, ab * scale], dim=1)) for scale in SCALES]
            gains.append(torch.stack([_psnr(rgb, target) - base for rgb in made], dim=1))
            chromas.append(torch.stack([_chroma(rgb) / true for rgb in made], dim=1))
            if number % 3 == 0 and len(sheet) < 8:
                rows = [batch.input.expand_as(target), made[4], made[9], target]
                sheet.append(torch.cat(rows, dim=3)[0])
        gain, chroma = torch.cat(gains), torch.cat(chromas).median(dim=0).values
        reaches = [i for i in range(len(SCALES)) if chroma[i] >= self.options.chroma_floor] or [len(SCALES) - 1]
        best = max(reaches, key=lambda i: float(gain[:, i].mean()))
        missing = max(0.0, self.options.chroma_floor - float(chroma[best]))
        figures = {
            "score": float(gain[:, best].mean()) - 10.0 * missing,
            "psnr_gain": float(gain[:, best].mean()),
            "psnr_gain_free": float(gain.mean(dim=0).max()),
            "gaining": float((gain[:, best] > 0).float().mean()),
            "chroma": float(chroma[best]),
            "chroma_scale": SCALES[best],
        }
        return Verdict(figures, {"chroma_scale": SCALES[best]}, torch.cat(sheet, dim=1))


def _psnr(rgb: Tensor, target: Tensor) -> Tensor:
    """PSNR in dB of each picture of a batch."""
    return -10.0 * (rgb - target).square().mean(dim=(1, 2, 3)).clamp(min=1e-10).log10()


def _chroma(rgb: Tensor) -> Tensor:
    """Mean chroma of each picture, in units of a and b."""
    chroma: Tensor = rgb_to_lab(rgb)[:, 1:].norm(dim=1)
    return chroma.mean(dim=(1, 2))
