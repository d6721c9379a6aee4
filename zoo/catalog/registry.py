"""What exists: families and models by name, task and pattern, and who brought them."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from zoo.catalog.bundled import recipe_files
from zoo.catalog.plugins import (
    LoadedPlugin,
    PluginInfo,
    PluginProblem,
    installed_plugins,
    load_plugins,
    one_line,
    refused,
)
from zoo.errors import NotFoundError, PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.metadata import EntryPoint
    from pathlib import Path

    from zoo.catalog.spec import Family, ModelSpec


@dataclass(frozen=True, eq=False)
class Registry:
    """Everything the installed plugins bring, in the order they bring it, the zoo's own first. Never changes."""

    families: Mapping[str, Family]
    models: Mapping[str, ModelSpec]
    plugins: tuple[PluginInfo, ...]

    @classmethod
    def discover(cls, entry_points: Iterable[EntryPoint] | None = None) -> Registry:
        """What the installed plugins bring, or those of the given entry points.

        A plugin that fails is left out and listed in `problems`, and so is the family or model with a name that is
        taken; if `ZOO_STRICT_PLUGINS` is 1, either raises PluginError.
        """
        return cls.build(installed_plugins() if entry_points is None else load_plugins(entry_points))

    @classmethod
    def build(cls, plugins: Iterable[LoadedPlugin]) -> Registry:
        """What these plugins bring; the first claim on a name holds, and what has a later one is left out."""
        families: dict[str, Family] = {}
        models: dict[str, ModelSpec] = {}
        infos: list[PluginInfo] = []
        claims = _Claims()
        for plugin in plugins:
            kept, clashes = claims.kept(plugin)
            own_families = {family.name: family for family in kept.families}
            own_models = {model.id: model for model in kept.models}
            families |= own_families
            models |= own_models
            info = plugin.info
            if clashes:
                info = refused(
                    info, "conflict", PluginError("; ".join(clashes)), partly=bool(own_families or own_models)
                )
            infos.append(replace(info, families=tuple(own_families), models=tuple(own_models)))
        return cls(MappingProxyType(families), MappingProxyType(models), tuple(infos))

    @property
    def problems(self) -> tuple[PluginProblem, ...]:
        """Why plugins were left out, wholly or in part, one for each that was."""
        return tuple(info.problem for info in self.plugins if info.problem)

    def family(self, name: str) -> Family:
        """The family of exactly this name. Raises NotFoundError."""
        if name not in self.families:
            raise self._not_found("family", name, self.families)
        return self.families[name]

    def model(self, name: str) -> ModelSpec:
        """The model of exactly this id. Raises NotFoundError."""
        if name not in self.models:
            raise self._not_found("model", name, self.models)
        return self.models[name]

    def plugin_of(self, name: str) -> PluginInfo:
        """The plugin that brought a family or a model. Raises NotFoundError."""
        for info in self.plugins:
            if name in info.families or name in info.models:
                return info
        raise self._not_found("family or model", name, (*self.families, *self.models))

    def find(self, pattern: str | None = None, task: str | None = None, family: str | None = None) -> list[ModelSpec]:
        """Models by id, those that match all of what is given.

        `pattern` is a shell pattern (`conv-*.f[ao]*`) over the id, or without `*?[` any part of it.
        """
        return [
            model
            for name, model in sorted(self.models.items())
            if _matches(name, pattern)
            and (task is None or task in tasks_of(model))
            and (family is None or family == model.config.family)
        ]

    def find_families(
        self, pattern: str | None = None, task: str | None = None, family: str | None = None
    ) -> list[Family]:
        """Families by name, those that match all of what is given; `pattern` is as in `find`, over the name.

        With `task`, a family must have a model that does it.
        """
        return [
            found
            for name, found in sorted(self.families.items())
            if _matches(name, pattern)
            and (task is None or self.find(task=task, family=name))
            and (family is None or family == name)
        ]

    def tasks(self) -> dict[str, list[ModelSpec]]:
        """Every task by name, each with the models that do it."""
        models = self.models.values()
        names = sorted({task for model in models for task in tasks_of(model)})
        return {task: [model for model in models if task in tasks_of(model)] for task in names}

    def resolve(self, name: str) -> ModelSpec:
        """The model meant by a model's id, a family's name or a task, looked for in this order.

        A family means its model that is the default of a task, else its first; models from the family's own plugin go
        first. A task means the model that says it is its default, the zoo's own first, else the only one there is.
        Raises NotFoundError, and UsageError if a task leaves a choice.
        """
        if name in self.models:
            return self.models[name]
        members = [model for model in self.models.values() if model.config.family == name]
        if members or name in self.families:
            return self._of_family(name, members)
        candidates = self.tasks().get(name)
        if candidates:
            return self._of_task(name, candidates)
        raise self._not_found("model, family or task", name, (*self.models, *self.families, *self.tasks()))

    def recipes(self) -> dict[str, Path]:
        """Recipes shipped with the families, by name (the file's, without `.toml`); the first of a name holds."""
        found: dict[str, Path] = {}
        for family in self.families.values():
            for file in recipe_files(family.config.partition(":")[0]):
                found.setdefault(file.stem, file)
        return found

    def _of_family(self, name: str, members: list[ModelSpec]) -> ModelSpec:
        if not members:
            raise NotFoundError(f"family {name!r} has no trained model here; `zoo train` makes one")
        own = self.plugin_of(name).models if name in self.families else ()
        return min(members, key=lambda model: (model.id not in own, not model.config.default_for))

    def _of_task(self, task: str, candidates: list[ModelSpec]) -> ModelSpec:
        defaults = [model for model in candidates if task in model.config.default_for]
        builtin = [model for model in defaults if self.plugin_of(model.id).builtin]
        choice = builtin[:1] or defaults or candidates
        if len(choice) > 1:
            names = ", ".join(model.id for model in choice)
            raise UsageError(f"task {task!r} has more than one model: {names}; give the name of one of them")
        return choice[0]

    def _not_found(self, kind: str, name: str, names: Iterable[str]) -> NotFoundError:
        import difflib

        known = sorted(set(names))
        word = name.lower()
        close = difflib.get_close_matches(word, known, n=3) or [other for other in known if word and word in other][:3]
        hint = f"; did you mean {' or '.join(close)}?" if close else ";"
        broken = ", ".join(problem.plugin for problem in self.problems)
        note = f" (left out: {broken}; `zoo plugins` tells why)" if broken else ""
        return NotFoundError(f"no {kind} {name!r}{hint} `zoo list` shows all{note}")


