"""Contract checks: what every plugin, family and checkpoint must hold to.

In a test, one line: `check_family("my-family")` raises an AssertionError that lists what fails and what to do about it.
On the command line: `zoo check PLUGIN`, `zoo check FAMILY`, `zoo check MODEL`, `zoo check dir:PATH`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zoo.catalog.registry import Registry
from zoo.testing.checkpoints import checkpoint_findings
from zoo.testing.families import family_findings
from zoo.testing.finding import Finding, require
from zoo.testing.imports import light_finding
from zoo.testing.plugins import named_family_findings, plugin_findings

__all__ = ["Finding", "check", "check_checkpoint", "check_family", "check_plugin", "findings"]


def check_family(
    name: str, config: Mapping[str, Any] | None = None, objective: Mapping[str, Any] | None = None
) -> None:
    """Hold an installed family to the contract, weights and all: nothing has to be trained before.

    What is tried is the family's preset `tiny`, else its first; `config` goes over it and is best chosen small.
    `objective` is a recipe's `[objective]` table. Raises AssertionError with a line for each check that fails,
    NotFoundError where no installed plugin brings the family.
    """
    registry = Registry.discover()
    info = registry.plugin_of(name)
    light = light_finding(info.plugin, info.module.partition(":")[0])
    require(name, [light, *family_findings(registry.family(name), info, config or {}, objective or {})])


def check_plugin(name: str) -> None:
    """Hold a plugin, all its families and the checkpoints it brings to the contract; raises as `check_family`."""
    require(name, check(name, Registry.discover()))


def check_checkpoint(name: str) -> None:
    """Hold a checkpoint to the contract: any name that `zoo run` takes, as `dir:PATH`; raises as `check_family`.

    Without PyTorch, it is held to what ONNX Runtime can tell.
    """
    require(name, (finding for finding in findings(name, Registry.discover()) if not finding.skipped))


def check(name: str, registry: Registry) -> list[Finding]:
    """Every finding on a plugin, by its name or its distribution's, a family or a checkpoint: what `zoo check` prints.

    Raises NotFoundError for a name that is none of these, and as `read_checkpoint` does for a folder that holds none.
    """
    return list(findings(name, registry))


def findings(name: str, registry: Registry) -> Iterator[Finding]:
    """Every finding of `check`, one by one as they are found. Raises as it does, before the first."""
    plugins = [info for info in registry.plugins if name in (info.plugin, info.distribution)]
    if plugins:
        return (finding for info in plugins for finding in plugin_findings(info, registry))
    if name in registry.families:
        return named_family_findings(name, registry)
    from zoo.loading import find_checkpoint

    checkpoint = find_checkpoint(name, registry)
    family = checkpoint.config.family
    return checkpoint_findings(checkpoint, registry.family(family) if family in registry.families else None)
