"""`zoo eval`: which pictures, which figures, and where they are written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import msgspec

from zoo.catalog.spec import CheckpointConfig, Metric
from zoo.checkpoints.cards import write_card
from zoo.checkpoints.format import write_config
from zoo.errors import NotFoundError, UsageError
from zoo.evaluation.translation import measure
from zoo.loading import find_checkpoint, load
from zoo.training.data import open_source
from zoo.training.recipe import GrayscaleTable, Recipe, read_recipe

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry


def evaluate(
    name: str,
    registry: Registry,
    data: str | None = None,
    split: str | None = None,
    backend: str = "auto",
    device: str = "auto",
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Metric]:
    """Figures of a model on `split` of `data`, by default those its recipe names for its card.

    Raises NotFoundError where there is neither a recipe nor `data`, UsageError for a model without a job to measure.
    """
    model = load(name, cast(Literal["auto", "onnx", "torch"], backend), device, registry)
    recipe = recipe_of(model.config, registry)
    if recipe is None and (data is None or split is None):
        raise NotFoundError(f"{model.id} comes without its recipe: name the pictures with --data and --split")
    data = data or (recipe.data.source if recipe else "")
    split = split or (recipe.data.splits.card if recipe else "")
    if "translate" not in model.capabilities:
        raise UsageError(f"{model.id} has no job to measure: zoo eval takes models that translate")
    graph = model.config.capabilities["translate"]
    takes, gives = graph.takes()[1].channels, graph.output.channels if graph.output else 3
    # Without a recipe, a model from gray to colour is given the luma, any other the picture itself.
    table = recipe.degrade if recipe else GrayscaleTable() if takes < gives else None
    source = open_source(data, split, gives)
    return measure(model, source, table, split, f"zoo eval {name} --data {data} --split {split}", report)


def recipe_of(config: CheckpointConfig, registry: Registry) -> Recipe | None:
    """The recipe a checkpoint says it was made by, if an installed family ships it."""
    if config.training is None:
        return None
    path = registry.recipes().get(config.training.recipe.removesuffix(".toml"))
    return read_recipe(path) if path else None


def write_metrics(name: str, registry: Registry, metrics: Sequence[Metric]) -> Path:
    """Put the figures into the checkpoint's config.json, and render its card anew; returns the folder."""
    checkpoint = find_checkpoint(name, registry)
    config = msgspec.structs.replace(checkpoint.config, metrics=tuple(metrics))
    write_config(checkpoint.folder, config)
    write_card(checkpoint.folder, config)
    return checkpoint.folder