def tasks_of(model: ModelSpec) -> set[str]:
    """Every task a model does: the one it names, and those it is the default of."""
    return {*model.config.default_for, *([model.config.task] if model.config.task else [])}


def _matches(name: str, pattern: str | None) -> bool:
    pattern = (pattern or "*").lower()
    return fnmatchcase(name, pattern if set("*?[") & set(pattern) else f"*{pattern}*")


def load_object(reference: str, plugin: PluginInfo | None = None) -> Any:
    """Import what a string `"package.module:Name"` names; `plugin` is who said so.

    Raises PluginError that names both and, for a missing module, what to install.
    """
    module, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # a plugin's module may raise anything
        origin = f" of plugin {plugin.plugin!r} ({plugin.distribution})" if plugin else ""
        raise PluginError(f"can't import {reference!r}{origin}: {one_line(error, plugin)}") from error


class _Claims:
    """Which plugin brought which name. A word that could mean both a family and a task would be a trap."""

    def __init__(self) -> None:
        self.names: dict[str, PluginInfo] = {}
        self.families: dict[str, PluginInfo] = {}
        self.tasks: dict[str, PluginInfo] = {}

    def kept(self, plugin: LoadedPlugin) -> tuple[LoadedPlugin, list[str]]:
        """What of a plugin has names that are free, which it has from now on, and why the rest is left out.

        The models of a family that is left out go with it: another plugin's family has another network.
        """
        families: list[Family] = []
        models: list[ModelSpec] = []
        clashes: list[str] = []
        for family in plugin.families:
            with _collected(clashes):
                self._claim_family(family.name, plugin.info)
                families.append(family)
        gone = {family.name for family in plugin.families} - {family.name for family in families}
        for model in plugin.models:
            if model.config.family not in gone:
                with _collected(clashes):
                    self._claim_model(model, plugin.info)
                    models.append(model)
        return replace(plugin, families=tuple(families), models=tuple(models)), clashes

    def _claim_family(self, name: str, claimant: PluginInfo) -> None:
        """Raises PluginError where the name is taken."""
        self._require_free("family", name, claimant)
        if name in self.tasks:
            raise _conflict(f"family {name!r}", claimant, "has the name of a task of", self.tasks[name])
        self.names[name] = claimant
        self.families.setdefault(name, claimant)

    def _claim_model(self, model: ModelSpec, claimant: PluginInfo) -> None:
        """Raises PluginError where its id is taken, or its family or a task has a name of the other kind."""
        self._require_free("model", model.id, claimant)
        # A model may belong to a family that no plugin brings; that family's name resolves all the same.
        family, tasks = model.config.family, tasks_of(model)
        if family in self.tasks:
            raise _conflict(f"family {family!r}", claimant, "has the name of a task of", self.tasks[family])
        families = {family: claimant, **self.families}
        for task in sorted(tasks & families.keys()):
            raise _conflict(f"task {task!r}", claimant, "has the name of a family of", families[task])
        self.names[model.id] = claimant
        self.families.setdefault(family, claimant)
        self.tasks = {**dict.fromkeys(tasks, claimant), **self.tasks}

    def _require_free(self, kind: str, name: str, claimant: PluginInfo) -> None:
        if name in self.names:
            raise _conflict(f"{kind} {name!r}", claimant, "is already brought by", self.names[name])


@contextmanager
def _collected(clashes: list[str]) -> Iterator[None]:
    """Note a name that is taken, and go on without it."""
    try:
        yield
    except PluginError as error:
        clashes.append(str(error))


def _conflict(what: str, claimant: PluginInfo, how: str, owner: PluginInfo) -> PluginError:
    claimed = f"{what} of {claimant.distribution} (plugin {claimant.plugin!r})"
    owned = f"{owner.distribution} (plugin {owner.plugin!r})"
    advice = "" if claimant is owner else "; to choose, name the other in ZOO_DISABLE_PLUGINS"
    return PluginError(f"{claimed} {how} {owned}{advice}")
