"""Training steps by the project's loop and by a hand-written one, in turn, over the same batches."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from zoo.catalog.registry import Registry
from zoo.recipes.recipe import Recipe, read_recipe
from zoo.training.data import training_batches
from zoo.training.loop import Training
from zoo.training.run import Run
from zoo.training.train import build_objective, find_recipe

Batches = Sequence[tuple[Tensor, ...]]
# Trains the subnetworks of a run over batches by the shortest loop; returns its seconds.
ByHand = Callable[[Recipe, Any, Batches], float]


def ours(training: Training, batches: Batches) -> float:
    """Seconds of the project's loop over the same batches."""
    training.loader = batches  # type: ignore[assignment]
    began = time.perf_counter()
    training._epoch(0, 0, lambda step, steps, logs: None)
    return time.perf_counter() - began


def compared(name: str, changes: Sequence[str], by_hand: ByHand, steps: int, rounds: int) -> str:
    """Cells of a table: pictures a second of the project's loop, of the hand-written one, and the median ratio."""
    registry = Registry.discover()
    recipe = read_recipe(find_recipe(name, registry), ("train.workers=0", "train.save_seconds=1000000000", *changes))
    loader, _ = training_batches(recipe)
    batches = [tuple(item) for _, item in zip(range(steps), loader, strict=False)]
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, build_objective(recipe, registry), Run(Path(folder)))
        ours(training, batches[:2])  # warm up
        by_hand(training.recipe, training, batches[:2])
        times = [(ours(training, batches), by_hand(training.recipe, training, batches)) for _ in range(rounds)]
    rates = [len(batches) * recipe.train.batch / statistics.median(each) for each in zip(*times, strict=True)]
    ratio = statistics.median(hand / own for own, hand in times)
    return f"{rates[0]:.1f} | {rates[1]:.1f} | {ratio:.3f} |"
