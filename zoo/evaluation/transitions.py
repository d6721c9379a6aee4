"""Transitions from one picture to another through the latent space, beside a cross-fade of their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from zoo.arrays import Doubles, Floats, Pixels
from zoo.catalog.spec import Metric
from zoo.evaluation.autoencoding import Autoencoder, reconstructed
from zoo.inference.latents import Path, between
from zoo.metrics import frechet
from zoo.metrics.features import Features
from zoo.metrics.figures import mean
from zoo.metrics.levels import in_calls, levels, unit
from zoo.metrics.setting import Setting


@dataclass(frozen=True)
class Strips:
    """What is kept of P transitions: distances, and the middle third of each strip as pictures (P, M, C, H, W)."""

    monotone: Doubles
    ends: Doubles
    middle: Pixels


def pairs(count: int, n: int, seed: int = 0) -> list[tuple[int, int]]:
    """`n` pairs of different positions below `count`."""
    rng = np.random.default_rng(seed)
    return [(int(a), int(b)) for a, b in (rng.choice(count, 2, replace=False) for _ in range(n))]


def is_monotone(strip: Floats, start: Floats, end: Floats) -> bool:
    """Whether each picture of a strip is further from `start` and nearer to `end` than the one before it.

    Distance is Euclidean, in pixels.
    """
    left, right = (np.square(strip - one).sum(axis=(1, 2, 3), dtype=np.float64) for one in (start, end))
    return bool((np.diff(left) > 0).all() and (np.diff(right) < 0).all())


def middle_third(steps: int) -> slice:
    """The steps in the middle third: 4 to 7 of 0 to 11."""
    return slice(-(-steps // 3), steps - -(-steps // 3))


def nearest(features: Floats, known: Floats) -> Doubles:
    """Euclidean distance of each of (N, F) to the nearest of (M, F)."""
    found = torch.cdist(torch.from_numpy(features).double(), torch.from_numpy(known).double()).amin(dim=1)
    return np.asarray(found.numpy(), np.float64)


def walk(
    model: Autoencoder, test: Pixels, made: Pixels, chosen: list[tuple[int, int]], steps: int, path: Path
) -> Strips:
    """Interpolate the latents of pairs of `test` and decode each step; `made` are the reconstructions of `test`."""
    monotone, ends, kept = [], [], []
    for first, last in chosen:
        start, end = unit(test[[first, last]])
        codes = model.encode(np.stack([start, end]))
        line = between(codes[0], codes[1], steps, path)
        strip = np.concatenate(list(in_calls(model.decode, line, start.size)))
        monotone.append(is_monotone(strip, start, end))
        off = levels(strip[[0, -1]]).astype(np.int16) - made[[first, last]].astype(np.int16)
        ends.append(np.abs(off).max())
        kept.append(levels(strip[middle_third(steps)]))
    return Strips(np.array(monotone, np.float64), np.array(ends, np.float64), np.stack(kept))


def faded(pictures: Pixels, chosen: list[tuple[int, int]], steps: int) -> Pixels:
    """The middle third of the cross-fade of each pair: (P, M, C, H, W)."""
    strips = (between(unit(pictures[first]), unit(pictures[last]), steps, "linear") for first, last in chosen)
    return np.stack([levels(strip[middle_third(steps)]) for strip in strips])


def measure(
    model: Autoencoder,
    net: Features | None,
    test: Pixels,
    train: Floats | None,
    setting: Setting,
    count: int = 100,
    steps: int = 12,
    path: Path = "spherical",
) -> list[Metric]:
    """Figures of `count` transitions between random pairs of `test`.

    With a feature network and its features `train` of the training pictures, also how near the middle third is to
    real pictures.
    """
    chosen = pairs(len(test), count)
    made = reconstructed(model, test)
    strips = walk(model, test, made, chosen, steps, path)
    height, width = test.shape[2:]
    protocol = (
        f"{count} random pairs (seed 0) at {width} x {height}, {steps} steps on the {path} path between their latents; "
        "monotone: the share in which, at every step, the Euclidean pixel distance to the one picture grows and to the "
        "other falls; ends: the greatest difference of an end from its reconstruction, in levels of 255"
    )
    metrics = [
        setting.metric("transition_monotone", mean(strips.monotone), protocol, count, 1.0),
        setting.metric("transition_ends", float(strips.ends.max()), protocol, count),
    ]
    if net is None or train is None:
        return metrics
    middles = (strips.middle, faded(test, chosen, steps), faded(made, chosen, steps))
    return metrics + _nearness(net, middles, train, setting)


def _nearness(net: Features, middles: tuple[Pixels, ...], train: Floats, setting: Setting) -> list[Metric]:
    """How near the middle thirds of transitions, and of both cross-fades, are to the training pictures."""
    n, each = middles[0].shape[:2]
    protocol = (
        f"The middle third ({each} steps) of the same {n} transitions, in the {train.shape[1]} features of {net.text}; "
        f"nearest: mean Euclidean distance to the nearest of {len(train)} training pictures; frechet: Frechet distance "
        "of all of them to these; the baseline is a pixel cross-fade of the two pictures; reconstructed_fade: a "
        "cross-fade of their reconstructions, which is as blurred as the transition"
    )
    features = [net.features(middle.reshape(-1, *middle.shape[2:])) for middle in middles]
    near = [mean(nearest(each_set, train).reshape(n, each).mean(axis=1)) for each_set in features]
    far = [frechet.distance(each_set, train) for each_set in features]
    return [
        setting.metric("transition_nearest", near[0], protocol, n, near[1].value),
        setting.metric("transition_nearest_reconstructed_fade", near[2], protocol, n, near[1].value),
        setting.metric("transition_frechet", far[0], protocol, n, far[1]),
        setting.metric("transition_frechet_reconstructed_fade", far[2], protocol, n, far[1]),
    ]
