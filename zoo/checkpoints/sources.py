"""Where checkpoints come from: `bundled:PACKAGE/TAG`, `dir:PATH` and `hub:ORG/NAME[@REVISION]`.

Each becomes a folder that is read and verified.
"""

from __future__ import annotations

import re
from pathlib import Path

from zoo.catalog.bundled import package_folders
from zoo.checkpoints.format import Checkpoint, read_checkpoint
from zoo.errors import NotFoundError, PluginError, UsageError

FORMS = "bundled:PACKAGE/TAG, dir:PATH or hub:ORG/NAME[@REVISION]"

_BUNDLED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)/([a-z0-9]+(?:-[a-z0-9]+)*)")


def open_source(source: str) -> Checkpoint:
    """The verified checkpoint that a source means.

    Raises UsageError for a source of unknown form, PluginError where the package of a bundled checkpoint is gone,
    NotFoundError where the checkpoint is, as `read_checkpoint` does, and for the Hub as `fetch` does.
    """
    kind, separator, place = source.partition(":")
    if not separator or not place:
        raise UsageError(f"{source!r} is no source of a checkpoint; give {FORMS}")
    if kind == "bundled":
        return read_checkpoint(_bundled_folder(source, place), source)
    if kind == "dir":
        return read_checkpoint(_expanded(place), source)
    if kind == "hub":
        from zoo.checkpoints.hub.download import fetch
        from zoo.checkpoints.hub.reference import parse

        fetched = fetch(parse(source))
        return read_checkpoint(fetched.folder, str(fetched.reference), fetched.check_config)
    raise UsageError(f"{source!r} begins with the unknown source {kind!r}; give {FORMS}")


def folder_of(source: str) -> Path | None:
    """The folder of a source that is on this machine anyway, not read yet; None for one on the Hub.

    Raises as `open_source` does where the source, or what it names, is not there.
    """
    kind, _, place = source.partition(":")
    if kind == "hub":
        return None
    return _bundled_folder(source, place) if kind == "bundled" else _expanded(place)


def _expanded(place: str) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise NotFoundError(f"dir:{place}: there is no such user's home folder") from error


def _bundled_folder(source: str, place: str) -> Path:
    match = _BUNDLED.fullmatch(place)
    if match is None:
        raise UsageError(f"{source!r} must name a package and a tag: bundled:PACKAGE/TAG")
    package, tag = match.groups()
    roots = package_folders(package)
    if not roots:
        raise PluginError(f"{source}: the package {package!r} is not installed; install the plugin that holds it")
    found = next((root / "checkpoints" / tag for root in roots if (root / "checkpoints" / tag).is_dir()), None)
    if found is None:
        raise NotFoundError(
            f"{source}: the package {package!r} holds no checkpoint {tag!r}; install a newer version of it"
        )
    return found
