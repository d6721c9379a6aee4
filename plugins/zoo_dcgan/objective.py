"""What the DCGAN trains on: two sub-networks, the remedies against their failures, and the watch over them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Generator as Draws
from torch import Tensor, nn

from zoo.errors import TrainingError
from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_dcgan import losses
from zoo_dcgan.augment import Policy, augmented
from zoo_dcgan.config import DCGANConfig
from zoo_dcgan.evaluator import Evaluator, collapsed
from zoo_dcgan.network import Discriminator, Generator

Weight = Annotated[float, Meta(ge=0.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]

# A discriminator that is right this often at a loss this low has won; it gives the generator nothing to go by.
WON_ACCURACY, WON_LOSS = 0.99, 0.05


class DCGANOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`; as it stands here, binary cross-entropy and no remedy.

    - `loss`: see `zoo_dcgan.losses`.
    - `r1`, `r2`: the weights gamma of the penalty gamma / 2 |grad D(x)|^2 at real and at made pictures (Mescheder et
      al. 2018), taken in one of `r1_interval` steps on the average, and as many times stronger there (Karras et al.
      2020). The relativistic loss needs both (Huang et al. 2024).
    - `spectral_norm`: every layer of the discriminator is divided by its largest singular value (Miyato et al. 2018).
    - `hidden`: units of a layer before the discriminator's logit; 0: none, as in the report.
    - `augment`: what is done to all pictures the discriminator sees, of "color", "translation" and "cutout" (Zhao et
      al. 2020).
    - `dropout`: the share of features dropped before the discriminator's last layer.
    - `instance_noise`: the standard deviation, in units of [-1, 1], of noise on all that the discriminator sees
      (Sønderby et al. 2017); it falls to 0 over `noise_epochs`.
    - `mode_seeking`, `entropy`: weights of terms that keep made pictures apart (Mao et al. 2019; Dieng et al. 2019).
    - `features`: the network that evaluates, as `zoo eval --features` takes it; without one, pictures are compared at a
      side of 8. `evaluated`: how many.
    - `least_recall`, `least_diversity`: a run stops at the second evaluation in a row under either, from epoch
      `watch_from` on. `patience`: it stops after so many steps in a row in which the discriminator has won; 0: never.
    """

    loss: losses.Loss = "nonsaturating"
    r1: Weight = 0.0
    r2: Weight = 0.0
    r1_interval: Annotated[int, Meta(ge=1, le=64)] = 1
    spectral_norm: bool = False
    hidden: Annotated[int, Meta(ge=0, le=65_536)] = 0
    augment: tuple[Policy, ...] = ()
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    instance_noise: Weight = 0.0
    noise_epochs: Annotated[float, Meta(gt=0.0)] = 10.0
    mode_seeking: Weight = 0.0
    entropy: Weight = 0.0
    features: str | None = None
    evaluated: Annotated[int, Meta(ge=16, le=50_000)] = 1000
    least_recall: Share = 0.0
    least_diversity: Share = 0.0
    watch_from: Annotated[float, Meta(ge=0.0)] = 5.0
    patience: Annotated[int, Meta(ge=0)] = 0


