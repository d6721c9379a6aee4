"""What a variational autoencoder's posterior looks like beside its prior: histograms, and the KL in nats."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.arrays import Doubles
from zoo.plots.figures import INK, headline, new_figure, plain

Array = NDArray[np.floating[Any]]

# A dimension whose mean KL, in nats, is below this tells the decoder next to nothing.
SILENT = 0.01
PANELS = 12


def kl_divergence(mean: Array, std: Array) -> Doubles:
    """KL(q(z | x) || N(0, 1)) in nats of each latent number, as the posterior's mean and standard deviation, (N, D).

    -1/2 (1 + log std^2 - mean^2 - std^2), Kingma & Welling 2014, appendix B.
    """
    mean, std = mean.astype(np.float64), std.astype(np.float64)
    return np.asarray(-0.5 * (1 + 2 * np.log(np.maximum(std, 1e-30)) - mean**2 - std**2))


def prior_histograms(
    samples: Array, order: NDArray[np.int64], title: str, remark: str = "", what: str = "sampled posterior"
) -> Figure:
    """Histograms of latent samples (N, D), the dimensions of `order` (at most 12), against the standard normal."""
    shown = order[:PANELS]
    across = min(len(shown), 4)
    down = -(-len(shown) // across)
    figure = new_figure(max(7.0, 3.0 * across), max(4.6, 2.3 * down + 1.2))
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    edges = np.linspace(-4.5, 4.5, 55)
    curve = np.linspace(-4.5, 4.5, 200)
    for axis, dimension in zip(panels.flat, shown, strict=False):
        values = samples[:, dimension]
        plain(axis)
        axis.hist(values.clip(-4.5, 4.5), bins=edges, density=True, color="#88AACC", label=what)
        normal = np.exp(-(curve**2) / 2) / np.sqrt(2 * np.pi)
        axis.plot(curve, normal, color=INK, linewidth=1.4, label="standard normal")
        axis.set_title(f"z[{dimension}]   mean {values.mean():.2f}, sd {values.std():.2f}", fontsize=9.5, color=INK)
    for axis in panels.flat[len(shown) :]:
        axis.set_visible(False)
    for axis in panels[:, 0]:
        axis.set_ylabel("density", fontsize=10)
    for axis in panels.flat[max(0, len(shown) - across) : len(shown)]:
        axis.set_xlabel("latent value", fontsize=10)
        axis.tick_params(labelbottom=True)
    top = panels[0, 0].get_ylim()[1]
    panels[0, 0].set_ylim(0, min(1.3 * top, 2.0))  # room for the legend; a dimension without spread is cut off
    panels[0, 0].legend(loc="upper left", fontsize=8, frameon=False)
    headline(figure, title, remark)
    return figure


def kl_bars(kl: Array, title: str, remark: str = "") -> Figure:
    """KL in nats of N pictures and D dimensions, (N, D): a histogram of each picture's sum, and the mean of each
    dimension, the largest first, with a bound below which one is silent."""
    figure = new_figure(11.0, 5.0)
    left, right = figure.subplots(1, 2)
    total, each = kl.sum(axis=1), np.sort(kl.mean(axis=0))[::-1]
    for axis in (left, right):
        plain(axis)
    left.hist(total, bins=min(60, max(10, len(total) // 20)), color="#88AACC", edgecolor="white", linewidth=0.4)
    left.axvline(total.mean(), color=INK, linewidth=1.4, label=f"mean {total.mean():.1f} nats")
    left.set(xlabel="KL of a picture (nats)", ylabel="pictures", title="KL of each picture")
    left.legend(frameon=False)
    above = int((each > SILENT).sum())
    right.bar(np.arange(len(each)), each, width=1.0 if len(each) > 60 else 0.8, color="#88AACC")
    right.axhline(SILENT, color=INK, linewidth=1.2, linestyle="--", label=f"{SILENT} nats")
    right.set(xlabel="latent dimension, sorted", ylabel="mean KL (nats)")
    right.set_title(f"KL of each dimension: {above} of {len(each)} above {SILENT} nats")
    if len(each) <= 20:
        names = kl.mean(axis=0).argsort()[::-1]
        right.set_xticks(np.arange(len(each)), [f"z[{name}]" for name in names], rotation=45 if len(each) > 8 else 0)
    else:
        right.set_yscale("log")
        right.set_ylim(max(float(each.min()), SILENT / 100) * 0.7, None)
    right.legend(frameon=False)
    headline(figure, title, remark)
    return figure
