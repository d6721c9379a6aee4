"""Training pictures kept on the device and changed there: the same draws again, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from zoo.catalog.registry import Registry
from zoo.datasets import open_source
from zoo.recipes.pictures import AugmentTable, NoiseTable
from zoo.recipes.recipe import Recipe, read_recipe
from zoo.training.data import Examples
from zoo.training.on_device import OnDevice, changed, noisy
from zoo.training.train import find_recipe, train

KEYS = [(0, 0, 7), (0, 1, 3), (0, 2, 7)]
CONFIG = "size = 8, channels = 1, latent = 4, encoder = [8], encoder_strides = [2], decoder = [8], decoder_strides=[2]"
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Thirty gray pictures of 12 x 16 to train on, five held out."""
    folder = tmp_path_factory.mktemp("arrays")
    images = RNG.integers(0, 256, (35, 12, 16), dtype=np.uint8)
    np.savez(folder / "a.npz", images=images, labels=np.arange(35), train=np.arange(30), val=np.arange(30, 35))
    return f"npz:{folder / 'a.npz'}"


def recipe_of(source: str, **tables: Any) -> Recipe:
    given: dict[str, Any] = {
        "model": {"id": "a.b", "family": "a"},
        "data": {"source": source, "size": 8, "channels": 1, "cache": "device", "labels": ["label"]},
        "optimizer": {"model": {}},
        "train": {"epochs": 1, "batch": 4},
    }
    return msgspec.convert({name: given.get(name, {}) | tables.get(name, {}) for name in given | tables}, Recipe)


def on_device(recipe: Recipe) -> OnDevice:
    return OnDevice(recipe, open_source(recipe.data.source, "train", 1), torch.device("cpu"))


def seeded() -> Generator:
    return Generator().manual_seed(0)


def upright(count: int = 64, side: int = 16) -> Tensor:
    """Pictures of a bright bar at the left."""
    pictures = torch.zeros(count, 1, side, side)
    pictures[:, :, :, :4] = 1.0
    return pictures


def test_untouched_batches_are_those_of_the_loader(arrays: str) -> None:
    recipe = recipe_of(arrays)
    plain = Examples(recipe, open_source(arrays, "train", 1)).__getitems__(KEYS)
    for made, wanted in zip(on_device(recipe).__getitems__(KEYS), plain, strict=True):
        assert torch.equal(made, wanted)


def test_a_batch_depends_on_its_place_only(arrays: str) -> None:
    recipe = recipe_of(arrays, augment={"flip": True, "rotate": 20}, degrade={"kind": "noise", "sigma": [0.1, 0.2]})
    one, other = on_device(recipe), on_device(recipe)
    other.__getitems__([(3, 0, 5)])
    first = one.__getitems__(KEYS)
    assert all(torch.equal(a, b) for a, b in zip(first, other.__getitems__(KEYS), strict=True))
    assert not torch.equal(first.target, one.__getitems__([(1, *key[1:]) for key in KEYS]).target)
    assert not torch.equal(first.input, first.target)


def test_half_of_the_pictures_are_mirrored() -> None:
    made = changed(upright(), AugmentTable(flip=True), seeded())
    mirrored = made[:, 0, 0, -1] == 1
    assert 20 <= int(mirrored.sum()) <= 44
    assert torch.equal(made[mirrored], upright().flip(3)[mirrored])


def test_moves_of_nothing_change_nothing() -> None:
    pictures = torch.rand(4, 3, 16, 16)
    made = changed(pictures, AugmentTable(zoom=(1.0, 1.0 + 1e-9)), seeded())
    assert torch.allclose(made, pictures, atol=1e-5)


def test_a_zoom_is_about_the_middle() -> None:
    middle = torch.zeros(1, 1, 16, 16)
    middle[:, :, 6:10, 6:10] = 1.0
    made = changed(middle, AugmentTable(zoom=(2.0, 2.0), fill="constant"), seeded())
    assert float(made.sum()) == pytest.approx(4 * 16, rel=0.1)
    assert torch.allclose(made, made.flip(2), atol=1e-5)


def test_a_shift_is_of_whole_pixels_and_is_filled() -> None:
    pictures = torch.rand(16, 1, 16, 16)
    made = changed(pictures, AugmentTable(shift=0.25, fill="constant", fill_value=0.5), seeded())
    moved = 0
    for before, after in zip(pictures[:, 0], made[:, 0], strict=True):
        places = [(y, x) for y in range(-4, 5) for x in range(-4, 5)]
        padded = torch.full((24, 24), 0.5)
        padded[4:20, 4:20] = before
        found = [(y, x) for y, x in places if torch.allclose(padded[4 - y : 20 - y, 4 - x : 20 - x], after, atol=1e-5)]
        assert len(found) == 1
        moved += found != [(0, 0)]
    assert moved > 8


def test_a_quarter_turn_is_at_most_what_is_asked() -> None:
    made = changed(upright(256), AugmentTable(rotate=90), seeded())
    shares = made[:, 0, :4, :].mean(dim=(1, 2))  # of the bar, at the top
    assert shares.min() < 0.2 < 0.9 < shares.max()


def test_noise_has_its_sigma_and_256_levels() -> None:
    made = noisy(torch.full((64, 1, 32, 32), 0.5), NoiseTable(sigma=(0.05, 0.1)), seeded())
    assert torch.allclose(made * 255, (made * 255).round(), atol=1e-4)
    deviations = made.flatten(1).std(dim=1)
    assert 0.045 < deviations.min() < 0.06
    assert 0.09 < deviations.max() < 0.11


def test_binarised_pictures_are_black_or_white() -> None:
    made = changed(torch.full((8, 1, 32, 32), 0.25), AugmentTable(binarize=True), seeded())
    assert set(made.unique().tolist()) == {0.0, 1.0}
    assert float(made.mean()) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ({"augment": {"crop": [0.5, 1.0]}}, "augment.crop"),
        ({"augment": {"blur": [0.5, 1.0]}}, "augment.blur"),
        ({"degrade": {"kind": "grayscale"}}, "degrade.kind"),
        ({"data": {"final_size": 16, "final_epochs": 1}}, "data.final_size"),
        ({"train": {"workers": 2}}, "train.workers"),
    ],
)
def test_what_is_done_on_the_cpu_is_refused(tables: dict[str, Any], named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f'"device" can\'t be had with {named}'):
        recipe_of("npz:a.npz", **tables)


def test_a_run_that_is_resumed_ends_the_same(tmp_path: Path, arrays: str) -> None:
    registry = Registry.discover()
    changes = (
        f"model.config={{ {CONFIG} }}",
        "data.size=8", "data.channels=1", 'data.cache="device"', "augment.rotate=10", "train.batch=8",
        "train.precision=float32", "train.epochs=2", "train.eval_epochs=1", "train.samples_per_epoch=16",
    )  # fmt: skip
    recipe = read_recipe(find_recipe("conv-vae.mnist-2d", registry), changes, arrays)
    whole, parted = tmp_path / "whole", tmp_path / "parted"

    def cut(step: int, *_: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    train(recipe, "it.toml", whole, registry, False, lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, "it.toml", parted, registry, False, cut)
    train(recipe, "it.toml", parted, registry, True, lambda *_: None)
    weights = [folder / "checkpoint" / "model.safetensors" for folder in (whole, parted)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
