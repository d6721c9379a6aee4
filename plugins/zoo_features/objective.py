"""What the feature networks train on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Generator, Tensor, nn
from torch.nn import functional

from zoo.errors import TrainingError
from zoo.training.objective import Batch, Evaluation, Logs, Networks
from zoo_features.config import FeatureConfig
from zoo_features.network import FeatureNet

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class FeatureOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recipe's `[objective]`.

    `softness` is how far from 0.5 an attribute's label must be to count as clear: the wanted answer is
    sigmoid((label - 0.5) / softness), so a label that measures how much, as a smile from 0 to 1, teaches more than its
    half. 0 makes the answer yes or no. `smoothing` is label smoothing (Szegedy et al. 2016), for classes.

    `worsened` is the share of a batch that is made worse, as other models' pictures may be: brought down to a side
    drawn from `resolution`, as a share of the whole, and up again, with noise of a standard deviation up to `noise`.
    """

    softness: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    smoothing: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    worsened: Share = 0.0
    resolution: tuple[Share, Share] = (1.0, 1.0)
    noise: Share = 0.0


class FeatureObjective:
    """Cross-entropy: binary for each attribute, or over the classes.

    Labels are (N, K) for K attributes, yes above 0.5, or (N, 1) for classes, the number of the class.
    """

    Options = FeatureOptions

    def __init__(self, config: FeatureConfig, options: FeatureOptions) -> None:
        self.config, self.options = config, options

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Nothing to prepare."""

    def networks(self) -> dict[str, nn.Module]:
        """One network."""
        return {"model": FeatureNet(self.config)}

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:
        """One step."""
        logits = nets["model"](self._worse(batch.input, rng)).float()
        labels = self._labels(batch)
        if self.config.kind == "classes":
            loss = functional.cross_entropy(logits, labels[:, 0].long(), label_smoothing=self.options.smoothing)
        else:
            loss = functional.binary_cross_entropy_with_logits(logits, self._wanted(labels))
        yield "model", loss, {"accuracy": self._right(logits.detach(), labels).mean()}

    @torch.no_grad()
    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """`accuracy`: the share of right answers; for attributes also that of each, `accuracy_LABEL`."""
        right = torch.cat([self._right(net(batch.input).float(), self._labels(batch)) for batch in batches])
        figures = {"accuracy": float(right.mean())}
        if self.config.kind == "attributes":
            each = zip(self.config.labels, right.mean(dim=0).tolist(), strict=True)
            figures |= {f"accuracy_{label}": share for label, share in each}
        return Evaluation(figures)

    def _labels(self, batch: Batch) -> Tensor:
        columns = 1 if self.config.kind == "classes" else len(self.config.labels)
        if batch.labels is None or batch.labels.shape[1] != columns:
            found = 0 if batch.labels is None else batch.labels.shape[1]
            raise TrainingError(f"data.labels of the recipe gives {found} labels, the model's config wants {columns}")
        return batch.labels

    def _wanted(self, labels: Tensor) -> Tensor:
        if not self.options.softness:
            return (labels > 0.5).float()
        return torch.sigmoid((labels - 0.5) / self.options.softness)

    def _right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """1.0 where an answer is right, else 0.0: (N, 1) for classes, (N, K) for attributes."""
        if self.config.kind == "classes":
            return (logits.argmax(dim=1, keepdim=True) == labels.long()).float()
        return ((logits > 0) == (labels > 0.5)).float()

    def _worse(self, images: Tensor, rng: Generator) -> Tensor:
        """The batch with its first pictures made worse; batches are shuffled, so the first are any."""
        count = round(len(images) * self.options.worsened)
        if not count:
            return images
        first, size = images[:count], images.shape[-2:]
        low, high = self.options.resolution
        share, strength = torch.rand(2, generator=rng, device=images.device).tolist()
        small = [max(1, round(side * (low + (high - low) * share))) for side in size]
        first = functional.interpolate(first, small, mode="bilinear", antialias=True)
        first = functional.interpolate(first, list(size), mode="bicubic")
        noise = torch.randn(first.shape, generator=rng, device=images.device)
        first = (first + self.options.noise * strength * noise).clamp(0.0, 1.0)
        return torch.cat([first, images[count:]])
