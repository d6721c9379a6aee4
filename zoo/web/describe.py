"""What the page is told about models: made from their typed interfaces, so that it knows no family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from zoo.catalog.fits import FITS
from zoo.checkpoints.cards import prose, read_card
from zoo.checkpoints.tables import is_overall

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.interface import Interface, RoleName
    from zoo.web.shelf import Entry, Shelf

MAX_PICTURE_BYTES = 4 * 2**20


def row(entry: Entry, shelf: Shelf) -> dict[str, Any]:
    """A model in the list of all."""
    config = entry.config
    return {
        "id": entry.id,
        "task": config.task,
        "default": shelf.tasks().get(config.task or "") == entry.id,
        "summary": config.summary,
        "can": config.can(),
        "parameters": config.weights.parameters,
        "bytes": config.weights.bytes,
        "picture": picture_of(entry) is not None,
    }


def full(entry: Entry, shelf: Shelf) -> dict[str, Any]:
    """All that the page shows of one model, and what it makes its parts of."""
    config, interface = entry.config, entry.config.interface
    return {
        **row(entry, shelf),
        "name": entry.name,
        "family": config.family,
        "license": config.license,
        "dtype": config.weights.dtype,
        "weights": config.weights.sha256,
        "interface": interface_of(interface),
        "training": msgspec.to_builtins(config.training),
        "metrics": [msgspec.to_builtins(metric) for metric in filter(is_overall, config.metrics)],
        "card": prose(read_card(entry.folder)),
        "data": shelf.data.source if shelf.data and "encode" in config.can() else "",
    }


def interface_of(interface: Interface) -> dict[str, Any]:
    """An interface as JSON: for each role its ports, scale and fit with all that the fit says of itself."""
    return {
        "roles": {role: _role(interface, role) for role in interface.graphs()},
        "latent": msgspec.to_builtins(interface.latent),
        "conditions": msgspec.to_builtins(interface.conditions),
    }


def _role(interface: Interface, role: RoleName) -> dict[str, Any]:
    inputs, outputs = interface.inputs(role), interface.outputs(role)
    images = any(port.kind == "image" for port in inputs)
    return {
        "inputs": msgspec.to_builtins(inputs),
        "outputs": msgspec.to_builtins(outputs),
        "scale": interface.scale(role),
        "fit": msgspec.to_builtins(FITS[interface.fit(role).name]) if images else None,
    }


def picture_of(entry: Entry) -> Path | None:
    """The picture of the model's card, if there is one: a JPEG named after the model, beside its config.json."""
    path = entry.folder / f"{entry.id}.jpg"
    if path.is_file() and path.stat().st_size <= MAX_PICTURE_BYTES:
        return path
    return None
