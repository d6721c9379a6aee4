"""`zoo eval`: which pictures, which figures, and where they are written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Literal, cast

import msgspec
import numpy as np

from zoo.catalog.spec import CheckpointConfig, Metric, format_config, parse_config
from zoo.checkpoints.cards import write_card
from zoo.checkpoints.format import write_config
from zoo.datasets import open_source
from zoo.errors import NotFoundError, UnsupportedCapability, UsageError
from zoo.evaluation import (
    attributes,
    autoencoding,
    binarized,
    bounds,
    classification,
    generators,
    transitions,
    translation,
)
from zoo.evaluation.networks import BackendName, Opener
from zoo.evaluation.options import Options
from zoo.loading import find_checkpoint, load
from zoo.metrics import frechet
from zoo.metrics.features import FeatureNet, Features, seen
from zoo.metrics.levels import Pictures
from zoo.metrics.setting import Setting
from zoo.recipes.pictures import GrayscaleTable, ShrinkTable
from zoo.recipes.recipe import Recipe, read_recipe

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry
    from zoo.inference.model import Model

# Draws of the posterior for each picture: fewer of large pictures, whose decoding takes long.
SAMPLES, SAMPLES_LARGE, LARGE = 100, 10, 3 * 32 * 32


@dataclass(frozen=True)
class Evaluation:
    """The figures, for a VAE how each dimension of its latent is used, and what is to be said beside them."""

    metrics: Sequence[Metric]
    dimensions: Sequence[Mapping[str, float]] = field(default_factory=tuple)
    notes: Sequence[str] = field(default_factory=tuple)


def evaluate(
    name: str,
    registry: Registry,
    data: str | None = None,
    split: str | None = None,
    options: Options | None = None,
    backend: str = "auto",
    device: str = "auto",
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Figures of a model on `split` of `data`, by default those its recipe names for its card.

    A model that encodes and decodes is evaluated by its reconstructions and its latent, one that only generates, or is
    told what to decode, by its samples, another by its job. Raises NotFoundError where there is neither a recipe nor
    `data`, UsageError for a model with nothing to measure and for options that don't apply to it.
    """
    options = options or Options()
    opener = Opener(registry, cast(BackendName, backend), device)
    model = load(name, opener.backend, device, registry)
    recipe = recipe_of(model.config, registry)
    if recipe is None and (data is None or split is None):
        raise NotFoundError(f"{model.id} comes without its recipe: name the pictures with --data and --split")
    data = data or (recipe.data.source if recipe else "")
    split = split or (recipe.data.splits.card if recipe else "")
    setting = Setting(split, f"zoo eval {name} --data {quote(data)} --split {split}{options.arguments()}", report)
    if classification.is_classifier(model.config):
        source = open_source(data, split, model.interface.takes("encode").channels)
        return Evaluation(classification.measure(model, source, labels_of(model, recipe), setting))
    if model.capabilities == ("decode", "generate") or model.interface.conditions_of("decode"):
        return Evaluation(_generated(model, recipe, data, options, setting, opener))
    role = role_of(model, recipe)
    channels = model.interface.gives("decode" if role == "encode" else role).channels
    test = Pictures(open_source(data, split, channels), evaluated_size(model, role, recipe, options.size))
    known = recipe.data.splits.train if recipe else "train"
    if role == "translate":
        return _job(model, recipe, test, (data, known), options, setting, opener)
    if options.against:
        raise UsageError(f"--against is for models that only generate and for colorizers, and {model.id} is neither")
    train = Pictures(open_source(data, known, channels), test.size)
    return _Latent(model, recipe, test, train, options, setting, opener).evaluate()


def _job(
    model: Model,
    recipe: Recipe | None,
    test: Pictures,
    known: tuple[str, str],
    options: Options,
    setting: Setting,
    opener: Opener,
) -> Evaluation:
    """Figures of a model at what it was trained for; `known` are source and split of the training pictures."""
    takes = model.interface.takes("translate")
    channels = len(test.picture(0))
    # Without a recipe, a model from gray to colour is given the luma, any other the picture itself.
    scale = model.interface.scale("translate")
    shrunk = ShrinkTable(factor=scale) if scale != 1 else None
    table = recipe.degrade if recipe else GrayscaleTable() if takes.channels < channels else shrunk
    colours = translation.is_of_colour(table, test)
    allowed = Options(size=options.size)
    if colours:
        allowed = replace(allowed, features=options.features, against=options.against)
    if options != allowed:
        names = "--size, --features, --against" if colours else "--size"
        raise UsageError(f"{model.id} is measured at its job: only {names}, --data and --split apply to it")
    train: Pictures | None
    try:
        train = Pictures(open_source(*known, channels), test.size)
    except NotFoundError:
        train = None  # the methods that are fitted to training pictures are left out
    net, note = opener.network_for_photos(options.features, len(test)) if colours else (None, "")
    beside = translation.Beside([opener.model(other) for other in options.against], net)
    return Evaluation(translation.measure(model, test, train, table, setting, beside), notes=[note] if note else [])


def role_of(model: Model, recipe: Recipe | None) -> Literal["encode", "translate"]:
    """What a model is evaluated by: reconstructions, unless it was trained for another job.

    Raises UsageError for a model that neither reconstructs nor translates.
    """
    can = set(model.capabilities)
    job = recipe.degrade is not None if recipe else model.config.task not in (None, "reconstruct")
    if {"encode", "decode"} <= can and not (job and "translate" in can):
        return "encode"
    if "translate" in can:
        return "translate"
    raise UsageError(
        f"{model.id} has nothing to measure: zoo eval takes models that translate, generate, or encode and decode"
    )


