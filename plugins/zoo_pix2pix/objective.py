"""What pix2pix trains on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
import numpy as np
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.metrics.figures import psnr, ssim
from zoo.metrics.patches import features, patch_frechet
from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo.training.perceptual import Perceptual, PerceptualTable
from zoo_pix2pix.config import Pix2PixConfig
from zoo_pix2pix.network import PatchGAN, UNet

SHEET_ROWS = 8
SHEET_SIDE = 128


class Pix2PixOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`.

    `adversarial` is the discriminator's loss: binary cross-entropy as in the paper, least squares (Mao et al. 2017),
    hinge (Lim and Ye 2017), or none: then there is no discriminator. `l1_weight` is that of the distance to the target
    beside it, and `adversarial_weight` that of the generator's adversarial loss. `discriminator_layers` = 3 evaluates
    patches of 70x70; `discriminator_norm` is the generator's if not named. `perceptual` adds a distance in the features
    of a pretrained network, which makes pictures sharp with less of an adversary.
    """

    adversarial: Literal["bce", "lsgan", "hinge", "none"] = "bce"
    adversarial_weight: Annotated[float, Meta(gt=0.0)] = 1.0
    l1_weight: Annotated[float, Meta(ge=0.0)] = 100.0
    discriminator_channels: Annotated[int, Meta(ge=1, le=512)] = 64
    discriminator_layers: Annotated[int, Meta(ge=1, le=6)] = 3
    discriminator_norm: Literal["instance", "batch"] | None = None
    perceptual: PerceptualTable | None = None


class Pix2PixObjective:
    """An adversarial loss on pairs, and the distance to the target (Isola et al. 2017, equations 2 to 4).

        discriminator:  mean of its loss on (input, target) as real and (input, G(input)) as made
        generator:      adversarial_weight * its loss on (input, G(input)) as real
                        + l1_weight * |G(input) - target| + perceptual.weight * distance(G(input), target)

    with pictures in [-1, 1], the last term only where the recipe has it (`zoo.training.perceptual`). The made pictures
    of a step serve both losses. Noise is the generator's dropout.
    """

    Options = Pix2PixOptions

    def __init__(self, config: Pix2PixConfig, options: Pix2PixOptions) -> None:
        self.config, self.options = config, options
        self.perceptual = Perceptual(options.perceptual) if options.perceptual else None

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Nothing to look at."""

    def networks(self) -> dict[str, nn.Module]:
        """Two networks, or the generator alone where nothing is adversarial."""
        config, options = self.config, self.options
        nets: dict[str, nn.Module] = {"generator": UNet(config)}
        if options.adversarial != "none":
            inputs = config.input_channels + config.output_channels
            channels, layers = options.discriminator_channels, options.discriminator_layers
            nets["discriminator"] = PatchGAN(inputs, channels, layers, options.discriminator_norm or config.norm)
        return nets

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:  # noqa: ARG002 (dropout draws from torch's own)
        """The discriminator's loss, then the generator's."""
        given, target = batch.input * 2.0 - 1.0, batch.target * 2.0 - 1.0
        made = nets["generator"](batch.input)
        if discriminator := nets.get("discriminator"):
            real, fake = discriminator(given, target), discriminator(given, made.detach())
            loss = (self._against(real, 1.0) + self._against(fake, -1.0)) / 2.0
            right = (
                (real.detach() > self._middle).float().mean() + (fake.detach() < self._middle).float().mean()
            ) / 2.0
            yield "discriminator", loss, {"right": right}
        distance = functional.l1_loss(made.float(), target)
        logs: dict[str, Tensor | float] = {"l1": distance.detach() / 2.0}
        loss = self.options.l1_weight * distance
        if discriminator:
            fooled = self._fooled(discriminator(given, made))
            loss, logs["fooled"] = loss + self.options.adversarial_weight * fooled, fooled.detach()
        if self.perceptual:
            apart = self.perceptual((made.float() + 1.0) / 2.0, batch.target).mean()
            loss, logs["perceptual"] = loss + self.perceptual.weight * apart, apart.detach()
        yield "generator", loss, logs

    @property
    def _middle(self) -> float:
        """The answer of a discriminator that can't tell."""
        return 0.5 if self.options.adversarial == "lsgan" else 0.0

    def _against(self, answer: Tensor, side: float) -> Tensor:
        """The discriminator's loss on pairs that are real (side 1) or made (-1)."""
        answer = answer.float()
        if self.options.adversarial == "lsgan":
            return (answer - (side + 1.0) / 2.0).square().mean()
        if self.options.adversarial == "hinge":
            return functional.relu(1.0 - side * answer).mean()
        return functional.softplus(-side * answer).mean()

    def _fooled(self, answer: Tensor) -> Tensor:
        """The generator's adversarial loss."""
        return -answer.float().mean() if self.options.adversarial == "hinge" else self._against(answer, 1.0)

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """L1, PSNR, SSIM and the Frechet distance of patches (`zoo.metrics.patches`) on held-out pairs.

        `score` = -ln(l1) - ln(patch_frechet) / 4: what is kept is near the truth and looks alike; a percent of L1
        outweighs four of the distance, which moves far more. Where the recipe has the perceptual term, its distance is
        `perceptual`, and `score` = -ln(perceptual) - ln(patch_frechet) / 4: L1 would prefer blurred states.
        """
        net.eval()
        apart: list[Tensor] = []
        rows: list[tuple[float, float, float]] = []
        patches: list[tuple[np.ndarray, np.ndarray]] = []
        sheet: list[Tensor] = []
        for batch in batches:
            answer = ((net(batch.input).float() + 1.0) / 2.0).clamp(0.0, 1.0)
            if self.perceptual:
                apart.append(self.perceptual(answer, batch.target))
            for given, made, true in zip(batch.input, answer, batch.target, strict=True):
                one, other = _levels(made), _levels(true)
                rows.append((float((made - true).abs().mean()), psnr(one, other), ssim(one, other)))
                patches.append((features(one), features(other)))
                if len(sheet) < SHEET_ROWS:
                    sheet.append(_row(given, made, true))
        l1, mean_psnr, mean_ssim = np.mean(rows, axis=0).tolist()
        frechet = patch_frechet(*(np.concatenate(side) for side in zip(*patches, strict=True)))
        figures = {"l1": l1, "psnr": mean_psnr, "ssim": mean_ssim, "patch_frechet": frechet}
        if apart:
            figures["perceptual"] = float(torch.cat(apart).mean())
        near = figures.get("perceptual", l1)
        figures = {"score": -math.log(max(near, 1e-6)) - math.log(max(frechet, 1e-6)) / 4.0, **figures}
        return Evaluation(figures, samples=torch.cat(sheet, dim=1))


def _levels(picture: Tensor) -> np.ndarray:
    """A picture (C, H, W) in [0, 1] as uint8."""
    levels: np.ndarray = (picture * 255.0).round().byte().cpu().numpy()
    return levels


def _row(given: Tensor, made: Tensor, true: Tensor) -> Tensor:
    """Input, answer and target beside each other, (3, SHEET_SIDE, 3 * SHEET_SIDE)."""
    parts = [picture.float().expand(3, -1, -1) for picture in (given, made, true)]
    small = [functional.interpolate(part[None], (SHEET_SIDE, SHEET_SIDE), mode="area")[0] for part in parts]
    return torch.cat(small, dim=2)