class DCGANObjective:
    """Two losses a step: the discriminator's, then the generator's, both on the same made pictures.

    The generator is the first network, so it is the one that is averaged, evaluated and exported.
    """

    Options = DCGANOptions

    def __init__(self, config: DCGANConfig, options: DCGANOptions) -> None:
        self.config, self.options = config, options
        self.evaluator = Evaluator(config.size, options.evaluated, options.features)
        self.epoch, self.suspicious, self.won = 0.0, 0, 0

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Keep features of the training pictures, which the made ones are evaluated by."""
        self.evaluator.prepare(pictures)

    def networks(self) -> dict[str, nn.Module]:
        """Two networks."""
        options = self.options
        discriminator = Discriminator(self.config, options.dropout, options.spectral_norm, options.hidden)
        return {"generator": Generator(self.config), "discriminator": discriminator}

    def losses(self, nets: Networks, batch: Batch, rng: Draws) -> Iterator[tuple[str, Tensor, Logs]]:
        """Two steps. Raises TrainingError where the discriminator has won for as long as `patience`."""
        kind, discriminator = self.options.loss, nets["discriminator"]
        self.epoch = batch.epoch
        z = torch.randn((len(batch.target), self.config.noise), generator=rng, device=batch.target.device)
        fake = nets["generator"](z)
        real = self._seen(2.0 * batch.target - 1.0, rng)
        made = self._seen(fake.detach(), rng)
        on_real, on_fake = discriminator(torch.cat([real, made])).chunk(2)
        loss = losses.discriminator_loss(kind, on_real, on_fake)
        penalised = loss + self._penalty(discriminator, real, made, rng)
        # What is told waits for the device, so all of the loss is under way by now.
        yield "discriminator", penalised, self._told(on_real.detach(), on_fake.detach(), loss.detach())

        on_fake = discriminator(self._seen(fake, rng))
        if kind == "relativistic":
            with torch.no_grad():  # the discriminator has moved, and with it what it says of real pictures
                on_real = discriminator(real)
        loss = losses.generator_loss(kind, on_real.detach(), on_fake)
        if self.options.mode_seeking:
            loss = loss + self.options.mode_seeking * losses.mode_seeking(z, fake)
        if self.options.entropy:
            loss = loss + self.options.entropy * losses.negative_entropy(fake)
        yield "generator", loss, {"diversity": losses.diversity(fake.detach())}

    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:  # noqa: ARG002  # the training set's features
        """Figures of the generator beside the training pictures: `frechet`, `precision`, `recall`, `diversity`.

        `score` is the negative Frechet distance. Raises TrainingError at the second evaluation in a row that finds the
        generator collapsed, and at the first that finds numbers that are not finite.
        """
        evaluation = self.evaluator.evaluation(net, self.config.noise)
        least = {"recall": self.options.least_recall, "diversity": self.options.least_diversity}
        watched = least if self.epoch >= self.options.watch_from else {}
        problem = collapsed(evaluation.figures, watched)
        self.suspicious = self.suspicious + 1 if problem else 0
        if problem and (self.suspicious > 1 or evaluation.samples is None):
            raise TrainingError(problem)
        return evaluation

    def _seen(self, pictures: Tensor, rng: Draws) -> Tensor:
        """Pictures as the discriminator sees them: augmented and, early on, noisy."""
        pictures = augmented(pictures, self.options.augment, rng)
        sigma = self.options.instance_noise * max(0.0, 1.0 - self.epoch / self.options.noise_epochs)
        if not sigma:
            return pictures
        return pictures + sigma * torch.randn(pictures.shape, generator=rng, device=pictures.device)

    def _penalty(self, discriminator: nn.Module, real: Tensor, made: Tensor, rng: Draws) -> Tensor | float:
        """The share of R1 and R2 that this step takes.

        Which steps do follows from the step's seed: a run that is resumed needs no count, and nothing waits for the
        device.
        """
        options = self.options
        charged = [(gamma, seen) for gamma, seen in ((options.r1, real), (options.r2, made)) if gamma]
        if not charged or random.Random(rng.initial_seed()).randrange(options.r1_interval):
            return 0.0
        slopes = losses.squared_slopes(discriminator, torch.cat([seen for _, seen in charged])).chunk(len(charged))
        means = [gamma * part.mean() for (gamma, _), part in zip(charged, slopes, strict=True)]
        return 0.5 * options.r1_interval * torch.stack(means).sum()

    def _told(self, real: Tensor, fake: Tensor, loss: Tensor) -> Logs:
        """How often the discriminator is right, watched: near a half at balance."""
        of_real, of_fake, charged = torch.stack([*losses.accuracies(self.options.loss, real, fake), loss]).tolist()
        has_won = min(of_real, of_fake) >= WON_ACCURACY and charged < WON_LOSS
        self.won = self.won + 1 if has_won else 0
        if self.options.patience and self.won >= self.options.patience:
            raise TrainingError(
                f"the discriminator has won: in {self.won} steps in a row it told every picture at a loss under "
                f"{WON_LOSS}; raise objective.r1, set objective.augment, or lower optimizer.discriminator.lr"
            )
        return {"accuracy_real": of_real, "accuracy_fake": of_fake}
