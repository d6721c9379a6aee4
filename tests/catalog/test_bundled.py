"""Checkpoints and recipes that lie in a package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from zoo.catalog import bundled
from zoo.catalog.bundled import recipe_files
from zoo.errors import PluginError, UnsafeFileError

if TYPE_CHECKING:
    from conftest import FakePlugins


@pytest.fixture
def package(fake_plugins: FakePlugins) -> FakePlugins:
    fake_plugins.write("zoo_tiny/__init__.py", "raise SystemExit('imported')")
    fake_plugins.checkpoint("zoo_tiny", "tiny.b")
    fake_plugins.checkpoint("zoo_tiny", "tiny.a")
    return fake_plugins


def test_models_are_sorted_and_the_package_is_not_imported(package: FakePlugins) -> None:
    package.write("zoo_tiny/checkpoints/README.md", "not a folder")
    package.write("zoo_tiny/checkpoints/_draft/notes.txt", "")
    package.write("zoo_tiny/checkpoints/.cache/notes.txt", "")
    assert [(model.id, model.source) for model in bundled("zoo_tiny")] == [
        ("tiny.a", "bundled:zoo_tiny/a"),
        ("tiny.b", "bundled:zoo_tiny/b"),
    ]
    assert "zoo_tiny" not in sys.modules


def test_a_nested_package_is_found_without_importing_its_parent(package: FakePlugins) -> None:
    package.checkpoint("zoo_tiny/inner", "tiny.c")
    assert [model.source for model in bundled("zoo_tiny.inner")] == ["bundled:zoo_tiny.inner/c"]
    assert "zoo_tiny" not in sys.modules


def test_a_package_without_checkpoints_gives_none(fake_plugins: FakePlugins) -> None:
    fake_plugins.write("zoo_bare/__init__.py", "")
    assert list(bundled("zoo_bare")) == []


@pytest.mark.parametrize("name", ["zoo_absent", "zoo_tiny.absent", "zoo_file"])
def test_what_is_no_package_is_an_error_that_names_it(name: str, package: FakePlugins) -> None:
    package.write("zoo_file.py", "")
    with pytest.raises(PluginError, match=f"'{name}'.*no such package"):
        list(bundled(name))


def test_a_folder_without_a_config_is_an_error_that_names_it(package: FakePlugins) -> None:
    package.write("zoo_tiny/checkpoints/c/README.md", "")
    with pytest.raises(UnsafeFileError, match=r"zoo_tiny/checkpoints/c/config\.json is missing"):
        list(bundled("zoo_tiny"))


def test_a_folder_not_named_after_its_tag_is_an_error(package: FakePlugins) -> None:
    (package.folder / "zoo_tiny/checkpoints/a").rename(package.folder / "zoo_tiny/checkpoints/z")
    with pytest.raises(UnsafeFileError, match=r"zoo_tiny/checkpoints/z/config\.json .*'tiny\.a'.* must be named 'a'"):
        list(bundled("zoo_tiny"))


def test_a_malformed_config_is_an_error_that_names_the_file(package: FakePlugins) -> None:
    package.write("zoo_tiny/checkpoints/a/config.json", "{}")
    with pytest.raises(UnsafeFileError, match=r"zoo_tiny/checkpoints/a/config\.json"):
        list(bundled("zoo_tiny"))


def test_recipes_are_found_beside_a_module_without_importing_it(package: FakePlugins) -> None:
    for file in ("recipes/b.toml", "recipes/a.toml", "recipes/notes.txt", "config.py", "config/readme.txt"):
        package.write(f"zoo_tiny/{file}", "raise SystemExit")
    for module in ("zoo_tiny.config", "zoo_tiny"):
        assert [file.name for file in recipe_files(module)] == ["a.toml", "b.toml"]
    assert "zoo_tiny" not in sys.modules


@pytest.mark.parametrize("module", ["zoo_absent.config", "zoo_absent", "zoo_file"])
def test_a_module_without_a_package_has_no_recipes(module: str, package: FakePlugins) -> None:
    package.write("zoo_file.py", "")
    assert recipe_files(module) == []
