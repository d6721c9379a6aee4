"""The DCGAN's recipes for published data sets: two steps on stand-ins in the sets' own file formats."""

from __future__ import annotations

import hashlib
import math
import pickle
import struct
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from accelerate.state import AcceleratorState
from torchvision.datasets import CIFAR10

from zoo.catalog.registry import Registry
from zoo.recipes.recipe import read_recipe
from zoo.training.run import Run
from zoo.training.train import find_recipe, train

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL = (
    "model.config={ latent = 4, generator = [6, 4], discriminator = [3, 4, 5] }",
    "train.epochs=2",
    "train.eval_epochs=2",
    "train.batch=8",
    "train.precision=float32",
    "train.samples_per_epoch=8",
    "objective.evaluated=16",
)


@pytest.fixture
def any_precision() -> Iterator[None]:
    """Accelerate keeps the precision of a process's first run."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


def idx(raw: Path) -> None:
    """MNIST's own files, and those of the sets that copy its layout."""
    raw.mkdir(parents=True)
    for stem, count in (("train", 40), ("t10k", 4)):
        images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        (raw / f"{stem}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (raw / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + bytes(count))


def cifar(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR-10's batches, whose sums torchvision compares."""
    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)

    def write(name: str, content: dict[str, object]) -> tuple[str, str]:
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return name, hashlib.md5(data, usedforsecurity=False).hexdigest()

    rng = np.random.default_rng(0)
    lists = {
        split: [
            write(name, {"data": rng.integers(0, 256, (10, 3072), dtype=np.uint8), "labels": list(range(10))})
            for name in names
        ]
        for split, names in (("train", [f"data_batch_{n}" for n in range(1, 5)]), ("test", ["test_batch"]))
    }
    monkeypatch.setattr(CIFAR10, "train_list", lists["train"])
    monkeypatch.setattr(CIFAR10, "test_list", lists["test"])
    name, md5 = write("batches.meta", {"label_names": [str(n) for n in range(10)]})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": md5})


@pytest.mark.usefixtures("any_precision")
@pytest.mark.parametrize("name", ["dcgan-mnist60000", "dcgan-fashion-mnist", "dcgan-cifar10"])
def test_two_steps_on_data_in_the_sets_own_layout(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    registry = Registry.discover()
    recipe = read_recipe(find_recipe(name, registry), SMALL)
    if recipe.objective.get("features") not in registry.models:
        known = {key: value for key, value in recipe.objective.items() if key != "features"}
        recipe = msgspec.structs.replace(recipe, objective=known)
    kind = recipe.data.source.partition(":")[2]
    if kind == "CIFAR10":
        cifar(tmp_path / "torchvision", monkeypatch)
    else:
        idx(tmp_path / "torchvision" / kind / "raw")
    config = train(recipe, f"{name}.toml", tmp_path / "run", registry, False, lambda step, steps, logs: None)
    assert config.id == recipe.model.id
    output = config.interface.gives("decode")
    assert (output.channels, output.size) == (recipe.data.channels, (recipe.data.size,) * 2)
    rows = Run(tmp_path / "run").rows()
    assert [row["step"] for row in rows] == [1, 2, 2]
    assert all(math.isfinite(row[f"{name}.loss"]) for row in rows[:2] for name in ("generator", "discriminator"))
    assert rows[2]["score"] == -rows[2]["frechet"] < 0


@pytest.mark.parametrize(
    "name",
    ["dcgan-mnist60000", "dcgan-fashion-mnist", "dcgan-cifar10", "dcgan-cifar10-plain"],
)
def test_a_recipe_without_a_checkpoint_names_its_data(name: str) -> None:
    registry = Registry.discover()
    path = registry.recipes()[name]
    header = path.read_text(encoding="utf-8").partition("[model]")[0]
    recipe = read_recipe(path)
    assert "# Data: " in header
    assert "licence" in header or "MIT" in header or "CC BY" in header
    assert ("No checkpoint comes with this recipe" in header) == (recipe.model.id not in registry.models)
    assert recipe.train.batch == 128
    assert recipe.data.splits.card == "test"
