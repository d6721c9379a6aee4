"""A tiny data set of generated pictures, and the colorizer's recipe cut down to train on it in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from zoo.catalog.registry import Registry
from zoo.recipes.recipe import Recipe, read_recipe
from zoo.training.train import find_recipe

if TYPE_CHECKING:
    from pathlib import Path

SMALL = (
    "model.config={ size = 16, channels = 4, dropout = 0.1 }",
    "data.size=16",
    "data.eval_size=16",
    "data.eval_views=4",
    "train.batch=4",
    "train.samples_per_epoch=12",
    "train.precision=float32",
    "train.epochs=3",
    "train.eval_epochs=1",
    "train.save_seconds=0",
    "optimizer.model.warmup_epochs=1",
    "optimizer.model.lr=0.003",
)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.discover()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures to train on and four held out: colour follows lightness, so there is something to learn."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4)):
        (folder / split).mkdir()
        for number in range(count):
            light = np.linspace(40, 200, 24)[None, :] + rng.normal(0, 4, (20, 24))
            pixels = np.stack([light + 40, light, light - 35], axis=2).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / split / f"{number:02d}.png")
    return folder


@pytest.fixture
def recipe(pictures: Path, registry: Registry) -> Recipe:
    return read_recipe(find_recipe("colorizer-ae.photos", registry), (*SMALL, f'data.source="folder:{pictures}"'))
