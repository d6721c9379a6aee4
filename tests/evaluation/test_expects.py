"""Limits measured on held-out pictures, and how often they note others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace
from vae import write_vae

from zoo.catalog.expects import Expects
from zoo.catalog.registry import Registry
from zoo.checkpoints.cards import read_card, write_card
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UsageError
from zoo.evaluation.expects import limits_of, measure, write
from zoo.recipes.recipe import read_recipe
from zoo.training.train import find_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.recipes.recipe import Recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Pictures of 4x4 that are gray below, in splits of 40; and, in other.npz, the same upside down."""
    rng = np.random.default_rng(0)
    images = np.full((120, 4, 4), 128, np.uint8)
    images[:, :2] = rng.integers(0, 256, (120, 2, 4))
    splits = {name: np.arange(40) + 40 * place for place, name in enumerate(("train", "val", "test"))}
    np.savez(tmp_path / "own.npz", images=images, **splits)
    np.savez(tmp_path / "other.npz", images=images[:, ::-1], train=np.arange(80), val=np.arange(80, 120))
    shipped = read_recipe(find_recipe("dense-vae.mnist", Registry.discover()))
    model = replace(shipped.model, expects="tiny squares")
    return replace(shipped, model=model, data=replace(shipped.data, source=f"npz:{tmp_path / 'own.npz'}"))


def test_limits_let_nearly_all_held_out_pictures_pass() -> None:
    figures = np.exp(np.random.default_rng(0).normal([0, 1, 2, 3], 0.5, (5000, 4)))
    limits = limits_of(figures)
    found = np.array([limits.error, limits.detail, limits.shape, limits.latent])
    assert 0.0005 < (figures > found).any(1).mean() < 0.025
    few = limits_of(figures[:20])
    assert few.error > figures[:20, 0].max()  # what 20 pictures can't show


def test_own_pictures_pass_and_others_are_noted(tmp_path: Path, recipe: Recipe) -> None:
    name = f"dir:{write_vae(tmp_path / 'vae', dims=8)}"
    found = measure(name, Registry.discover(), recipe, [f"npz:{tmp_path / 'other.npz'}"])
    assert found.words == "tiny squares"
    assert [(part.n, part.pictures.rpartition(" ")[2]) for part in found.noted] == [
        (40, "val"),
        (40, "test"),
        (40, "val"),
    ]
    own, card, others = (part.share for part in found.noted)
    assert max(own, card) <= 0.05
    assert others == 1
    assert found.command.startswith(f"zoo eval {name} --expects --others npz:")


def test_it_is_written_beside_the_checkpoint_and_onto_its_card(tmp_path: Path, recipe: Recipe) -> None:
    folder = write_vae(tmp_path / "vae", dims=8)
    before = (folder / "config.json").read_bytes()
    registry, name = Registry.discover(), f"dir:{folder}"
    found = measure(name, registry, recipe)
    write(name, registry, found)
    assert read_card(folder) == ""
    write_card(folder, read_checkpoint(folder, "tiny").config)
    write(name, registry, found)
    assert read_checkpoint(folder, "tiny").expects == found
    assert (folder / "config.json").read_bytes() == before
    assert "| Expects | tiny squares; noted as others: " in read_card(folder)


def test_a_model_without_reconstructions_has_words_only(recipe: Recipe) -> None:
    assert measure("colorizer-ae.photos", Registry.discover(), recipe) == Expects(words="tiny squares")


def test_a_model_of_no_words_says_where_to_set_them(tmp_path: Path, recipe: Recipe) -> None:
    silent = replace(recipe, model=replace(recipe.model, expects=""))
    with pytest.raises(UsageError, match=r"set \[model\] expects"):
        measure(f"dir:{write_vae(tmp_path / 'vae')}", Registry.discover(), silent)
