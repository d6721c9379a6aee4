"""What every variational autoencoder trains on, whatever its network."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar

import msgspec
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.catalog import Interface
from zoo.errors import TrainingError
from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo.training.perceptual import Perceptual, PerceptualTable

# A unit is active if it carries this much information, in nats per picture.
ACTIVE = 0.01
# The least standard deviation, over pixels and pictures, of an answer that shows something; how many are looked at.
VISIBLE = 0.01
WATCHED = 64
SHEET = 8


Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Promising(Protocol):
    """What the objective asks of a family's configuration."""

    def interface(self) -> Interface:
        """What goes in and out; its latents have one shape."""


C = TypeVar("C", bound=Promising)


class FocusTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective.focus]`: where in a picture errors count more.

    An error at distance r from `center` (x, y) counts 1 + strength * exp(-r^2 / (2 spread^2)) times, all counts then
    divided by their mean; centre, spread and r are in sides of the picture.
    """

    center: tuple[Share, Share] = (0.5, 0.5)
    spread: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.2
    strength: Annotated[float, Meta(ge=0.0, le=1000.0)] = 1.0

    def weights(self, height: int, width: int) -> Tensor:
        """What an error at each place counts, (height, width), of mean 1."""
        y, x = ((torch.arange(side) + 0.5) / side for side in (height, width))
        squares = (y[:, None] - self.center[1]).square() + (x[None] - self.center[0]).square()
        counts = 1.0 + self.strength * (-squares / (2.0 * self.spread**2)).exp()
        return counts / counts.mean()


class VAEOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`.

    `alpha` is the weight of the reconstruction error; where it is absent, the number of values of a picture, with which
    `bce` is a log-likelihood in nats. `kl_weight` is the weight of the KL divergence: 0 makes a plain autoencoder, and
    1 with `bce` and no `alpha` the evidence lower bound itself.

    The KL weight rises from 0 over `warmup_epochs`: once (`linear`), or again and again, half of each period rising and
    half at the full weight (`cyclical`: Fu et al. 2019). `free_bits` is how many nats each dimension may use without
    being charged (Kingma et al. 2016). `focus` makes errors count more in one part of the picture, such as a face.
    `perceptual` adds a distance in the features of a pretrained network, without which pictures are blurred.
    """

    reconstruction: Literal["mae", "mse", "rmse", "bce"] = "rmse"
    alpha: Annotated[float, Meta(gt=0.0)] | None = None
    kl_weight: Annotated[float, Meta(ge=0.0)] = 1.0
    warmup_epochs: Annotated[float, Meta(ge=0.0)] = 0.0
    warmup: Literal["linear", "cyclical"] = "linear"
    free_bits: Annotated[float, Meta(ge=0.0)] = 0.0
    focus: FocusTable | None = None
    perceptual: PerceptualTable | None = None


class VAEObjective(Generic[C]):
    """Reconstruction error plus KL divergence, of a network with `encode`, `decode` and a training pass `forward`.

        loss = alpha * error(x, decode(z)) + kl_weight * KL (+ weight * distance(x, decode(z)), if `perceptual`)
        z    = mean + exp(log_variance / 2) * noise
        KL   = -1/2 sum(1 + log_variance - mean^2 - exp(log_variance))     (Kingma and Welling 2014, appendix B)

    The sum goes over the dimensions of the latent, the mean over the batch. The error of one picture is the mean over
    its values of the absolute or squared difference (`mae`, `mse`), the root of the latter (`rmse`), or the mean binary
    cross-entropy (`bce`); with a `focus`, the mean is weighted by place.
    """

    Options: ClassVar[type[Any]] = VAEOptions

    def __init__(self, config: C, options: VAEOptions) -> None:
        self.config, self.options = config, options
        self.perceptual = Perceptual(options.perceptual) if options.perceptual else None
        self.suspicious = 0
        latent = config.interface().latent
        assert latent, "a VAE's interface says its latent"
        self.latent_shape = tuple(length or 1 for length in latent.shape)

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """The family's network, as the sub-network `model`."""

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Nothing to look at."""

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:
        """One step."""
        noise = torch.randn((len(batch.input), *self.latent_shape), generator=rng, device=batch.input.device)
        mean, log_variance, logits = nets["model"](batch.input, noise)
        error = self.error(logits, batch.target).mean()
        divergence = divergences(mean, log_variance).mean(dim=0)
        charged = divergence.clamp(min=self.options.free_bits).sum()
        weight = self.options.kl_weight * self.warmed(batch.epoch)
        loss = self.alpha(batch.target) * error + weight * charged
        logs: dict[str, Tensor | float] = {
            "error": error.detach(),
            "kl": divergence.detach().sum(),
            "kl_weight": weight,
        }
        if self.perceptual:
            distance = self.perceptual(logits.sigmoid(), batch.target).mean()
            loss, logs["perceptual"] = loss + self.perceptual.weight * distance, distance.detach()
        yield "model", loss, logs

    def alpha(self, target: Tensor) -> float:
        """The weight of the reconstruction error of pictures like `target`."""
        return self.options.alpha or float(target[0].numel())

    def error(self, logits: Tensor, target: Tensor) -> Tensor:
        """Reconstruction error of each picture (N,), in the units of `reconstruction`."""
        if self.options.reconstruction == "bce":
            error = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        elif self.options.reconstruction == "mae":
            error = (logits.sigmoid() - target).abs()
        else:
            error = (logits.sigmoid() - target).square()
        if self.options.focus:
            error = error * self.options.focus.weights(*error.shape[2:]).to(error.device)
        each = error.flatten(1).mean(dim=1)
        # A picture that is matched exactly has no gradient of its root: keep away from it.
        return (each + 1e-8).sqrt() if self.options.reconstruction == "rmse" else each

    def warmed(self, epoch: float) -> float:
        """The share of the KL weight that is in force after `epoch` epochs."""
        length = self.options.warmup_epochs
        if length == 0 or math.isinf(epoch):
            return 1.0
        if self.options.warmup == "cyclical":
            return min(1.0, 2.0 * (epoch % length) / length)
        return min(1.0, epoch / length)

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """PSNR in dB, KL in nats, active units, and `score`, the negative loss at the full KL weight.

        With a perceptual term, the distance as well.

        Raises TrainingError at the second evaluation in a row that finds a dead latent or an answer of one level.
        """
        psnr, scores, divergence, distance = [], [], [], []
        levels: list[Tensor] = []
        sheet: list[Tensor] = []
        for batch in batches:
            mean, log_variance = net.encode(batch.input)  # type: ignore[operator]  # the family's network has it
            made = net.decode(mean)  # type: ignore[operator]
            error = (made - batch.target).square().flatten(1).mean(dim=1)
            psnr.append(-10.0 * error.clamp(min=1e-10).log10())
            divergence.append(divergences(mean, log_variance))
            if len(levels) < WATCHED:
                levels += list(made.flatten(1)[:WATCHED])
            loss = self.alpha(batch.target) * self.error(torch.logit(made, eps=1e-6), batch.target)
            scores.append(loss + self.options.kl_weight * divergence[-1].flatten(1).sum(dim=1))
            if self.perceptual:
                distance.append(self.perceptual(made, batch.target))
                scores[-1] = scores[-1] + self.perceptual.weight * distance[-1]
            if len(sheet) < SHEET:
                sheet += [_column(*pictures) for pictures in zip(batch.input, made, batch.target, strict=True)]
        kl = torch.cat(divergence).mean(dim=0)
        figures = {
            "psnr": float(torch.cat(psnr).mean()),
            "kl": float(kl.sum()),
            "active_units": float((kl > ACTIVE).sum()),
            "score": -float(torch.cat(scores).mean()),
        }
        if distance:
            figures["perceptual"] = float(torch.cat(distance).mean())
        self._watch(figures, torch.stack(levels))
        return Evaluation(figures, samples=torch.cat([*sheet[:SHEET], *self._drawn(net)], dim=2))

    def _drawn(self, net: nn.Module) -> Iterator[Tensor]:
        """Columns of pictures decoded from the plain prior, the same draws each time."""
        noise = torch.randn((3 * SHEET // 2, *self.latent_shape), generator=torch.Generator().manual_seed(0))
        pictures: Tensor = net.decode(noise.to(next(net.parameters()).device))  # type: ignore[operator]
        for first in range(0, len(pictures), 3):
            yield _column(*pictures[first : first + 3])

    def _watch(self, figures: dict[str, float], made: Tensor) -> None:
        """A state that can't become good is said early, with what to change."""
        problem = None
        if not all(math.isfinite(value) for value in figures.values()):
            problem = "the network answers numbers that are not finite: lower optimizer.model.lr, or train in float32"
        elif float(made.std()) < VISIBLE or (len(made) > 1 and float(made.std(dim=0).mean()) < VISIBLE / 10):
            problem = (
                f"every answer is the same picture (mean level {float(made.mean()):.2f}): lower optimizer.model.lr, "
                "raise objective.alpha, or lengthen objective.warmup_epochs"
            )
        elif self.options.kl_weight and not figures["active_units"]:
            problem = (
                "the posterior has collapsed (no dimension of the latent carries information): raise objective.alpha, "
                "lower objective.kl_weight, lengthen objective.warmup_epochs, or set objective.free_bits"
            )
        self.suspicious = self.suspicious + 1 if problem else 0
        if problem and (self.suspicious > 1 or not math.isfinite(figures["score"])):
            raise TrainingError(problem)


def divergences(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence from the standard normal of each dimension, in nats; shape of `mean`."""
    return -0.5 * (1.0 + log_variance - mean.square() - log_variance.exp())


def _column(*pictures: Tensor) -> Tensor:
    """RGB pictures below each other."""
    return torch.cat([picture.expand(3, -1, -1).cpu() for picture in pictures], dim=1)
