"""What lies in a package beside its code: trained checkpoints and recipes, found without importing the package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from zoo.catalog.expects import parse_expects
from zoo.catalog.spec import ModelSpec, parse_config
from zoo.errors import PluginError, UnsafeFileError


def bundled(package: str) -> Iterator[ModelSpec]:
    """One ModelSpec for each `checkpoints/<tag>/config.json` of the package, by tag.

    Folders named `_*` and `.*` don't count. Raises PluginError if there is no such package, and UnsafeFileError if a
    folder has no readable `config.json` or is not named after its model's tag.
    """
    folders = package_folders(package)
    if not folders:
        raise PluginError(f"bundled({package!r}): no such package; name the one that holds checkpoints/")
    checkpoints = [folder / "checkpoints" for folder in folders]
    for parent in filter(Path.is_dir, checkpoints):
        for folder in sorted(parent.iterdir()):
            if folder.is_dir() and not folder.name.startswith((".", "_")):
                yield _read(folder, package)


def recipe_files(module: str) -> list[Path]:
    """Every `recipes/*.toml` of the package that holds the module, by name."""
    parents = package_folders(module) or package_folders(module.rpartition(".")[0])
    return [file for parent in parents for file in sorted((parent / "recipes").glob("*.toml"))]


def _read(folder: Path, package: str) -> ModelSpec:
    tag = folder.name
    name = f"{package}/checkpoints/{tag}/config.json"
    try:
        data = (folder / "config.json").read_bytes()
    except OSError as error:
        reason = "is missing" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        raise UnsafeFileError(f"{name} {reason}; a folder in checkpoints/ holds one checkpoint") from error
    config = parse_config(data, name)
    expected = config.id.partition(".")[2]
    if tag != expected:
        raise UnsafeFileError(f"{name} says id {config.id!r}, so its folder must be named {expected!r}")
    hint = folder / "expects.json"
    expects = parse_expects(hint.read_bytes(), hint) if hint.is_file() else None
    return ModelSpec(config, f"bundled:{package}/{tag}", expects)


def package_folders(package: str) -> list[Path]:
    """Where a package's files lie: one folder, or several for a namespace; none if it is a plain module or absent.

    Only the topmost package is looked up by the import system: looking up `a.b` would import `a`.
    """
    top, *rest = package.split(".")
    spec = find_spec(top) if top else None
    roots = [Path(root, *rest) for root in (spec.submodule_search_locations or ())] if spec else []
    return [root for root in roots if root.is_dir() and not (rest and root.with_suffix(".py").is_file())]
