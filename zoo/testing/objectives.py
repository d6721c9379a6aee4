"""Checks of a family's recipes, and of its objective: that it trains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.catalog.families import configured, interface_of
from zoo.catalog.interface import Interface, RoleName
from zoo.catalog.ports import ImageSpec
from zoo.catalog.registry import load_object
from zoo.catalog.spec import Family
from zoo.errors import PluginError
from zoo.recipes.recipe import read_recipe
from zoo.testing.finding import Finding, tried
from zoo.testing.inputs import sides
from zoo.testing.networks import seeded
from zoo.training.objective import Batch, Evaluation, Objective

# Roles that say what a training pair is, the first that a model has.
TAKING: tuple[RoleName, ...] = ("translate", "encode")
GIVING: tuple[RoleName, ...] = ("translate", "decode")
BATCH = 4
STEPS, LEARNING_RATE = 40, 1e-3
# Losses are compared by the mean of so many steps; a fall of a share of the first mean counts.
WINDOW, FALL = 3, 0.01


def labelled_recipe(family: Family, preset: str | None, files: Sequence[Path]) -> tuple[Mapping[str, Any], int]:
    """How a family that learns from labels is configured, and how many there are, by its first recipe for the preset.

    Where no recipe is for the preset, as for `tiny`, there are as many as the first of its other recipes names. Nothing
    and 0 where none names labels.
    """
    recipes = [recipe for recipe in map(read_recipe, files) if recipe.model.family == family.name]
    of_preset = [recipe for recipe in recipes if recipe.model.preset == preset]
    for recipe in of_preset or recipes:
        if recipe.data.labels:
            return recipe.model.config if of_preset else {}, len(recipe.data.labels)
    return {}, 0


def recipe_findings(family: Family, files: Sequence[Path]) -> Iterator[Finding]:
    """Each recipe of the family's package that is for the family."""
    for file in files:
        yield tried(f"{family.name}: {file.name} is a recipe", partial(_require_recipe, family, file))


def _require_recipe(family: Family, file: Path) -> None:
    recipe = read_recipe(file)
    if recipe.model.family != family.name:
        return
    configured(family, recipe.model.config, recipe.model.preset)
    if not family.objective:
        raise PluginError(f"the family has no objective, so nothing can be trained by {file.name}")
    msgspec.convert(recipe.objective, load_object(family.objective).Options)


def objective_findings(family: Family, config: Any, options: Mapping[str, Any], labels: int = 0) -> Iterator[Finding]:
    """That it is set up, that steps on a few pictures lower a loss, and that it evaluates."""
    trial = Training(family, config, options, labels)
    ready = tried(f"{family.name}: the objective is set up", trial.set_up)
    yield ready
    if not ready.passed:
        return
    yield tried(f"{family.name}: {STEPS} steps on {BATCH} pictures lower a loss", trial.require_progress)
    yield tried(f"{family.name}: it evaluates the network it exports", trial.require_evaluation)


