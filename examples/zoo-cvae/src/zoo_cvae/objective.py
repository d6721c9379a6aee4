"""What the family trains on: the evidence lower bound of pictures, given their labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_cvae.config import ConditionalVAEConfig
from zoo_cvae.network import ConditionalVAE


class ConditionalVAEOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`: `kl_weight` above 1 keeps more out of the latent, the label first of all."""

    kl_weight: Annotated[float, Meta(gt=0.0)] = 1.0


class ConditionalVAEObjective:
    """log p(x | z, label) - KL(q(z | x, label) || N(0, 1)), the first by cross-entropy (Sohn et al. 2015, eq. 4).

    `[data] labels` names one column, or comparison, for each label: `batch.labels` (N, K) is then what is told.
    """

    Options = ConditionalVAEOptions

    def __init__(self, config: ConditionalVAEConfig, options: ConditionalVAEOptions) -> None:
        self.config, self.options = config, options

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Nothing to look at."""

    def networks(self) -> dict[str, nn.Module]:
        """The network that is exported."""
        return {"model": ConditionalVAE(self.config)}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:
        """One loss for each step."""
        noise = torch.randn((len(batch.input), self.config.latent), generator=rng, device=batch.input.device)
        error, divergence = bound(nets["model"], batch, noise)
        yield "model", (error + self.options.kl_weight * divergence).mean(), {"kl": divergence.detach().mean()}

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """The negative loss in nats, and a sheet with a row for each of 8 draws and a column for each label."""
        found = []
        for batch in batches:
            noise = torch.randn((len(batch.input), self.config.latent), generator=torch.Generator().manual_seed(0))
            error, divergence = bound(net, batch, noise.to(batch.input.device))
            found.append(error + self.options.kl_weight * divergence)
        labels = torch.eye(len(self.config.labels)).repeat(8, 1)
        draws = torch.randn((8, self.config.latent), generator=torch.Generator().manual_seed(0))
        device = next(net.parameters()).device
        made = net.decode(  # type: ignore[operator]  # the family's network has it
            draws.repeat_interleave(len(self.config.labels), dim=0).to(device), labels.to(device)
        )
        rows = made.cpu().expand(-1, 3, -1, -1).unflatten(0, (8, -1))
        sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
        return Evaluation({"score": -float(torch.cat(found).mean())}, samples=sheet)


def bound(net: nn.Module, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Reconstruction error and KL divergence of each picture, (N,), in nats."""
    assert batch.labels is not None
    mean, log_variance = net.encode(batch.input, batch.labels)  # type: ignore[operator]  # the family's network has it
    z = mean + (log_variance / 2).exp() * noise
    logits = net.logits(z, batch.labels)  # type: ignore[operator]
    error = functional.binary_cross_entropy_with_logits(logits, batch.target, reduction="none").flatten(1).sum(dim=1)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=1)
    return error, divergence
