"""What a family brings to training: its networks, its losses and its figure of merit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Generator, Tensor, nn

Networks = Mapping[str, nn.Module]
Logs = Mapping[str, Tensor | float]


@dataclass(frozen=True)
class Batch:
    """Pictures in [0, 1]: `input` (N, C, H, W) is what the network is given, `target` (N, C', H, W) what is wanted.

    `labels` (N, K) are the numbers that `[data] labels` of the recipe names, None if it names none. `epoch` counts the
    epochs that are done, in training, for terms that are warmed up; it is infinite where a state is evaluated.
    """

    input: Tensor
    target: Tensor
    labels: Tensor | None = None
    epoch: float = math.inf

    def parts(self, count: int) -> list[Batch]:
        """The batch in so many parts, or as many as it has pictures; the first are the larger."""
        columns = [self.input.tensor_split(count), self.target.tensor_split(count)]
        labels = [None] * count if self.labels is None else list(self.labels.tensor_split(count))
        parts = zip(*columns, labels, strict=True)
        return [Batch(given, wanted, told, self.epoch) for given, wanted, told in parts if len(given)]

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        labels = None if self.labels is None else self.labels.to(device)
        return Batch(self.input.to(device), self.target.to(device), labels, self.epoch)


@dataclass(frozen=True)
class Evaluation:
    """How good a state is.

    `figures` are logged, and `keep_best` of a recipe names the one of them to maximise. `config` overrides the shipped
    configuration, for settings that are chosen on held-out pictures. `samples` is a picture sheet (3, H, W).
    """

    figures: Mapping[str, float]
    config: Mapping[str, Any] = field(default_factory=dict)
    samples: Tensor | None = None


class Objective(Protocol):
    """A family's objective: built as `Objective(config, options)`.

    `config` is the family's configuration, `options` the recipe's `[objective]` table as `Options`, a msgspec struct.
    The names of its networks are the sub-networks' names; the first is the one that is exported.
    """

    Options: ClassVar[type[Any]]

    def prepare(self, pictures: Iterable[Tensor]) -> None:
        """Look at the training pictures, uint8 (C, H, W), once before the first step; most objectives need not."""

    def networks(self) -> dict[str, nn.Module]:
        """New networks with random weights, by name."""

    def losses(self, nets: Networks, batch: Batch, rng: Generator) -> Iterator[tuple[str, Tensor, Logs]]:
        """Yield (name, loss, logs) for each sub-network's part of one step.

        Between two yields the loop steps that sub-network: a loss reaches its parameters only.
        """

    def evaluate(self, net: nn.Module, batches: Iterable[Batch]) -> Evaluation:
        """Evaluate the exported network (its average, if there is one) on held-out pictures."""
