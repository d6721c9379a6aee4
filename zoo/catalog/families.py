"""From a family's name and settings to its configuration: checked values, nothing built yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from zoo.catalog.registry import load_object
from zoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zoo.catalog.spec import Family


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
