"""Figures of each picture, and what they come to over many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from zoo.arrays import Doubles, Pixels
from zoo.metrics import figures
from zoo.metrics.figures import Summary

Row = dict[str, float]
Columns = Mapping[str, Doubles]

# Shares of the true picture's, of which one that is nearly gray would outweigh all others in a mean.
MEDIANS = {"chroma"}


def likeness_row(made: Pixels, true: Pixels) -> Row:
    """How near one answer, uint8 (C, H, W), is to the true picture."""
    return {"psnr": figures.psnr(made, true), "ssim": figures.ssim(made, true)}


def columns(rows: Sequence[Row]) -> dict[str, Doubles]:
    """Each figure of N pictures, (N,)."""
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]} if rows else {}


def with_gains(own: Columns, base: Columns) -> dict[str, Doubles]:
    """The same with the gain in PSNR over the baseline, paired by picture, and whether each picture gains."""
    gain = own["psnr"] - base["psnr"]
    return {**own, "psnr_gain": gain, "gaining": (gain > 0).astype(np.float64)}


def summary(name: str, values: Doubles) -> Summary:
    """A figure over all pictures: its mean or, of shares, its median."""
    return figures.median(values) if name in MEDIANS else figures.mean(values)


def baseline(name: str, base: Columns) -> float:
    """The same of the baseline, whose gains are 0."""
    return summary(name, base[name]).value if name in base else 0.0
