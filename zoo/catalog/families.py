"""From a family's name and settings to its configuration and its promises: checked values, nothing built yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from zoo.catalog.interface import IMAGE_ROLES, Interface, require_known
from zoo.catalog.registry import load_object
from zoo.catalog.spec import Family
from zoo.errors import PluginError, UsageError


def configured(family: Family, values: Mapping[str, Any], preset: str | None = None) -> Any:
    """The family's configuration struct: the preset's values with `values` over them, each within its bounds.

    Raises UsageError for an unknown preset or a value that the family does not allow.
    """
    if preset is not None and preset not in family.presets:
        known = ", ".join(family.presets) or "none"
        raise UsageError(f"family {family.name} has no preset {preset!r}; it has: {known}")
    merged = {**(family.presets[preset] if preset else {}), **values}
    try:
        return msgspec.convert(merged, load_object(family.config))
    except msgspec.ValidationError as error:
        raise UsageError(f"family {family.name} does not take this configuration: {error}") from error


def interface_of(config: Any) -> Interface:
    """What the model of a family's configuration promises.

    Raises PluginError where its `interface()` is missing, gives something else, or breaks a rule.
    """
    name = f"interface() of {type(config).__module__}:{type(config).__qualname__}"
    if not callable(getattr(config, "interface", None)):
        raise PluginError(f"there is no {name}: docs/plugins.md says what it gives")
    try:
        given = config.interface()
        if isinstance(given, Interface):
            require_known("role", given.roles, IMAGE_ROLES)
            return msgspec.convert(msgspec.to_builtins(given), Interface)
    except Exception as error:  # a plugin's own code may raise anything
        raise PluginError(f"{name}: {error}") from error
    raise PluginError(
        f"{name} gives a {type(given).__name__}: return a zoo.catalog.Interface, as "
        "Interface(roles={'translate': Role(ImageSpec(channels=3), ImageSpec(channels=3), 'pad')})"
    )
