"""A translator measured on pairs: its answer to a drawing beside the true picture, and what simple fills come to.

Between the lines of a drawing one colour can be filled in. The best such fill that knows only drawings takes the median
colour, channel by channel, of what lies inside the outlines of training pictures: no other colour has a lower L1 there.
Outside the outline it is white. A fill that takes the median of each held-out picture itself knows the answer; it is
measured too, as how far a single colour could ever go.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from zoo.arrays import Doubles, Floats, Mask, Pixels
from zoo.catalog.spec import Metric
from zoo.evaluation.restoration import Pair
from zoo.inference.model import Model
from zoo.metrics import figures
from zoo.metrics.patches import PROTOCOL as PATCHES
from zoo.metrics.patches import distance_of_sets, features, patch_frechet
from zoo.metrics.setting import Setting
from zoo.pictures.color import gray_of
from zoo.pictures.outlines import inside_of

# How many training pictures the fill's colour, and the distance of real pictures, are of.
TRAINING_PICTURES = 400
SAMPLED = 64
PROTOCOL = (
    "8-bit sRGB {size}, one picture at a time; the input is {input}; l1 is the mean absolute difference, levels in "
    "[0, 1]; baseline: one colour inside the drawing's outline, white outside; the colour is the median inside the "
    "outlines of {train} training pictures, {colour}; l1_reduction is 1 - l1 / baseline"
)
FILLS = (
    "L1 of simple answers to the same drawings: l1_own_fill fills the outline with the median colour of the true "
    "picture itself, which no method knows; l1_copy shows the drawing; l1_white an empty page"
)
PAIRS = "; patch_frechet_train: training pictures against the held-out ones, the least that can be hoped for"


def measure(
    model: Model,
    test: Callable[[int], Pair],
    count: int,
    train: Callable[[int], Pair],
    known: list[int],
    words: tuple[str, str],
    setting: Setting,
) -> list[Metric]:
    """Figures of a translator on `count` pairs `test(index)`, beside fills whose colour is fitted to `train(known)`.

    A pair is (input, true picture), uint8 (C, H, W). `words` say the pictures' size and what the input is.
    """
    colour = fill_colour([train(index) for index in known])
    rows: list[dict[str, float]] = []
    patches: dict[str, list[Floats]] = {"true": [], "made": [], "fill": [], "copy": []}
    for index in range(count):
        given, true = test(index)
        inside = inside_of(_gray(given))
        own = np.median(true[:, inside], axis=1) if inside.any() else np.full(len(true), 255.0)
        answers = {
            "made": model.translate(given[None])[0],
            "fill": filled(inside, colour),
            "copy": np.broadcast_to(given, true.shape) if len(given) == 1 else given,
        }
        row = {f"l1_{name}": l1(answer, true) for name, answer in answers.items()}
        row |= {"l1_own": l1(filled(inside, own), true), "l1_white": l1(np.full_like(true, 255), true)}
        for name in ("made", "fill"):
            row[f"psnr_{name}"] = figures.psnr(answers[name], true)
            row[f"ssim_{name}"] = figures.ssim(answers[name], true)
            row[f"colour_{name}"] = figures.colourfulness(answers[name])
        row["colour_true"] = figures.colourfulness(true)
        rows.append(row)
        for name, picture in ({"true": true} | answers).items():
            patches[name].append(features(np.ascontiguousarray(picture)))
        setting.report(index + 1, count)
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    real = np.concatenate([features(train(index)[1]) for index in known])
    return _figures(table, patches, real, colour, len(known), words, setting)


def _figures(
    table: dict[str, Doubles],
    patches: dict[str, list[Floats]],
    real: Floats,
    colour: Doubles,
    known: int,
    words: tuple[str, str],
    setting: Setting,
) -> list[Metric]:
    """Every figure with its protocol and baseline."""
    count = len(table["l1_made"])
    text = PROTOCOL.format(
        size=words[0], input=words[1], train=known, colour="RGB " + " ".join(f"{level:.0f}" for level in colour)
    )
    true = np.concatenate(patches["true"])
    distances = {name: patch_frechet(np.concatenate(patches[name]), true) for name in ("made", "fill", "copy")}

    def mean(name: str) -> float:
        return float(table[name].mean())

    reduction = 1.0 - mean("l1_made") / mean("l1_fill")
    found = [
        setting.metric("l1", figures.mean(table["l1_made"]), text, count, mean("l1_fill")),
        setting.metric("l1_reduction", reduction, text, count, 0.0),
        setting.metric("psnr", figures.mean(table["psnr_made"]), text, count, mean("psnr_fill")),
        setting.metric("ssim", figures.mean(table["ssim_made"]), text, count, mean("ssim_fill")),
        setting.metric("colourfulness", figures.mean(table["colour_made"]), text, count, mean("colour_fill")),
        setting.metric("colourfulness_true", figures.mean(table["colour_true"]), text, count),
    ]
    found += [
        setting.metric(name, figures.mean(table[column]), FILLS, count)
        for name, column in (("l1_own_fill", "l1_own"), ("l1_copy", "l1_copy"), ("l1_white", "l1_white"))
    ]
    return [
        *found,
        setting.metric("patch_frechet", distances["made"], PATCHES + PAIRS, count, distances["fill"]),
        setting.metric("patch_frechet_copy", distances["copy"], PATCHES + PAIRS, count),
        setting.metric("patch_frechet_train", distance_of_sets(real, true), PATCHES + PAIRS, known),
    ]


def l1(made: Pixels, true: Pixels) -> float:
    """Mean absolute difference of two uint8 pictures (C, H, W), in [0, 1]."""
    return float(cv2.absdiff(np.ascontiguousarray(made), np.ascontiguousarray(true)).mean() / 255.0)


def _gray(given: Pixels) -> Pixels:
    """A drawing, uint8 (1 or 3, H, W), in gray, (H, W)."""
    gray: Pixels = given[0] if len(given) == 1 else gray_of(given[None])[0, 0]
    return gray


def filled(inside: Mask, colour: Doubles) -> Pixels:
    """One colour inside, white outside: uint8 (C, H, W)."""
    level = np.rint(colour).clip(0, 255).astype(np.uint8)
    return np.where(inside, level[:, None, None], np.uint8(255))


def fill_colour(pairs: list[Pair]) -> Doubles:
    """The median, channel by channel, of what lies inside the outlines of pairs; middle gray where nothing does."""
    parts = []
    for given, true in pairs:
        pixels = true[:, inside_of(_gray(given))]
        parts.append(pixels[:, :: max(1, pixels.shape[1] // SAMPLED)])
    pixels = np.concatenate(parts, axis=1)
    return np.median(pixels, axis=1) if pixels.size else np.full(len(pixels), 128.0)