def evaluated_size(
    model: Model, role: Literal["encode", "translate"], recipe: Recipe | None, asked: int | None
) -> tuple[int, int] | None:
    """The height and width pictures are brought to before anything is done to them; None leaves them as they are.

    What is `asked` for; else the model's own size if it has a latent or answers at its own size; else, for a
    model with a latent that takes any size, that of its training. A model that answers at the picture's size is
    evaluated at that. Raises UsageError for a size at which the model does not reconstruct.
    """
    spec = model.interface.takes(role)
    if asked:
        if role == "encode" and spec.size not in (None, (asked, asked)):
            raise UsageError(f"{model.id} is for pictures of {spec.size[1]} x {spec.size[0]}: leave out --size")
        return asked, asked
    if "decode" not in model.capabilities and not model.interface.fit(role).own_size:
        return None
    if spec.size is None and recipe and role == "encode":
        return recipe.data.size, recipe.data.size
    if spec.size is None and role == "encode":
        raise UsageError(f"{model.id} takes pictures of any size: say at which to evaluate it with --size")
    return spec.size


@dataclass(frozen=True)
class _Latent:
    """The evaluation of a model that encodes and decodes."""

    model: Model
    recipe: Recipe | None
    test: Pictures
    train: Pictures
    options: Options
    setting: Setting
    opener: Opener

    def evaluate(self) -> Evaluation:
        """Every protocol that applies."""
        net = self.feature_net()
        pixels, known = self.test.array(range(len(self.test))), self.train.array()
        made = autoencoding.reconstructed(self.model, pixels)
        shape = self.model.encode(pixels[:1]).shape[1:]
        codes = self.codes()
        active = codes.active if codes else None
        metrics = autoencoding.measure(made, pixels, known, int(np.prod(shape)), active, self.setting)
        if codes:
            samples = self.options.samples or (SAMPLES if pixels[0].size <= LARGE else SAMPLES_LARGE)
            wanted = bounds.kinds(self.recipe.objective.get("reconstruction") if self.recipe else None, pixels[0].shape)
            metrics += bounds.measure(self.model, pixels, known, codes, shape, wanted, samples, self.setting)
            if self.recipe and self.recipe.augment.binarize:
                metrics += binarized.measure(self.model, self.test, known, self.options.samples, self.setting)
        if self.model.interface.roles["encode"].log_likelihood:
            metrics.append(bounds.exact(self.model, self.test, self.setting))
        features = seen(net, self.train.batches()) if net else None
        if net and features is not None:
            n = self.options.samples_n or len(pixels)
            metrics += frechet.measure(self.model, net, made, pixels, features, n, self.setting)
        if self.options.transitions:
            metrics += transitions.measure(self.model, net, pixels, features, self.setting)
        if self.options.attributes is not None and isinstance(net, FeatureNet):
            labels = labels_of(net.model, recipe_of(net.model.config, self.opener.registry))
            asked = tuple(filter(None, re.split(r"[\s,]+", self.options.attributes)))
            places = attributes.chosen(net, asked)
            metrics += attributes.measure(self.model, net, self.train, self.test, labels, places, self.setting)
        return Evaluation(metrics, codes.dimensions() if codes else ())

    def codes(self) -> bounds.Codes | None:
        """Posteriors of the held-out pictures; None for a model that encodes to points."""
        try:
            return bounds.encoded(self.model, self.test.batches())[0]
        except UnsupportedCapability:
            if self.options.samples:
                raise
            return None

    def feature_net(self) -> Features | None:
        """The network that was asked for, else the one the recipe chose the prior by.

        Raises UsageError where one is needed, that answers for attributes, and there is none.
        """
        prior = self.recipe.prior if self.recipe else None
        name = self.options.features or (prior.features if prior else None)
        if name is None:
            asked = {"--attributes": self.options.attributes, "--samples-n": self.options.samples_n}
            for option in (option for option, value in asked.items() if value is not None):
                raise UsageError(f"{option} needs a feature network: name one with --features, as feature-net.faces")
            return None
        net = self.opener.network(name)
        if self.options.attributes is not None and not isinstance(net, FeatureNet):
            raise UsageError(f"--attributes needs a network that knows them, as feature-net.faces, not {name}")
        return net


def _generated(
    model: Model, recipe: Recipe | None, data: str, options: Options, setting: Setting, opener: Opener
) -> list[Metric]:
    """Figures of generated pictures, in the network asked for, else in the one that evaluated the training."""
    if options.samples or options.transitions or options.attributes is not None:
        raise UsageError(
            f"{model.id} is measured by what it generates: --samples, --transitions and --attributes don't apply to it"
        )
    name = options.features or (recipe.objective.get("features") if recipe else None)
    if name is None:
        raise UsageError(f"{model.id} is measured in a feature network: name one with --features, as feature-net.faces")
    net = opener.network(name)
    made = model.interface.gives("decode")
    size = (options.size, options.size) if options.size else made.size
    known = recipe.data.splits.train if recipe else "train"
    train, test = (Pictures(open_source(data, part, made.channels), size) for part in (known, setting.split))
    others = [opener.model(other) for other in options.against]
    return generators.measure(model, others, net, train, test, options.samples_n, setting)


def labels_of(model: Model, recipe: Recipe | None) -> Sequence[str]:
    """What a classifier was trained to answer, by its recipe; else columns of the same names, or `label`, the class."""
    if recipe and recipe.data.labels:
        return recipe.data.labels
    settings = model.config.config
    return ("label",) if settings["kind"] == "classes" else tuple(settings["labels"])


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
    parse_config(format_config(config), "config.json")  # what could not be read again is not written
    write_config(checkpoint.folder, config)
    write_card(checkpoint.folder, config)
    return checkpoint.folder
