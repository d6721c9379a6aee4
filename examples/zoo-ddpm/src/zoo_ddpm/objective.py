"""What the family trains on: the squared error of the predicted v at a random time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec
import torch
from torch import Generator, Tensor, nn

from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_ddpm.config import DDPMConfig
from zoo_ddpm.network import DDPM

# States are compared at these times, with the same noise each time; the sheet has so many samples, in so many steps.
TIMES = 8
SAMPLES, STEPS = 32, 20


class DDPMOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`: nothing to set."""


class DDPMObjective:
    """The mean of |v - predicted v|^2 over evenly drawn times (Salimans and Ho 2022)."""

    Options = DDPMOptions

    def __init__(self, config: DDPMConfig, options: DDPMOptions) -> None:
        self.config, self.options = config, options

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Nothing to look at."""

    def networks(self) -> dict[str, nn.Module]:
        """The network that is exported."""
        return {"model": DDPM(self.config)}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:
        """One loss for each step."""
        device, count = batch.target.device, len(batch.target)
        # One time from each of `count` equal parts: the mean varies less than that of independent draws.
        shift = torch.rand((), generator=rng, device=device)
        times = (torch.arange(count, device=device) / count + shift) % 1.0
        noise = torch.randn(batch.target.shape, generator=rng, device=device)
        yield "model", error(nets["model"], batch.target, noise, times).mean(), {}

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """The negative error, and a sheet of samples."""
        found, device = [], next(net.parameters()).device
        rng = torch.Generator().manual_seed(0)
        for batch in batches:
            noise = torch.randn(batch.target.shape, generator=rng).to(device)
            times = ((torch.arange(len(batch.target)) % TIMES + 0.5) / TIMES).to(device)
            found.append(error(net, batch.target, noise, times))
        shape = (SAMPLES, self.config.channels, self.config.size, self.config.size)
        made = sample(net, torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)).cpu()
        rows = made.expand(-1, 3, -1, -1).unflatten(0, (4, -1))
        sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
        return Evaluation({"score": -float(torch.cat(found).mean())}, samples=sheet)


def error(net: nn.Module, pictures: Tensor, noise: Tensor, times: Tensor) -> Tensor:
    """Mean squared error of v for each picture (N,); pictures are in [0, 1]."""
    pictures = 2.0 * pictures - 1.0
    angle = (times * (torch.pi / 2))[:, None, None, None]
    mixed = angle.cos() * pictures + angle.sin() * noise
    wanted = angle.cos() * noise - angle.sin() * pictures
    return (net(mixed, times) - wanted).square().flatten(1).mean(dim=1)


def sample(net: nn.Module, x: Tensor, steps: int = STEPS) -> Tensor:
    """Noise to pictures in [0, 1], as the zoo does with the exported graphs."""
    for step in pairwise(torch.linspace(1.0, 0.0, steps + 1).tolist()):
        x = net.denoise(x, torch.tensor([step], device=x.device).expand(len(x), 2))  # type: ignore[operator]
    made: Tensor = net.decode(x)  # type: ignore[operator]  # the family's network has both
    return made
