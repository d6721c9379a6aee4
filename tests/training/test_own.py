"""A model trained on somebody's own pictures: what it is called, and the remark on runs that can't learn anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from zoo.catalog.registry import Registry
from zoo.errors import UsageError
from zoo.recipes.recipe import Recipe, read_recipe
from zoo.training.own import named, too_short
from zoo.training.train import find_recipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


@pytest.fixture(scope="module")
def shipped(registry: Registry) -> Recipe:
    return read_recipe(find_recipe("pix2pix.emoji", registry))


def on(shipped: Recipe, source: str, **model: Any) -> Recipe:
    """The recipe with another source, and changes to what it says of the model."""
    data = msgspec.structs.replace(shipped.data, source=source)
    return msgspec.structs.replace(shipped, data=data, model=msgspec.structs.replace(shipped.model, **model))


@pytest.mark.parametrize(
    ("source", "name", "found"),
    [
        ("folder:pets/My Cats", None, "pix2pix.my-cats"),
        ("zip:Bücher.zip", None, "pix2pix.bucher-zip"),  # no such file: nothing says where its name ends
        ("folder:my.pictures", None, "pix2pix.my-pictures"),
        ("folder:猫", None, "pix2pix.own"),
        ("folder:somewhere/emoji", None, "pix2pix.emoji-own"),
        ("folder:cats", "tom", "pix2pix.tom"),
        ("pack:lego", "conv.tom", "conv.tom"),
    ],
)
def test_the_id_is_the_name_given_or_that_of_the_data(
    shipped: Recipe, registry: Registry, source: str, name: str | None, found: str
) -> None:
    model = named(on(shipped, source), shipped, name, registry).model
    assert (model.id, model.license, model.default_for) == (found, "not stated", ())
    assert "emoji" not in model.summary.replace("recipe of pix2pix.emoji", "").replace("Trained on emoji", "")


def test_an_id_ends_where_a_files_suffix_begins(shipped: Recipe, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "Old cars.zip").touch()
    assert named(on(shipped, f"zip:{tmp_path}/Old cars.zip"), shipped, None, registry).model.id == "pix2pix.old-cars"


@pytest.mark.parametrize("source", ["pack:emoji", "pack:lego", "torchvision:CIFAR10"])
def test_public_sets_leave_the_recipe_as_it_is(shipped: Recipe, registry: Registry, source: str) -> None:
    recipe = on(shipped, source)
    assert named(recipe, shipped, None, registry) is recipe


def test_what_was_set_by_hand_is_kept(shipped: Recipe, registry: Registry) -> None:
    changed = on(shipped, "folder:cats", id="pix2pix.tom", license="MIT", summary="Cats")
    model = named(changed, shipped, None, registry).model
    assert model.expects == "the pictures of cats"
    assert (model.id, model.license, model.summary) == ("pix2pix.tom", "MIT", "Cats")


@pytest.mark.parametrize("name", ["My Cats", "cats_1", "a.b.c", "pix2pix.", "x" * 200])
def test_a_name_that_is_no_id_is_refused(shipped: Recipe, registry: Registry, name: str) -> None:
    with pytest.raises(UsageError, match="write lower case letters"):
        named(shipped, shipped, name, registry)


@pytest.mark.parametrize("name", ["pix2pix.emoji", "emoji"])
def test_the_id_of_an_installed_model_is_refused(shipped: Recipe, registry: Registry, name: str) -> None:
    with pytest.raises(UsageError, match=r"pix2pix\.emoji is an installed model"):
        named(on(shipped, "folder:cats"), shipped, name, registry)


def scheduled(shipped: Recipe, **train: Any) -> Recipe:
    return msgspec.structs.replace(shipped, train=msgspec.structs.replace(shipped.train, **train))


def test_a_run_of_few_steps_is_told_with_numbers(shipped: Recipe) -> None:
    said = too_short(scheduled(shipped, batch=64, epochs=30), 50)
    assert said is not None
    assert said.startswith("50 pictures in batches of 64 are 1 step an epoch, 30 in all")
    assert "--set train.batch=16 --set train.samples_per_epoch=1600" in said


def test_long_runs_and_trained_beginnings_are_not_warned_of(shipped: Recipe) -> None:
    assert too_short(scheduled(shipped, batch=64, epochs=300), 50) is None
    assert too_short(scheduled(shipped, batch=16, epochs=3, samples_per_epoch=1600), 50) is None
    begun = msgspec.structs.replace(
        scheduled(shipped, batch=64, epochs=3), init={"network": "checkpoint:pix2pix.emoji"}
    )
    assert too_short(begun, 50) is None
