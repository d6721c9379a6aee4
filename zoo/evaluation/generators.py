"""Figures of generated pictures, whatever made them, beside real pictures and beside what other generators make.

Every set is of the same number of pictures, since these figures depend on it. The baseline is to draw pictures from a
normal distribution with the mean and the covariance of the training pictures' pixels: what principal components know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms.v2 import functional as tv

from zoo.arrays import Floats, Pixels
from zoo.catalog.spec import Metric
from zoo.checkpoints.tables import name_by
from zoo.inference.conditions import part
from zoo.inference.latents import noise
from zoo.inference.model import Model
from zoo.metrics import figures
from zoo.metrics.features import Features
from zoo.metrics.levels import Pictures, in_calls, levels, unit
from zoo.metrics.likeness import NEIGHBOURS, Likeness, likeness
from zoo.metrics.setting import Setting

SEED = 0
# How many samples are told apart by class, and how likely an answer must be to count as sure.
CLASSIFIED, SURE = 256, 0.9
# How many samples of a model with conditions are compared with what it was told.
AGREEING = 1000
# Training pictures that the normal distribution is fitted to, at most.
FITTED = 4000


def measure(
    model: Model,
    against: Sequence[Model],
    net: Features,
    train: Pictures,
    test: Pictures,
    n: int | None,
    setting: Setting,
) -> list[Metric]:
    """Likeness of `n` samples to training pictures, of held-out ones, of other generators'; and the classes found.

    `n` is the number of held-out pictures, or less if it is asked for. Pictures are compared at the size of `train`.
    """
    n = min(n or len(test), len(test), len(train))
    known = train.array(train.spread(FITTED))
    real = known[np.linspace(0, len(known) - 1, n).round().astype(int)] if n <= len(known) else train.array(range(n))
    sets: dict[str, Pixels] = {"": samples(model, n, real.shape)}
    sets["_held_out"] = test.array(test.spread(n))
    sets |= {name_by("", other.id): samples(other, n, real.shape) for other in against}
    nothing = normal(known, n)
    seen = net.features(real)
    found: dict[str, Likeness] = {}
    for number, (suffix, pictures) in enumerate(sets.items(), 1):
        found[suffix] = likeness(net.features(pictures), seen)
        setting.report(number, len(sets) + 1)
    baseline = likeness(net.features(nothing), seen)
    setting.report(len(sets) + 1, len(sets) + 1)
    protocol = _protocol(net, n, real.shape, [other.id for other in against])
    metrics = [
        setting.metric(f"{figure}{suffix}", getattr(value, figure), protocol, n, getattr(baseline, figure))
        for figure in ("frechet", "precision", "recall", "diversity")
        for suffix, value in found.items()
    ]
    return metrics + (_classes(model, net, test, nothing, setting) if net.kind == "classes" else [])


def samples(model: Model, n: int, shape: Sequence[int]) -> Pixels:
    """`n` pictures of seed 0, uint8, brought to the height and width that end `shape`. Raises UnsupportedCapability."""
    model.require("generate")
    latents, told = model.draw(n, SEED), model.told(n, SEED)

    def decode(places: NDArray[np.int64]) -> Pixels:
        first, last = int(places[0]), int(places[-1]) + 1
        return levels(model.decode(latents[first:last], **part(told, first, last)))

    made = np.concatenate(list(in_calls(decode, np.arange(n), shape[1])))
    if made.shape[2:] == tuple(shape[2:]):
        return made
    resized: Pixels = tv.resize(torch.from_numpy(made), list(shape[2:]), antialias=True).numpy()
    return resized


def normal(pictures: Pixels, n: int) -> Pixels:
    """`n` draws from the normal distribution with the mean and covariance of pictures' pixels: uint8 (n, C, H, W)."""
    flat = unit(pictures).reshape(len(pictures), -1)
    mean = flat.mean(axis=0)
    # Sums of the centred pictures with normal weights have their covariance, without its ever being computed.
    draws = noise(n, (len(flat),), SEED) @ (flat - mean) / np.float32(max(1, len(flat) - 1) ** 0.5) + mean
    return levels(draws.reshape(n, *pictures.shape[1:]))


def classes(answers: Floats) -> Mapping[str, float]:
    """What probabilities (N, K) tell of a set: how many classes it has, the commonest one's share, the sure answers."""
    count = np.bincount(answers.argmax(axis=1), minlength=answers.shape[1])
    return {
        "classes_found": float((count > 0).sum()),
        "largest_class": float(count.max() / len(answers)),
        "sure": float((answers.max(axis=1) > SURE).mean()),
    }


def _classes(model: Model, net: Features, test: Pictures, nothing: Pixels, setting: Setting) -> list[Metric]:
    """Classes of the first samples, and of as many held-out pictures."""
    shape = nothing.shape
    held_out = test.array(test.spread(CLASSIFIED))
    made, real = classes(net.answers(samples(model, CLASSIFIED, shape))), classes(net.answers(held_out))
    baseline = classes(net.answers(nothing[:CLASSIFIED]))
    protocol = (
        f"the answers of {net.text} to {CLASSIFIED} samples of seed {SEED}; classes_found of {len(net.labels)}, "
        f"largest_class is the commonest one's share, sure the share of answers over {SURE}; held_out: of "
        f"{len(held_out)} real pictures; the baseline is as above"
    )
    return [
        setting.metric(f"{name}{suffix}", value, protocol, CLASSIFIED if not suffix else len(held_out), baseline[name])
        for suffix, found in (("", made), ("_held_out", real))
        for name, value in found.items()
    ] + _agreement(model, net, shape, setting)


def _agreement(model: Model, net: Features, shape: Sequence[int], setting: Setting) -> list[Metric]:
    """How often the network sees what the model was told to draw, where both know the same labels."""
    metrics = []
    for condition in model.interface.conditions_of("decode"):
        if not condition.labels or not set(condition.labels) <= set(net.labels):
            continue
        made = samples(model, AGREEING, (AGREEING, *shape[1:]))
        told = model.told(AGREEING, SEED)[condition.name]
        seen = [net.labels[place] for place in net.answers(made).argmax(axis=1)]
        right = [float(one == other) for one, other in zip(told, seen, strict=True)]
        protocol = (
            f"the share of {AGREEING} samples of seed {SEED}, told a {condition.name} drawn evenly, in which "
            f"{net.text} sees what was told; the baseline: one label for all"
        )
        share = figures.mean(np.array(right))
        metrics.append(
            setting.metric(f"agreement_{condition.name}", share, protocol, AGREEING, 1 / len(condition.labels))
        )
    return metrics


def _protocol(net: Features, n: int, shape: Sequence[int], others: Sequence[str]) -> str:
    beside = f", {', '.join(others)}: samples of those models" if others else ""
    return (
        f"in the features of {net.text}: {n} samples of seed {SEED} beside {n} training pictures, all at {shape[3]} x "
        f"{shape[2]}, 8-bit levels; frechet: Frechet distance; precision and recall: manifolds of {NEIGHBOURS} nearest "
        f"neighbours; diversity: mean distance of two, real pictures' = 1; held_out: {n} held-out pictures{beside}; "
        "the baseline: draws from a normal distribution with the mean and covariance of training pixels"
    )
