"""What the family trains on: the mean absolute difference to the large picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_superres.config import UpscalerConfig
from zoo_superres.network import Upscaler


class UpscalerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`: nothing to set."""


class UpscalerObjective:
    """L1 between answer and target; `[degrade] kind = "shrink"` makes the input."""

    Options = UpscalerOptions

    def __init__(self, config: UpscalerConfig, options: UpscalerOptions) -> None:
        self.config, self.options = config, options

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Nothing to look at."""

    def networks(self) -> dict[str, nn.Module]:
        """The network that is exported."""
        return {"model": Upscaler(self.config)}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:
        """One loss for each step."""
        del rng  # nothing is drawn at random
        yield "model", functional.l1_loss(nets["model"](batch.input).float(), batch.target), {}

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """PSNR in dB, and how much more that is than bicubic interpolation has."""
        own, bicubic, sheet = [], [], []
        for batch in batches:
            made = net(batch.input).float().clamp(0.0, 1.0)
            large = functional.interpolate(batch.input, batch.target.shape[2:], mode="bicubic").clamp(0.0, 1.0)
            own.append(psnr(made, batch.target))
            bicubic.append(psnr(large, batch.target))
            rows = torch.cat([large, made, batch.target], dim=3).expand(-1, 3, -1, -1)
            sheet += list(rows.cpu())[: 8 - len(sheet)]
        after, before = float(torch.cat(own).mean()), float(torch.cat(bicubic).mean())
        return Evaluation({"psnr": after, "gain": after - before}, samples=torch.cat(sheet, dim=1))


def psnr(made: Tensor, target: Tensor) -> Tensor:
    """PSNR in dB of each picture of a batch, (N,)."""
    return -10.0 * (made - target).square().mean(dim=(1, 2, 3)).clamp(min=1e-10).log10()
