"""What the family trains on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_vq_vae.config import VQVAEConfig
from zoo_vq_vae.network import VQVAE

SHEET = 8


class VQVAEOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`: how much it counts that the encoder stays near the codes."""

    commitment: Annotated[float, Meta(ge=0.0)] = 0.25


class VQVAEObjective:
    """Squared error of the picture, in units of the variance of pixels, and of the vectors to their codes.

    Equation 3 of the paper without its middle term: the codebook follows by moving averages (appendix A.1).
    """

    Options = VQVAEOptions

    def __init__(self, config: VQVAEConfig, options: VQVAEOptions) -> None:
        self.config, self.options = config, options
        self.variance = 1.0

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Measure how much pixels vary, from the first 100 pictures."""
        variances = [float((picture.float() / 255).var()) for _, picture in zip(range(100), pictures, strict=False)]
        self.variance = max(1e-4, sum(variances) / len(variances))

    def networks(self) -> dict[str, nn.Module]:
        """One network."""
        return {"model": VQVAE(self.config)}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:
        """One step."""
        del rng  # nothing is drawn at random
        made, commitment, codes = nets["model"](batch.input)
        error = functional.mse_loss(made.float(), batch.target) / self.variance
        loss = error + self.options.commitment * commitment
        yield "model", loss, {"error": error.detach(), "perplexity": perplexity(codes, self.config.codes)}

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """PSNR in dB, and the perplexity of the codes: how many are in use, as if evenly."""
        figures, codes, sheet = [], [], []
        for batch in batches:
            made, _, chosen = net(batch.input)
            error = (made.float() - batch.target).square().mean(dim=(1, 2, 3))
            figures.append(-10.0 * error.clamp(min=1e-10).log10())
            codes.append(chosen.flatten())
            rows = torch.cat([batch.target, made.float()], dim=3).expand(-1, 3, -1, -1)
            sheet += list(rows.cpu())[: SHEET - len(sheet)]
        used = float(perplexity(torch.cat(codes), self.config.codes))
        return Evaluation(
            {"psnr": float(torch.cat(figures).mean()), "perplexity": used}, samples=torch.cat(sheet, dim=1)
        )


def perplexity(codes: Tensor, count: int) -> Tensor:
    """The exponential of the entropy of codes: `count` if each is as frequent as any other, 1 if there is but one."""
    share = torch.bincount(codes.flatten(), minlength=count).float() / codes.numel()
    return (-(share * share.clamp(min=1e-10).log()).sum()).exp()
