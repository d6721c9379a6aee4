"""A vector-quantised autoencoder: van den Oord et al. 2017, "Neural discrete representation learning"."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_vq_vae.config import VQVAEConfig

# The share of the moving averages that a step keeps (appendix A.1 of the paper).
DECAY = 0.99
# A code that is chosen less often than this in a step, on the average, begins again at a vector of the batch.
LEAST_USAGE = 0.01


class VQVAE(nn.Module):
    """Pictures (N, C, H, W) in [0, 1] to grids of codes (N, dimensions, H / 4, W / 4) and back."""

    codebook: Tensor
    usage: Tensor
    sums: Tensor
    cumulative: Tensor

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        width, codes, dimensions = config.width, config.codes, config.dimensions
        self.encoder = nn.Sequential(
            nn.Conv2d(config.channels, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 4, stride=2, padding=1),
            Residual(width),
            Residual(width),
            nn.Conv2d(width, dimensions, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(dimensions, width, 3, padding=1),
            Residual(width),
            Residual(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, config.channels, 4, stride=2, padding=1),
        )
        self.register_buffer("codebook", torch.randn(codes, dimensions))
        self.register_buffer("usage", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, dimensions))
        # How often training chose code k or one before it, at each place: what new pictures are drawn from.
        even = torch.arange(1, codes + 1)[:, None, None] / codes
        self.register_buffer("cumulative", even.repeat(1, config.side, config.side))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A training pass: the picture, the commitment error, and the codes (N, H / 4, W / 4).

        In training mode the codebook moves towards the vectors that chose it. The gradient of the codes is that of the
        vectors they stand for.
        """
        vectors = self.encoder(x).float()
        codes = self.nearest(vectors)
        if self.training:
            self._follow(vectors.detach(), codes)
        chosen = self.vectors(codes)
        commitment = functional.mse_loss(vectors, chosen)
        return torch.sigmoid(self.decoder(vectors + (chosen - vectors).detach())), commitment, codes

    def nearest(self, vectors: Tensor) -> Tensor:
        """The code (N, h, w) nearest to each vector (N, dimensions, h, w)."""
        products = functional.conv2d(vectors, self.codebook[:, :, None, None])
        return (self.codebook.square().sum(dim=1)[:, None, None] - 2.0 * products).argmin(dim=1)

    def vectors(self, codes: Tensor) -> Tensor:
        """The vectors (N, dimensions, h, w) of codes (N, h, w)."""
        return functional.embedding(codes, self.codebook).permute(0, 3, 1, 2)

    def encode(self, x: Tensor) -> Tensor:
        """The codes' vectors of pictures, (N, dimensions, H / 4, W / 4)."""
        return self.vectors(self.nearest(self.encoder(x)))

    def decode(self, z: Tensor) -> Tensor:
        """Pictures (N, C, H, W) in [0, 1] of vectors, codes or between codes."""
        return torch.sigmoid(self.decoder(z))

    def translate(self, x: Tensor) -> Tensor:
        """The picture as its codes remember it."""
        return self.decode(self.encode(x))

    def sample(self, noise: Tensor) -> Tensor:
        """Standard normal noise (N, H / 4, W / 4) to vectors: at each place a code as often as in training."""
        share = 0.5 * (1.0 + torch.erf(noise / math.sqrt(2.0)))
        passed = share[:, None] >= self.cumulative[:-1]
        return self.vectors(passed.float().sum(dim=1).long())

    @torch.no_grad()
    def _follow(self, vectors: Tensor, codes: Tensor) -> None:
        """One step of the moving averages."""
        flat, count = vectors.permute(0, 2, 3, 1).flatten(0, 2), len(self.codebook)
        chosen = functional.one_hot(codes.flatten(), count).to(flat.dtype)
        self.usage.lerp_(chosen.sum(dim=0), 1.0 - DECAY)
        self.sums.lerp_(chosen.T @ flat, 1.0 - DECAY)
        dead = self.usage < LEAST_USAGE
        fresh = flat[torch.randint(len(flat), (count,), device=flat.device)]
        self.sums.copy_(torch.where(dead[:, None], fresh, self.sums))
        self.usage.copy_(torch.where(dead, torch.ones_like(self.usage), self.usage))
        self.codebook.copy_(self.sums / self.usage[:, None])
        reached = codes[:, None] <= torch.arange(count, device=codes.device)[:, None, None]
        self.cumulative.lerp_(reached.to(flat.dtype).mean(dim=0), 1.0 - DECAY)


class Residual(nn.Module):
    """x + convolutions of x, of the same shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the change."""
        return x + self.change(x)
