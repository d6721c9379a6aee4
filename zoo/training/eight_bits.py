"""Weights in 8 bits where the model's pictures stay as they are.

Each row of a weight (an entry of its first axis) becomes whole numbers from -127 to 127 and a scale: symmetric
quantization per channel, as in Krishnamoorthi, https://arxiv.org/abs/1806.08342, section 3. Of a few scales that cut
off the row's largest numbers the one of least squared error is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zoo.checkpoints.eight_bits import SUFFIX
from zoo.training.biases import channel_means, correct

# How far the values of pictures may move: in the mean, and all but one of a thousand.
LEVEL = 1.0 / 255.0
MEAN, MOST, SHARE = LEVEL, 4 * LEVEL, 0.999
# Of smaller tensors, and of short rows, the scales and the header's entry take what is saved.
LEAST, LEAST_ROW = 4096, 16
LARGEST = 127
CLIPPING = tuple(1.0 - step / 20 for step in range(9))

Answers = Mapping[str, tuple[Tensor, ...]]
Measure = Callable[[], Answers]


@dataclass(frozen=True)
class EightBit:
    """A weight (N, ...) as `whole` numbers, int8, and a `scale`, float32 (N,)."""

    whole: Tensor
    scale: Tensor

    def weight(self) -> Tensor:
        """The weight that they stand for, float32."""
        return self.whole.float() * _upright(self.scale, self.whole)


def quantized(weight: Tensor) -> EightBit:
    """The nearest 8-bit weight, row by row; a row of zeros has the scale 1."""
    rows = weight.float().flatten(1)
    largest = rows.abs().amax(dim=1)
    largest = torch.where(largest > 0, largest, torch.full_like(largest, LARGEST))
    best = _rounded(rows, largest)
    for share in CLIPPING[1:]:
        tried = _rounded(rows, largest * share)
        better = _error(rows, tried) < _error(rows, best)
        best = EightBit(
            torch.where(better[:, None], tried.whole, best.whole), torch.where(better, tried.scale, best.scale)
        )
    return EightBit(best.whole.view(weight.shape), best.scale)


def _rounded(rows: Tensor, largest: Tensor) -> EightBit:
    scale = largest / LARGEST
    whole = (rows / _upright(scale, rows)).round().clamp(-LARGEST, LARGEST)
    return EightBit(whole.to(torch.int8), scale)


def _error(rows: Tensor, tried: EightBit) -> Tensor:
    return (tried.weight() - rows).square().sum(dim=1)


def _upright(scale: Tensor, weight: Tensor) -> Tensor:
    return scale.view(-1, *(1 for _ in weight.shape[1:]))


def choose(network: nn.Module, full: Mapping[str, Tensor], measure: Measure, *, corrected: bool) -> dict[str, EightBit]:
    """The weights that 8 bits are enough for, by their names.

    `full` are the weights as they were trained; the network holds them as they are stored otherwise. `measure` gives
    its answers on the same inputs each time, in units in which a picture's values go from 0 to 1. If they move too far,
    the weights that move them most for the bytes they save are left out, as many as it takes. The network is left with
    the chosen weights in 8 bits and, if `corrected`, with biases that make up for them on these inputs, which must then
    be such as it is given in use.
    """
    rest = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    tried = {name: quantized(full[name]) for name in large_weights(network, rest)}
    if not tried:
        return {}
    network.load_state_dict(full, strict=False)
    before = measure()
    means = channel_means(network, measure) if corrected else {}

    def answers(names: Iterable[str], corrected: bool = corrected) -> Answers:
        network.load_state_dict({**rest, **{name: tried[name].weight() for name in names}})
        if corrected:
            correct(network, means, measure)
        return measure()

    def holds(names: Iterable[str]) -> bool:
        return all(
            float(change.mean()) <= MEAN and _most(change) <= MOST for change in _changes(before, answers(names))
        )

    if holds(tried):
        return tried
    effects = {name: _effect(before, answers([name], corrected=False)) / full[name].numel() for name in tried}
    chosen = _as_many(sorted(tried, key=lambda name: effects[name]), holds)
    if chosen:
        answers(chosen)
    else:
        network.load_state_dict(rest)
    return {name: tried[name] for name in chosen}


def _as_many(order: Sequence[str], holds: Callable[[Iterable[str]], bool]) -> list[str]:
    """As many names as hold together, from the first on, but for those that fail beside the ones before them."""
    chosen: list[str] = []
    rest = list(order)
    while rest:
        fit, fail = 0, len(rest) + 1
        while fail - fit > 1:
            middle = (fit + fail) // 2
            fit, fail = (middle, fail) if holds([*chosen, *rest[:middle]]) else (fit, middle)
        chosen += rest[:fit]
        rest = rest[fit + 1 :]
    return chosen


def large_weights(network: nn.Module, stored: Collection[str]) -> list[str]:
    """The parameters that are large enough for 8 bits to save much, among tensors of these names.

    Buffers, such as a fitted prior's, are not tried.
    """
    return [
        name
        for name, weight in network.named_parameters()
        if weight.dim() > 1 and weight.numel() >= LEAST and weight[0].numel() >= LEAST_ROW
        if name in stored and f"{name}{SUFFIX}" not in stored
    ]


def _changes(before: Answers, after: Answers) -> Iterable[Tensor]:
    """How far each answer moved, all its values in a row."""
    return ((new - old).abs().flatten() for name in before for old, new in zip(before[name], after[name], strict=True))


def _most(change: Tensor) -> float:
    """What all but one of a thousand values stay below."""
    return float(change.kthvalue(math.ceil(len(change) * SHARE)).values)


def _effect(before: Answers, after: Answers) -> float:
    """The mean squared change of the answer that moves most."""
    return max(float(change.square().mean()) for change in _changes(before, after))
