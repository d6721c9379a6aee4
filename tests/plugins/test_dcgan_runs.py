"""Runs of the DCGAN: from recipe to a checkpoint that generates, and on from a state, two sub-networks bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

import zoo
from zoo.catalog.registry import Registry
from zoo.recipes.recipe import read_recipe
from zoo.training.run import Run
from zoo.training.train import find_recipe, train

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.recipes.recipe import Recipe

SMALL = (
    "model.config={ size = 8, latent = 4, generator = [6, 4], discriminator = [3, 4, 5], components = 3 }",
    "data.size=8",
    "objective.evaluated=16",
    "objective.least_recall=0.0",
    "objective.least_diversity=0.0",
    "objective.r1_interval=2",
    "objective.r2=0.1",
    "objective.spectral_norm=true",
    "train.batch=8",
    "train.epochs=3",
    "train.samples_per_epoch=32",
    "train.eval_epochs=1",
    "train.save_seconds=0",
    "train.precision=float32",
)


class Cut(Exception):
    """What stands for a kill."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Recipe:
    """The recipe of digits with every remedy that keeps a state of its own, on a tiny network and random squares."""
    folder = tmp_path_factory.mktemp("data")
    images = np.zeros((44, 8, 8), np.uint8)
    for number, image in enumerate(images):
        image[1 + number % 3 : 6, 1 + number % 4 : 7] = 255 - number
    np.savez(folder / "squares.npz", images=images, train=np.arange(32), val=np.arange(32, 38), test=np.arange(38, 44))
    changes = (*SMALL, f'data.source="npz:{folder / "squares.npz"}"')
    found = read_recipe(find_recipe("dcgan.mnist", registry), changes)
    return msgspec.structs.replace(found, objective={k: v for k, v in found.objective.items() if k != "features"})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, registry: Registry) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(recipe, "dcgan-mnist.toml", folder, registry, False, lambda step, steps, logs: None)
    return folder


def test_a_run_that_was_cut_off_resumes_to_the_same_weights(
    tmp_path: Path, whole: Path, recipe: Recipe, registry: Registry
) -> None:
    def cut(step: int, steps: int, logs: object) -> None:
        if step == 6:
            raise Cut

    with pytest.raises(Cut):
        train(recipe, "dcgan-mnist.toml", tmp_path / "cut", registry, False, cut)
    train(recipe, "dcgan-mnist.toml", tmp_path / "cut", registry, True, lambda step, steps, logs: None)
    resumed, unbroken = (
        load_file(max((run / "state").iterdir()) / "tensors.safetensors") for run in (tmp_path / "cut", whole)
    )
    subnetworks = {name.split(".")[1] for name in unbroken if name.startswith(("net.", "optimizer."))}
    assert subnetworks == {"generator", "discriminator"}
    assert any("parametrizations" in name for name in unbroken)
    assert resumed.keys() == unbroken.keys()
    assert not [name for name in unbroken if not np.array_equal(resumed[name], unbroken[name])]
    first, second = ((run / "checkpoint" / "model.safetensors").read_bytes() for run in (tmp_path / "cut", whole))
    assert first == second


def test_a_run_logs_both_sub_networks_and_the_evaluations(whole: Path) -> None:
    rows = Run(whole).rows()
    steps = [row for row in rows if "evaluated" not in row]
    assert [row["step"] for row in steps] == list(range(1, 13))
    for row in steps:
        assert {"generator.loss", "discriminator.loss", "generator.diversity"} <= row.keys()
        assert 0 <= row["discriminator.accuracy_real"] <= 1
    figures = [row for row in rows if "evaluated" in row]
    assert len(figures) == 3
    assert all({"frechet", "precision", "recall", "diversity", "score"} <= row.keys() for row in figures)


def test_the_checkpoint_holds_the_generator_and_backends_agree(whole: Path) -> None:
    models = [zoo.load(f"dir:{whole / 'checkpoint'}", backend) for backend in ("onnx", "torch")]
    assert models[0].capabilities == ("decode", "generate")
    assert {path.name for path in (whole / "checkpoint").iterdir()} == {
        "config.json",
        "model.safetensors",
        "decode.onnx",
        "sample.onnx",
    }
    names = load_file(whole / "checkpoint" / "model.safetensors").keys()
    assert {name.split(".")[0] for name in names} == {"mixture", "dense", "enlarge", "picture"}
    made = [model.generate(16, seed=3) for model in models]
    assert np.abs(made[0] - made[1]).max() < 2 / 255
    for model, pictures in zip(models, made, strict=True):
        latents = model.draw(16, seed=3)
        alone = np.concatenate([model.decode(latents[row : row + 1]) for row in range(16)])
        assert np.abs(alone - pictures).max() < 1e-5


def test_latent_verbs_work_on_a_model_that_only_decodes(whole: Path) -> None:
    model = zoo.load(f"dir:{whole / 'checkpoint'}")
    a, b = model.draw(1, seed=1)[0], model.draw(1, seed=2)[0]
    strip = model.interpolate(a, b, steps=5)
    assert np.array_equal(strip[[0, -1]], model.decode(np.stack([a, b])))
    assert np.array_equal(model.vary(a, strength=0, n=2), model.decode(np.stack([a, a])))
    assert model.add(a, b).shape == (1, 1, 8, 8)
