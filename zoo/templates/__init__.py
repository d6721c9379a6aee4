"""A new plugin from the template that lies beside this file.

Every file of `plugin/` and of the folder of the kind of family is copied without its ending `.tmpl`, in its name and in
its text the words between @ replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from zoo.catalog.registry import Registry
from zoo.errors import DiskError, UsageError
from zoo.files import whole_folder

Kind = Literal["autoencoder", "translator", "generator", "upscaler"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MOST = 40
# How a model of the kind is tried first, on the command line.
_TRY = {
    "generator": "zoo generate dir:runs/@NAME@.toy/checkpoint -o new.png",
    "translator": "zoo run dir:runs/@NAME@.toy/checkpoint photo.jpg",
}
_ENDING = ".tmpl"


def write_plugin(name: str, kind: Kind, parent: Path, registry: Registry) -> Path:
    """Write the package `zoo-NAME` with the family NAME into `parent`; returns its folder, whole or not there at all.

    A leading `zoo-` of the name is left off. Raises UsageError for a name that can't be or is taken, or a folder that
    exists, and DiskError where the disk refuses.
    """
    name = name.removeprefix("zoo-")
    _refuse(name, registry)
    words = {"@TRY@": _TRY.get(kind, _TRY["translator"])} | _words(name)
    folder = parent / words["@DISTRIBUTION@"]
    if folder.exists():
        raise UsageError(f"{folder} exists already: choose another name, or another folder with --out")
    try:
        with whole_folder(folder) as partial:
            for source in ("plugin", kind):
                _copy(Path(__file__).with_name(source), partial, words)
    except OSError as error:
        raise DiskError(f"can't write {folder}: {error.strerror or error}") from error
    return folder


def _refuse(name: str, registry: Registry) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MOST:
        raise UsageError(
            f"{name!r} can't be the name of a family: small letters and digits in words joined by -, "
            f"a letter first, at most {_MOST} in all, as in pixel-cats"
        )
    if name in registry.families or name in registry.tasks():
        kind = "family" if name in registry.families else "task"
        raise UsageError(f"there is a {kind} {name!r} already; `zoo info {name}` shows it: choose another name")
    package = _words(name)["@PACKAGE@"]
    if find_spec(package):
        raise UsageError(f"a package {package!r} is installed already: choose another name")


def _words(name: str) -> dict[str, str]:
    return {
        "@NAME@": name,
        "@DISTRIBUTION@": f"zoo-{name}",
        "@PACKAGE@": f"zoo_{name.replace('-', '_')}",
        "@CLASS@": "".join(word.capitalize() for word in name.split("-")),
        "@VERSION@": version("latent-zoo"),
    }


def _copy(source: Path, target: Path, words: Mapping[str, str]) -> None:
    for file in sorted(source.rglob(f"*{_ENDING}")):
        path = target / _filled(file.relative_to(source).as_posix().removesuffix(_ENDING), words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(file.read_text(encoding="utf-8"), words), encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text
