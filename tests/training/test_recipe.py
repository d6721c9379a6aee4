"""Recipes: read strictly, changed by --set, written and read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from zoo.catalog.families import configured
from zoo.errors import NotFoundError, UsageError
from zoo.training.recipe import read_recipe, write_recipe
from zoo.training.train import build_objective

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.registry import Registry
    from zoo.training.recipe import Recipe


def shipped(registry: Registry) -> Path:
    return registry.recipes()["colorizer-photos"]


def test_every_shipped_recipe_is_valid_and_within_its_budget(registry: Registry) -> None:
    assert registry.recipes()
    for path in registry.recipes().values():
        recipe = read_recipe(path)
        family = registry.family(recipe.model.family)
        configured(family, recipe.model.config, recipe.model.preset)
        build_objective(recipe, registry)
        assert recipe.train.budget_minutes is not None
        assert recipe.train.budget_minutes <= 60


def test_written_and_read_again_is_the_same(tmp_path: Path, recipe: Recipe) -> None:
    write_recipe(tmp_path / "r.toml", recipe)
    assert read_recipe(tmp_path / "r.toml") == recipe


def test_changes_are_toml_values_or_bare_words(registry: Registry) -> None:
    recipe = read_recipe(
        shipped(registry),
        ("train.epochs=3", "augment.crop=[0.5, 0.9]", "data.source=folder:x y", "degrade.jpeg_share=0"),
    )
    assert (recipe.train.epochs, recipe.augment.crop, recipe.data.source) == (3, (0.5, 0.9), "folder:x y")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("train.epochs", "table.key=value"),
        ("train.epochs=0", "epochs"),
        ("train.epohcs=3", "epohcs"),
        ("train.epochs.x=3", "not a table"),
        ("model.id=Nonsense", "id"),
        ("degrade.kind=rain", "rain"),
    ],
)
def test_a_wrong_change_is_refused_by_name(registry: Registry, change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_recipe(shipped(registry), (change,))


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no recipe"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("[model\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken\.toml"):
        read_recipe(tmp_path / "broken.toml")


@pytest.mark.parametrize(
    ("change", "says"),
    [("objective.betta=3", "betta"), ("objective.beta=-1", "beta"), ("model.config.chanels=8", "chanels")],
)
def test_settings_the_family_does_not_know_are_refused(registry: Registry, change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        build_objective(read_recipe(shipped(registry), (change,)), registry)


def test_an_unknown_preset_names_those_there_are(registry: Registry) -> None:
    with pytest.raises(UsageError, match="base"):
        build_objective(read_recipe(shipped(registry), ("model.preset=huge",)), registry)
