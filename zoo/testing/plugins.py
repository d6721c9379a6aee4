"""Checks of a plugin: how it loads, its families, and the bytes of the checkpoints it brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from zoo.catalog.plugins import PluginInfo
from zoo.catalog.registry import Registry
from zoo.errors import NotFoundError
from zoo.testing.families import family_findings
from zoo.testing.finding import Finding, tried
from zoo.testing.imports import light_finding


def plugin_findings(info: PluginInfo, registry: Registry) -> Iterator[Finding]:
    """Loading, what is loaded with it, every family at work, and every checkpoint's bytes.

    Raises NotFoundError for a plugin that is disabled.
    """
    if info.disabled:
        raise NotFoundError(f"plugin {info.plugin} is disabled by ZOO_DISABLE_PLUGINS")
    return _findings(info, registry)


def _findings(info: PluginInfo, registry: Registry) -> Iterator[Finding]:
    error = info.problem.error if info.problem else ""
    yield Finding(f"{info.plugin}: loads, and its hooks give what they should", not error, error)
    if info.problem and not info.problem.partly:
        return
    yield light_finding(info.plugin, info.module.partition(":")[0])
    for name in info.families:
        yield from family_findings(registry.family(name), info)
    yield from _whole(info.models, registry)


def named_family_findings(name: str, registry: Registry) -> Iterator[Finding]:
    """The same of one family, with the models of it that its plugin brings."""
    info = registry.plugin_of(name)
    yield light_finding(info.plugin, info.module.partition(":")[0])
    yield from family_findings(registry.family(name), info)
    yield from _whole([model for model in info.models if registry.model(model).config.family == name], registry)


def _whole(models: Iterable[str], registry: Registry) -> Iterator[Finding]:
    from zoo.checkpoints.sources import open_source

    for name in models:
        yield tried(f"{name}: the checkpoint is whole", partial(open_source, registry.model(name).source))