class Training:
    """An objective, its networks and one small batch of soft random pictures."""

    def __init__(self, family: Family, config: Any, options: Mapping[str, Any], labels: int) -> None:
        self.family, self.config, self.options, self.labels = family, config, options, labels
        self.objective: Objective
        self.nets: dict[str, nn.Module] = {}

    def set_up(self) -> None:
        """Build everything. Raises PluginError where the objective does not hold to its protocol."""
        kind = load_object(self.family.objective)
        with seeded(0):
            self.objective = kind(self.config, msgspec.convert(self.options, kind.Options))
            self.batch = _batch(interface_of(self.config), self.labels)
            self.objective.prepare((picture * 255).byte() for picture in self.batch.target)
            self.nets = self.objective.networks()
        network = load_object(self.family.network)
        first = next(iter(self.nets), None)
        if first is None or (isinstance(network, type) and not isinstance(self.nets[first], network)):
            raise PluginError(f"the first of networks() must be a {self.family.network}: it is what is exported")

    def require_progress(self) -> None:
        """Step as the loop does until a sub-network's loss has fallen. Raises PluginError where none does."""
        losses: dict[str, list[float]] = {name: [] for name in self.nets}
        optimizers = {name: torch.optim.Adam(net.parameters(), LEARNING_RATE) for name, net in self.nets.items()}
        for net in self.nets.values():
            net.train()
        with seeded(0):
            for _ in range(STEPS):
                self._step(losses, optimizers)
                if any(map(_fallen, losses.values())):
                    return
        said = ", ".join(f"{name}: {values[0]:.4g} to {values[-1]:.4g}" for name, values in losses.items() if values)
        raise PluginError(f"no loss fell ({said}): does each loss reach the parameters of its sub-network?")

    def _step(self, losses: Mapping[str, list[float]], optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        moves = 0
        for name, loss, _ in self.objective.losses(self.nets, self.batch, torch.Generator().manual_seed(0)):
            if name not in self.nets:
                raise PluginError(f"losses() yields for {name!r}; networks() has: {', '.join(self.nets)}")
            if not math.isfinite(float(loss.detach())):
                raise PluginError(f"the loss of {name} is {float(loss.detach())} on pictures in [0, 1]")
            optimizers[name].zero_grad()
            loss.backward(inputs=list(self.nets[name].parameters()))  # type: ignore[no-untyped-call]
            optimizers[name].step()
            losses[name].append(float(loss.detach()))
            moves += 1
        if not moves:
            raise PluginError("losses() yields nothing: yield (name, loss, logs) for each sub-network's step")

    def require_evaluation(self) -> None:
        """Evaluate the first network. Raises PluginError for a evaluation that is none."""
        with seeded(0):
            evaluation = self.objective.evaluate(next(iter(self.nets.values())).eval(), [self.batch])
        if not isinstance(evaluation, Evaluation):
            raise PluginError(
                f"evaluate() gives a {type(evaluation).__name__}; it gives a zoo.training.objective.Evaluation"
            )
        wrong = [name for name, value in evaluation.figures.items() if not math.isfinite(value)]
        if wrong or not evaluation.figures:
            raise PluginError(f"evaluate() gives figures that are not finite: {', '.join(wrong) or 'none at all'}")
        shape = () if evaluation.samples is None else evaluation.samples.shape
        if shape and (len(shape) != 3 or shape[0] != 3):
            raise PluginError(f"the samples of a evaluation are one sheet (3, H, W), not {tuple(shape)}")


def _fallen(losses: Sequence[float]) -> bool:
    if len(losses) < 2 * WINDOW:
        return False
    first, last = (sum(part) / WINDOW for part in (losses[:WINDOW], losses[-WINDOW:]))
    return last < first - FALL * abs(first)


def _batch(interface: Interface, labels: int) -> Batch:
    """A few pairs of soft random pictures; where the input is of other channels, it is the target in those."""
    roles = interface.roles
    specs = [interface.takes(role) for role in TAKING if role in roles]
    wanted = [interface.gives(role) for role in GIVING if role in roles]
    made, given = (wanted or specs)[0], (specs or wanted)[0]
    scale = interface.scale("translate")
    height, width = sides(given)
    target = _soft(made, made.size or (scale * height, scale * width))
    source = target if given.channels == made.channels else _recoloured(target, given.channels)
    if (given.size or scale != 1) and (height, width) != tuple(target.shape[2:]):
        source = functional.interpolate(source, (height, width), mode="bilinear")
    marks = torch.randint(0, 2, (BATCH, labels)).float() if labels else None
    return Batch(source, target, marks)


def _soft(spec: ImageSpec, size: tuple[int, int]) -> Tensor:
    coarse = torch.rand(BATCH, spec.channels, 4, 4)
    return functional.interpolate(coarse, size, mode="bilinear")


def _recoloured(pictures: Tensor, channels: int) -> Tensor:
    """Gray of colour pictures, or gray pictures in as many channels."""
    return pictures.mean(dim=1, keepdim=True).expand(-1, channels, -1, -1).contiguous()
