"""What the colorizing U-Net trains on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_colorizer.lab import rgb_to_lab
from zoo_colorizer.settings import choose
from zoo_colorizer_unet.bins import SoftBins, in_gamut
from zoo_colorizer_unet.config import ColorizerUNetConfig
from zoo_colorizer_unet.network import FINEST, ColorizerUNet

TEMPERATURES = (0.4, 0.5, 0.6, 0.7)
SCALES = (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2)


class ColorizerUNetOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`.

    `uniform` is the share of a uniform distribution that is mixed into that of the training photos' colours before it
    is inverted: 1 weighs all colours alike; `max_weight` bounds the weight of a rare one. The encoder stays as it was
    pretrained for `freeze_epochs`; its parameters whose names begin with one of `frozen` stay so for good.
    `chroma_floor` is the median chroma, as a share of the true photo's, that the settings chosen in the end must reach.
    """

    uniform: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.9
    max_weight: Annotated[float, Meta(ge=1.0)] = 4.0
    freeze_epochs: Annotated[float, Meta(ge=0.0)] = 0.0
    frozen: tuple[str, ...] = ()
    chroma_floor: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.8


class ColorizerUNetObjective:
    """Cross-entropy of the bins of a and b, weighted by the rarity of the true colour.

    Zhang, Isola, Efros (2016): the target is spread over the nearest five bins (equation 2), a pixel counts
    w = 1 / ((1 - u) p + u / Q) of mean 1 over the training photos (equation 4), bounded by a maximum. p is the share of
    the colour's nearest bin, Q the number of bins. True colours are those of the photo at a quarter of its size.
    """

    Options = ColorizerUNetOptions
    # Parts that the recipe must say the beginning of: at random, this network learns little.
    pretrained = ("encoder",)

    def __init__(self, config: ColorizerUNetConfig, options: ColorizerUNetOptions) -> None:
        self.config, self.options = config, options
        self.soft = SoftBins(in_gamut())
        self.weights = torch.ones(len(in_gamut()))

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Count the colours of the training photos, every eighth pixel of every eighth row."""
        counts = torch.zeros(len(self.weights))
        for picture in pictures:
            lab = rgb_to_lab(picture[None, :, ::8, ::8].float() / 255.0)
            index, _ = self.soft(lab[:, 1:])
            counts += torch.bincount(index[:, 0].flatten(), minlength=len(counts))
        share = counts / counts.sum()
        weights = 1.0 / ((1.0 - self.options.uniform) * share + self.options.uniform / len(share))
        self.weights = (weights / (share * weights).sum()).clamp(max=self.options.max_weight)

    def networks(self) -> dict[str, nn.Module]:
        """One network; what is frozen for good learns nothing."""
        network = ColorizerUNet(self.config)
        for name, parameter in network.encoder.named_parameters():
            parameter.requires_grad_(not name.startswith(self.options.frozen))
        return {"model": network}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:  # noqa: ARG002 (nothing random here)
        """One step."""
        net: Any = nets["model"]
        logits = net(batch.input, learn_encoder=batch.epoch >= self.options.freeze_epochs).float()
        true = rgb_to_lab(functional.avg_pool2d(batch.target, FINEST))[:, 1:]
        index, share = self.soft(true)
        weight = self.weights.to(true.device)[index[:, 0]]
        entropy = -(logits.log_softmax(dim=1).gather(1, index) * share).sum(dim=1)
        yield "model", (entropy * weight).sum() / weight.sum(), {"entropy": entropy.detach().mean()}

    @torch.no_grad()
    def evaluate(self, net: Any, batches: Iterable[Batch]) -> Evaluation:
        """Figures at the best temperature and chroma scale: see `choose`."""

        def answers(batch: Batch) -> Iterator[Tensor]:
            logits = net(batch.input).float()
            for temperature in TEMPERATURES:
                ab = net.mean_color(logits, temperature)
                ab = functional.interpolate(ab, scale_factor=FINEST / 2, mode="bilinear", align_corners=False)
                yield from (ab * scale for scale in SCALES)

        settings = [{"temperature": t, "chroma_scale": s} for t in TEMPERATURES for s in SCALES]
        return choose(settings, answers, batches, self.options.chroma_floor)
