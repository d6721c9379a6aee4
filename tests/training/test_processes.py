"""Training by two processes, and batches in parts: the losses of one process with the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from zoo.errors import UsageError
from zoo.recipes.recipe import Recipe, read_recipe, write_recipe
from zoo.training import train as training
from zoo.training.objective import Batch
from zoo.training.run import Run
from zoo.training.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.registry import Registry

# The colorizer's errors are weighed, and the weights are divided by their mean over what goes through at once.
NEAR = 2e-3
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture
def steady(recipe: Recipe, tmp_path: Path) -> Recipe:
    """The colorizer without dropout: nothing in a step is drawn at random, and no norm looks at a whole batch."""
    return changed(recipe, tmp_path, "model.config.dropout=0.0", "train.epochs=2")


def losses(folder: Path) -> list[float]:
    return [row["model.loss"] for row in Run(folder).rows() if "model.loss" in row]


def alone(folder: Path, recipe: Recipe, registry: Registry) -> list[float]:
    train(recipe, "it.toml", folder, registry, False, lambda *_: None)
    return losses(folder)


def changed(recipe: Recipe, tmp_path: Path, *changes: str) -> Recipe:
    write_recipe(tmp_path / "changed.toml", recipe)
    return read_recipe(tmp_path / "changed.toml", changes)


def test_the_parts_of_a_batch_are_all_of_it() -> None:
    batch = Batch(torch.rand(7, 1, 2, 2), torch.rand(7, 1, 2, 2), torch.rand(7, 1), 0.5)
    parts = batch.parts(3)
    assert [len(part.input) for part in parts] == [3, 2, 2]
    assert torch.equal(torch.cat([part.target for part in parts]), batch.target)
    assert {part.epoch for part in parts} == {0.5}
    assert len(batch.parts(9)) == 7


def test_a_batch_in_parts_has_the_losses_of_the_whole(tmp_path: Path, steady: Recipe, registry: Registry) -> None:
    whole = alone(tmp_path / "whole", steady, registry)
    parts = alone(tmp_path / "parts", changed(steady, tmp_path, "train.accumulate=3"), registry)
    assert len(whole) == 6
    assert np.allclose(whole, parts, rtol=NEAR)


def test_a_batch_that_can_not_be_shared_is_refused(
    tmp_path: Path, steady: Recipe, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "processes", lambda: SimpleNamespace(num_processes=3))
    with pytest.raises(
        UsageError, match="a batch of 4 can't be shared by 3 processes: set train\\.batch to a multiple"
    ):
        alone(tmp_path / "run", steady, registry)
    assert not (tmp_path / "run").exists()


def test_two_processes_have_the_losses_of_one(tmp_path: Path, steady: Recipe, registry: Registry) -> None:
    one = alone(tmp_path / "one", steady, registry)
    write_recipe(tmp_path / "it.toml", steady)

    def launched(*words: str) -> str:
        done = subprocess.run(
            [*LAUNCH, "-m", "zoo", "train", *words],
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert launched("it.toml", "-o", "two").split() == ["two/checkpoint"]
    two = losses(tmp_path / "two")
    assert np.allclose(one, two, rtol=NEAR)
    assert one != two  # sums in another order: there were two
    assert launched("it.toml", "-o", "two", "--resume").split() == ["two/checkpoint"]
    assert losses(tmp_path / "two") == two
