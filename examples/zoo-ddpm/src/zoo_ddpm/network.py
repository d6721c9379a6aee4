"""A U-Net that predicts noise, and the step of DDIM that takes it away.

Ho et al., Denoising Diffusion Probabilistic Models, NeurIPS 2020; the steps are those of Song et al., Denoising
Diffusion Implicit Models, ICLR 2021, equation 12 with sigma = 0; what is predicted is v of Salimans and Ho,
Progressive Distillation, ICLR 2022, appendix D.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_ddpm.config import DDPMConfig

# Frequencies of the time that is left, and the width of what is made of them.
FREQUENCIES, EMBEDDING = 16, 128
GROUPS = 8


class DDPM(nn.Module):
    """Pictures of noise (N, C, H, W) to pictures, along x(t) = cos(pi t / 2) picture + sin(pi t / 2) noise."""

    def __init__(self, config: DDPMConfig) -> None:
        super().__init__()
        first, *_, last = config.widths
        self.time = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU()
        )
        self.begin = nn.Conv2d(config.channels, first, 3, padding=1)
        pairs = list(zip(config.widths, config.widths[1:], strict=False))
        self.down = nn.ModuleList(Block(above, above) for above, _ in pairs)
        self.shrink = nn.ModuleList(nn.Conv2d(above, below, 3, 2, 1) for above, below in pairs)
        self.middle = nn.ModuleList([Block(last, last), Block(last, last)])
        self.up = nn.ModuleList(Block(above + below, above) for above, below in reversed(pairs))
        self.end = nn.Conv2d(first, config.channels, 3, padding=1)
        nn.init.zeros_(self.end.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """v = cos(pi t / 2) noise - sin(pi t / 2) picture, of x (N, C, H, W) at times t (N,)."""
        scales = torch.exp(torch.arange(FREQUENCIES, device=x.device) * (math.log(100.0) / FREQUENCIES))
        angles = t[:, None] * scales * math.pi
        time = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        x = self.begin(x)
        kept = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            x = block(x, time)
            kept.append(x)
            x = shrink(x)
        for block in self.middle:
            x = block(x, time)
        for block in self.up:
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, kept.pop()], dim=1), time)
        v: Tensor = self.end(functional.silu(x))
        return v

    def denoise(self, x: Tensor, step: Tensor) -> Tensor:
        """x at time `step[:, 0]` to x at time `step[:, 1]`; 1 is noise and 0 the picture in [-1, 1]."""
        here, there = (step * (math.pi / 2))[:, :, None, None, None].unbind(dim=1)
        v = self(x, step[:, 0])
        picture = (here.cos() * x - here.sin() * v).clamp(-1.0, 1.0)
        noise = here.sin() * x + here.cos() * v
        return there.cos() * picture + there.sin() * noise

    def decode(self, x: Tensor) -> Tensor:
        """What `denoise` has left, brought from [-1, 1] to [0, 1]."""
        return (0.5 + 0.5 * x).clamp(0.0, 1.0)


class Block(nn.Module):
    """Two convolutions beside a short cut; the time shifts and scales what is between them."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.one = nn.Sequential(nn.GroupNorm(GROUPS, given), nn.SiLU(), nn.Conv2d(given, made, 3, padding=1))
        self.time = nn.Linear(EMBEDDING, 2 * made)
        self.norm = nn.GroupNorm(GROUPS, made)
        self.two = nn.Conv2d(made, made, 3, padding=1)
        self.skip = nn.Conv2d(given, made, 1) if given != made else nn.Identity()
        nn.init.zeros_(self.two.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Features (N, given, H, W) and times (N, EMBEDDING) to features (N, made, H, W)."""
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        inner = self.norm(self.one(x)) * (1.0 + scale) + shift
        made: Tensor = self.skip(x) + self.two(functional.silu(inner))
        return made
