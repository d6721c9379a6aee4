"""Pairs that stand side by side in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from zoo.datasets import open_source
from zoo.errors import UsageError
from zoo.evaluation.translation import pair
from zoo.metrics.levels import Pictures
from zoo.recipes.pictures import PairTable
from zoo.recipes.recipe import Recipe
from zoo.training.data import held_out_batches, pictures_of, training_batches, training_source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Black lines on white on the left, a colour that says which on the right."""
    for split, count in (("train", 5), ("val", 2)):
        (tmp_path / split).mkdir()
        for number in range(count):
            pixels = np.full((16, 32, 3), 255, np.uint8)
            pixels[4:12, 4 + number] = 0
            pixels[:, 16:] = (200, 10 * number, 30)
            Image.fromarray(pixels).save(tmp_path / split / f"{number}.png")
    return f"folder:{tmp_path}"


def recipe(source: str, degrade: dict[str, Any] | None = None, **augment: Any) -> Recipe:
    tables = {
        "model": {"id": "a.b", "family": "a"},
        "data": {"source": source, "size": 16, "final_size": 32, "final_epochs": 1},
        "degrade": {"kind": "pair", "channels": 1} | (degrade or {}),
        "optimizer": {"model": {}},
        "train": {"epochs": 3, "batch": 2},
        "augment": augment,
    }
    return msgspec.convert(tables, Recipe)


def test_a_pair_is_cut_into_input_and_target(folder: str) -> None:
    (batch,) = held_out_batches(recipe(folder))
    assert batch.input.shape == (2, 1, 32, 32)
    assert batch.target.shape == (2, 3, 32, 32)
    assert torch.allclose(batch.target[1, :, 0, 0] * 255, torch.tensor([200.0, 10.0, 30.0]))
    assert batch.input[0].min() < 0.5 < batch.input[0].max() == 1
    assert [picture.shape[0] for picture in pictures_of(training_source(recipe(folder)))] == [4] * 5


def test_the_other_half_may_be_the_target(folder: str) -> None:
    (batch,) = held_out_batches(recipe(folder, {"target": "left", "channels": 3}))
    assert torch.allclose(batch.input[1, :, 0, 0] * 255, torch.tensor([200.0, 10.0, 30.0]))
    assert batch.target.mean() > 0.9


def test_both_halves_are_changed_alike(folder: str) -> None:
    loader, order = training_batches(recipe(folder, {"target": "left", "channels": 3}, flip=True))
    seen = set()
    for epoch in (0, 1):
        order.epoch = epoch
        for _, target, _ in loader:
            seen |= {int(row) for row in (target[:, 0, 8] < 0.5).float().argmax(dim=1)}
    assert min(seen) < 8 < max(seen)


def test_a_picture_that_cannot_be_halved_is_named(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    Image.new("RGB", (5, 4)).save(tmp_path / "val" / "odd.png")
    with pytest.raises(UsageError, match=r"odd\.png is 5 pixels wide"):
        list(held_out_batches(recipe(f"folder:{tmp_path}")))


def test_evaluation_sees_the_same_pairs(folder: str) -> None:
    given, true = pair(Pictures(open_source(folder, "val", 3)), 1, PairTable(channels=1))
    assert given.shape == (1, 16, 16)
    assert true[:, 3, 3].tolist() == [200, 10, 30]
