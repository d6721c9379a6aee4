"""The curves of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SKIPPED = {"step", "epoch", "evaluated"}


def draw_curves(rows: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """One panel per figure over steps: training figures faint with their running mean, evaluated figures as points."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    evaluated = [row for row in rows if row.get("evaluated")]
    trained = [row for row in rows if not row.get("evaluated")]
    names = list(dict.fromkeys(name for row in (*trained, *evaluated) for name in row if name not in SKIPPED))
    if not names:
        return
    across = min(3, len(names))
    down = -(-len(names) // across)
    figure, axes = plt.subplots(down, across, figsize=(4.2 * across, 2.8 * down), squeeze=False, layout="constrained")
    for axis, name in zip(axes.flat, names, strict=False):
        _curve(axis, name, [row for row in trained if name in row], [row for row in evaluated if name in row])
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    figure.suptitle(title)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _curve(axis: Any, name: str, trained: list[dict[str, Any]], evaluated: list[dict[str, Any]]) -> None:
    if trained:
        steps, values = [row["step"] for row in trained], np.array([row[name] for row in trained])
        axis.plot(steps, values, color="0.8", linewidth=0.8)
        window = max(1, len(values) // 50)
        mean = np.convolve(values, np.ones(window) / window, mode="valid")
        axis.plot(steps[window - 1 :], mean, color="black", linewidth=1.2)
    if evaluated:
        axis.plot([row["step"] for row in evaluated], [row[name] for row in evaluated], "o-", color="0.3", markersize=3)
    axis.set_title(name.replace("_", " ") + (" (held out)" if evaluated else ""), fontsize=10)
    axis.set_xlabel("step", fontsize=9)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
