"""What the two sub-networks of a GAN are charged, each loss and each remedy with its source."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

Loss = Literal["minimax", "nonsaturating", "hinge", "relativistic"]

# Above the square of the distance of a picture to itself, of which the logarithm would have no bound.
NEAREST = 1e-8


def discriminator_loss(kind: Loss, real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's, from its logits (N,) on real and made pictures.

    Binary cross-entropy for `minimax` and `nonsaturating` (Goodfellow et al. 2014, equation 1); `hinge` (Lim and Ye
    2017; Miyato et al. 2018, equation 16); `relativistic`, how much more real a real picture looks than the made one
    beside it (Jolicoeur-Martineau 2018, equation 7). With `r1` and `r2` that is the loss of R3GAN (Huang et al. 2024).
    """
    if kind == "hinge":
        return relu(1.0 - real).mean() + relu(1.0 + fake).mean()
    if kind == "relativistic":
        return softplus(fake - real).mean()
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(kind: Loss, real: Tensor, fake: Tensor) -> Tensor:
    """The generator's, from logits (N,); those on real pictures count for `relativistic` only.

    `minimax` is log(1 - D(G(z))), whose gradient fades where the discriminator is sure; `nonsaturating` is
    -log D(G(z)), which wants the same and does not fade (Goodfellow et al. 2014, section 3).
    """
    if kind == "minimax":
        return -softplus(fake).mean()
    if kind == "hinge":
        return -fake.mean()
    return softplus(real - fake).mean() if kind == "relativistic" else softplus(-fake).mean()


def accuracies(kind: Loss, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """The share of real and of made pictures that the discriminator tells; a relativistic one tells pairs."""
    if kind == "relativistic":
        told = (real > fake).float().mean()
        return told, told
    return (real > 0).float().mean(), (fake < 0).float().mean()


def squared_slopes(discriminator: nn.Module, pictures: Tensor) -> Tensor:
    """The squared norm (N,) of the logit's gradient at each picture, of which R1 and R2 are means.

    R1 is taken at real pictures, R2 at made ones (Mescheder et al. 2018, equations 9 and 10). Computed in float32
    whatever the precision of the run.
    """
    pictures = pictures.detach().float().requires_grad_()
    with torch.autocast(pictures.device.type, enabled=False):
        logits: Tensor = discriminator(pictures, precise=True)
        (gradient,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return gradient.square().flatten(1).sum(dim=1)


def mode_seeking(z: Tensor, fake: Tensor) -> Tensor:
    """How little two made pictures differ for how much their latents do (Mao et al. 2019, equation 2, inverted)."""
    half = len(z) // 2
    pictures = (fake[:half] - fake[half : 2 * half]).abs().flatten(1).mean(dim=1)
    latents = (z[:half] - z[half : 2 * half]).abs().mean(dim=1)
    return (latents / (pictures + 1e-5)).mean()


def negative_entropy(fake: Tensor) -> Tensor:
    """The entropy of the made pictures with its sign turned, but for a constant, for each value of a picture.

    Estimated from each picture's distance to its nearest neighbour in the batch (Kozachenko and Leonenko 1987); raising
    it is what the entropy-regularised GANs do against collapse (Dieng et al. 2019), with an estimate of their own.
    """
    flat = fake.flatten(1)
    norms = flat.square().sum(dim=1)
    squares = norms[:, None] + norms[None] - 2.0 * flat @ flat.T
    others = squares + torch.diag(torch.full_like(norms, torch.inf))
    nearest = others.min(dim=1).values / flat.shape[1]
    return -0.5 * (nearest.clamp(min=0.0) + NEAREST).log().mean()


@torch.no_grad()
def diversity(fake: Tensor, count: int = 32) -> Tensor:
    """Root mean squared difference of a value between two made pictures, over the first `count`."""
    flat = fake[:count].flatten(1)
    return torch.pdist(flat).mean() / flat.shape[1] ** 0.5 if len(flat) > 1 else torch.zeros(())
