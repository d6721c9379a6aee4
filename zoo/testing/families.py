"""Checks of a family that need no trained weights: its names, its promises, its network and its objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from zoo.catalog.bundled import recipe_files
from zoo.catalog.families import configured, interface_of
from zoo.catalog.plugins import PluginInfo
from zoo.catalog.registry import load_object
from zoo.catalog.spec import Family
from zoo.errors import PluginError
from zoo.testing.finding import NEEDS_TORCH, Finding, all_passed, has_torch, torch_tried, tried
from zoo.testing.imports import light_finding

TINY = "tiny"


def family_findings(
    family: Family,
    info: PluginInfo,
    config: Mapping[str, Any] | None = None,
    objective: Mapping[str, Any] | None = None,
) -> Iterator[Finding]:
    """Names, presets, promises; then, if all of them hold, the network and the objective at work.

    What is at work is the preset `tiny`, else the first, with `config` over it. `objective` is a recipe's table.
    """
    if not (yield from all_passed(_named(family, info))):
        return  # what follows would fail for the same reasons
    if not has_torch():
        check = f"{family.name}: its recipes fit, its network works and its objective trains"
        yield Finding(check, passed=True, advice=NEEDS_TORCH, skipped=True)
        return
    from zoo.testing.networks import network_findings
    from zoo.testing.objectives import labelled_recipe, objective_findings, recipe_findings

    preset = next(iter(family.presets), None) if TINY not in family.presets else TINY
    recipes = recipe_files(family.config.partition(":")[0])
    if not (yield from all_passed(recipe_findings(family, recipes))):
        return
    settings, labels = labelled_recipe(family, preset, recipes)
    chosen = configured(family, {**settings, **(config or {})}, preset)
    yield from network_findings(family, chosen)
    if family.objective:
        yield from objective_findings(family, chosen, objective or {}, labels)


def _named(family: Family, info: PluginInfo) -> Iterator[Finding]:
    """What can be told from names and numbers."""
    configurable = yield from all_passed(_configured(family))
    for part in filter(None, (family.network, family.objective, family.weight_names)):
        yield torch_tried(f"{family.name}: {part} can be imported", partial(load_object, part, info))
    methods = [name for name in family.capabilities if name != "generate"]  # that one is decode of a draw
    yield torch_tried(
        f"{family.name}: the network has a method for each capability", partial(_require_methods, family, methods)
    )
    if configurable:
        yield tried(f"{family.name}: presets can do what the family declares", partial(_require_promises, family))
    yield light_finding(family.name, family.config.partition(":")[0])


def _configured(family: Family) -> Iterator[Finding]:
    for preset in family.presets or (None,):
        what = f"the preset {preset!r} is" if preset else "the defaults are"
        yield tried(f"{family.name}: {what} a configuration", partial(configured, family, {}, preset))


def _require_methods(family: Family, methods: Sequence[str]) -> None:
    network = load_object(family.network)
    missing = [name for name in methods if not callable(getattr(network, name, None))]
    if missing:
        raise PluginError(f"{family.network} has no {' and no '.join(missing)}")


def _require_promises(family: Family) -> None:
    """Together the presets can do all that is declared, and none can do more."""
    able: set[str] = set()
    for preset in family.presets or (None,):
        able |= set(interface_of(configured(family, {}, preset)).can())
    declared = set(family.capabilities)
    if able != declared:
        more, less = sorted(able - declared), sorted(declared - able)
        wrong = [f"interface() of a preset promises {', '.join(more)}"] if more else []
        wrong += [f"no preset promises {', '.join(less)}"] if less else []
        raise PluginError(f"{' and '.join(wrong)}: make interface() and capabilities of the Family agree")
