"""A recipe on somebody's own pictures: what the model is called then, and whether the run is too short for any use."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from msgspec.structs import replace

from zoo.catalog.registry import Registry
from zoo.datasets import KINDS
from zoo.errors import UsageError
from zoo.recipes.recipe import ModelTable, Recipe
from zoo.training.data import Order

NO_LICENSE = "not stated"
# A run of fewer steps changes a network so little that nothing comes of it, unless it begins with trained weights.
FEW_STEPS = 300
STEPS_PER_EPOCH = 100
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


def named(recipe: Recipe, shipped: Recipe, name: str | None, registry: Registry) -> Recipe:
    """The recipe with an id, a summary and a licence of its own, where a name or own pictures are given.

    `shipped` is the recipe without anybody's changes: what was changed by hand is kept. `name` is an id, or what
    follows the family in it; without one it is made from the name of the data. Models trained on a pack or a set of
    torchvision stay what the recipe calls them.

    Raises UsageError for a name that is no id, or that is the id of an installed model.
    """
    kind, _, place = recipe.data.source.partition(":")
    own = kind in KINDS and KINDS[kind].own and recipe.data.source != shipped.data.source
    if name is None and not own:
        return recipe
    model, was = recipe.model, shipped.model
    if name is not None:
        id_ = name if "." in name else f"{model.family}.{name}"
        if not ID.fullmatch(id_) or len(id_) > 129:
            raise UsageError(f"--id {name}: write lower case letters, digits and hyphens, as {model.family}.my-cats")
        if any(id_ == spec.id for spec in registry.find()):
            raise UsageError(f"--id {name}: {id_} is an installed model; choose another name")
    elif model.id != was.id:  # by --set model.id
        id_ = model.id
    else:
        id_ = _id_of(model.family, Path(place), registry)
    return replace(recipe, model=_described(model, was, id_, Path(place).name if own else recipe.data.source))


def _described(model: ModelTable, was: ModelTable, id_: str, data: str) -> ModelTable:
    """The table with what does not hold for other data replaced, as far as it is the shipped recipe's."""
    words = "".join(letter for letter in data if letter.isprintable())[:100]
    summary = f"Trained on {words} by the recipe of {was.id}" if model.summary == was.summary else model.summary
    license_ = NO_LICENSE if model.license == was.license else model.license
    expects = f"the pictures of {words}" if model.expects == was.expects else model.expects
    return replace(model, id=id_, summary=summary, expects=expects, license=license_, default_for=())


def _id_of(family: str, place: Path, registry: Registry) -> str:
    """An id from the name of a folder or file, which is no installed model's."""
    name = place.name or place.resolve().name
    stem = name.rsplit(".", 1)[0] if place.is_file() else name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:50].strip("-") or "own"
    taken = {spec.id for spec in registry.find()}
    return f"{family}.{slug}" if f"{family}.{slug}" not in taken else f"{family}.{slug}-own"


def too_short(recipe: Recipe, pictures: int) -> str | None:
    """What to say of a run that takes so few steps that nothing can come of it; None for others."""
    table = recipe.train
    each = len(Order(pictures, table.batch, table.seed, table.samples_per_epoch))
    if recipe.init or each * table.epochs >= FEW_STEPS:
        return None
    batch = min(table.batch, 16)
    return (
        f"{pictures} pictures in batches of {table.batch} are {each} step{'s' if each > 1 else ''} an epoch, "
        f"{each * table.epochs} in all: too few for the network to learn anything, which takes thousands. "
        f"--set train.batch={batch} --set train.samples_per_epoch={batch * STEPS_PER_EPOCH} makes an epoch "
        f"{STEPS_PER_EPOCH} steps"
    )
