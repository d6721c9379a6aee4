"""Figures of a model that translates: its picture and the untouched input, both against the true picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.catalog.spec import Metric
from zoo.evaluation import figures
from zoo.training.data import derive, fixed
from zoo.training.degrade import degrade

if TYPE_CHECKING:
    from zoo.evaluation.figures import Pixels
    from zoo.inference.model import Model
    from zoo.training.data import Source
    from zoo.training.recipe import GrayscaleTable

PROTOCOL = (
    "8-bit sRGB at full size, one picture at a time; the input is {input}; doing nothing is to show the input; "
    "psnr_gain is paired by picture, and one_tint_gain is that of laying the model's mean a and b over every picture; "
    "chroma is the median over pictures of mean Lab chroma over the true picture's"
)
INPUTS = {"grayscale": "the picture's luma (Pillow's mode L)", None: "the picture itself"}

Row = dict[str, float]


def measure(
    model: Model,
    source: Source,
    table: GrayscaleTable | None,
    split: str,
    command: str,
    report: Callable[[int, int], None],
) -> list[Metric]:
    """PSNR, SSIM and colour of every picture of a source, summed up beside the figures of doing nothing."""
    rows, bases, tints = [], [], []
    for index in range(len(source)):
        given, true = _pair(source, index, table)
        made = model.translate(given[None])[0]
        tints.append(figures.tint(made) if len(made) == 3 else (0.0, 0.0))
        shown = np.broadcast_to(given, made.shape) if given.shape[0] == 1 else given
        rows.append(_row(made, true))
        bases.append(_row(shown, true))
        report(index + 1, len(source))
    protocol = PROTOCOL.format(input=INPUTS["grayscale" if table else None])
    made_by, base_by = _columns(rows), _columns(bases)
    gain = made_by["psnr"] - base_by["psnr"]
    found: list[tuple[str, figures.Summary, float]] = [
        ("psnr", figures.mean(made_by["psnr"]), float(base_by["psnr"].mean())),
        ("psnr_gain", figures.mean(gain), 0.0),
        ("gaining", figures.mean((gain > 0).astype(np.float64)), 0.0),
        ("ssim", figures.mean(made_by["ssim"]), float(base_by["ssim"].mean())),
    ]
    if "chroma" in made_by:
        tint = np.mean(tints, axis=0)
        pairs = (_pair(source, index, table) for index in range(len(source)))
        tinted = np.array([figures.psnr(figures.tinted(given, tint), true) for given, true in pairs])
        found += [
            ("one_tint_gain", figures.mean(tinted - base_by["psnr"]), 0.0),
            ("colourfulness", figures.mean(made_by["colourfulness"]), float(base_by["colourfulness"].mean())),
            ("chroma", figures.median(made_by["chroma"]), float(np.median(base_by["chroma"]))),
        ]
    return [
        Metric(
            name=name,
            value=round(summary.value, 4),
            stderr=round(summary.stderr, 4),
            baseline=round(baseline, 4),
            split=split,
            n=len(rows),
            protocol=protocol,
            command=command,
        )
        for name, summary, baseline in found
    ]


def _pair(source: Source, index: int, table: GrayscaleTable | None) -> tuple[Pixels, Pixels]:
    """What the model is given of a picture, and the picture."""
    true = source.picture(index)
    torch.manual_seed(derive(0, index))
    settings = fixed(table)
    return (degrade(true, settings) if settings else true).numpy(), true.numpy()


def _row(made: Pixels, true: Pixels) -> Row:
    row = {"psnr": figures.psnr(made, true), "ssim": figures.ssim(made, true)}
    if len(true) == 3:
        row["colourfulness"] = figures.colourfulness(made)
        row["chroma"] = figures.chroma(made) / max(figures.chroma(true), 1e-3)
    return row


def _columns(rows: list[Row]) -> dict[str, NDArray[np.float64]]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
