"""Recipes: read strictly, changed by --set, written and read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from zoo.catalog.families import configured
from zoo.datasets import open_source
from zoo.errors import NotFoundError, UsageError
from zoo.recipes.pictures import AugmentTable, EdgesTable, NoiseTable
from zoo.recipes.recipe import read_recipe, write_recipe
from zoo.training.train import build_objective

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.registry import Registry
    from zoo.recipes.recipe import Recipe


def shipped(registry: Registry) -> Path:
    return registry.recipes()["colorizer-photos"]


def test_every_shipped_recipe_is_valid_and_within_its_budget(registry: Registry) -> None:
    assert registry.recipes()
    shipped_models = {model.id for model in registry.find()}
    for path in registry.recipes().values():
        recipe = read_recipe(path)
        family = registry.family(recipe.model.family)
        configured(family, recipe.model.config, recipe.model.preset)
        build_objective(recipe, registry)
        if recipe.model.id in shipped_models:
            assert recipe.train.budget_minutes is not None
        assert (recipe.train.budget_minutes or 0) <= 120


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
    "name", ['my "best" pictures', "a#b = 'c'", "c\\d\\new", "é ü 日本", "[x]", "9" * 400, " x ", "1.5"]
)
def test_a_source_is_taken_as_it_stands(tmp_path: Path, registry: Registry, name: str) -> None:
    recipe = read_recipe(shipped(registry), ("data.source=other",), f"folder:{name}")
    assert recipe.data.source == f"folder:{name}"
    write_recipe(tmp_path / "r.toml", recipe)
    assert read_recipe(tmp_path / "r.toml") == recipe


@pytest.mark.parametrize(("name", "says"), [("a\nb", "source"), ("\udcff", "is not UTF-8"), ("", "write pack:NAME")])
def test_a_source_that_no_recipe_can_hold_is_refused(registry: Registry, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        open_source(read_recipe(shipped(registry), (), name).data.source, "train")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("train.epochs", "table.key=value"),
        ("train.epochs=0", "epochs"),
        ("train.epohcs=3", "epohcs"),
        ("train.epochs.x=3", "not a table"),
        ("model.id=Nonsense", "id"),
        ("degrade.kind=rain", "rain"),
        ("degrade={ kind = 'noise' }", "sigma"),
        ("degrade={ kind = 'noise', sigma = [0.3, 0.1] }", "low <= high"),
        ("degrade={ kind = 'edges', sigma = 1 }", "sigma"),
        ("augment.zoom=[0, 1]", "zoom must be"),
        ("augment.crop=[0.5, 1.5]", "crop must be"),
        ("augment.blur=[3, 1]", "blur must be"),
        ("augment.shift=0.9", "shift"),
        ("augment.fill=wrap", "wrap"),
        ("data.eval_views=3", "eval_views"),
        ("data.labels=['smile =< 3']", "smile =< 3"),
        ("train.samples_per_epoch=0", "samples_per_epoch"),
    ],
)
def test_a_wrong_change_is_refused_by_name(registry: Registry, change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_recipe(shipped(registry), (change,))


def test_augment_knows_whether_anything_is_random() -> None:
    for table in ({"crop": (0.5, 1.0)}, {"aspect": (0.9, 1.1)}):
        assert AugmentTable(**table).crops
    moves: list[dict[str, Any]] = [{"rotate": 1.0}, {"shift": 0.1}, {"shear": 1.0}, {"zoom": (0.9, 1.0)}]
    assert all(AugmentTable(**table).moves for table in moves)
    for table in [*moves, {"flip": True}, {"blur": (1.0, 2.0)}]:
        assert AugmentTable(**table).random
        assert not AugmentTable(**table).crops
    assert not AugmentTable(fill="reflect").random


def test_every_kind_of_degradation_is_read_by_its_name(registry: Registry) -> None:
    kinds = {"{ kind = 'noise', sigma = [0.1, 0.3] }": NoiseTable, "{ kind = 'edges' }": EdgesTable}
    for text, kind in kinds.items():
        assert isinstance(read_recipe(shipped(registry), (f"degrade={text}",)).degrade, kind)


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
