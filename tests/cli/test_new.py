"""`zoo new`: a package that is complete, holds to the contract, and is never written over another."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command import Zoo, files

from zoo.recipes.recipe import read_recipe
from zoo.testing import check_family

if TYPE_CHECKING:
    from conftest import FakePlugins

PACKAGE = [
    ".github/workflows/ci.yml", "LICENSE", "README.md", "pyproject.toml", "src/zoo_pixel_cats/__init__.py",
    "src/zoo_pixel_cats/config.py", "src/zoo_pixel_cats/network.py", "src/zoo_pixel_cats/objective.py",
    "src/zoo_pixel_cats/plugin.py", "src/zoo_pixel_cats/py.typed", "src/zoo_pixel_cats/recipes/pixel-cats-toy.toml",
    "tests/test_zoo_pixel_cats.py",
]  # fmt: skip


@pytest.mark.parametrize("name", ["pixel-cats", "zoo-pixel-cats"])
@pytest.mark.parametrize("family", ["autoencoder", "translator", "generator", "upscaler"])
def test_a_package_is_complete(zoo: Zoo, name: str, family: str) -> None:
    result = zoo("new", name, "--out", "some/where", "--family", family)
    assert (result.code, result.out) == (0, b"some/where/zoo-pixel-cats\n")
    assert result.err.startswith(
        "note: next: pip install -e 'some/where/zoo-pixel-cats[test]' && zoo check pixel-cats && "
    )
    folder = Path("some/where/zoo-pixel-cats")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == PACKAGE
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
    assert not [path for path, text in texts.items() if "@PACKAGE@" in text or "@NAME@" in text or "@CLASS@" in text]
    project = tomllib.loads(texts[folder / "pyproject.toml"])["project"]
    assert project["name"] == "zoo-pixel-cats"
    assert project["entry-points"]["zoo"] == {"pixel-cats": "zoo_pixel_cats.plugin"}
    recipe = read_recipe(folder / "src/zoo_pixel_cats/recipes/pixel-cats-toy.toml")
    assert (recipe.model.id, recipe.model.family) == ("pixel-cats.toy", "pixel-cats")
    for path, text in texts.items():
        if path.suffix == ".py":
            compile(text, str(path), "exec")


@pytest.mark.parametrize("family", ["autoencoder", "translator", "generator", "upscaler"])
def test_the_family_holds_to_the_contract_as_it_is_written(zoo: Zoo, fake_plugins: FakePlugins, family: str) -> None:
    name = f"{family}-of-mine"
    zoo("new", name, "--family", family)
    package = f"zoo_{name.replace('-', '_')}"
    shutil.copytree(f"zoo-{name}/src/{package}", fake_plugins.folder / package)
    info = f"{package}-0.1.0.dist-info"
    fake_plugins.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: zoo-{name}\nVersion: 0.1.0\n\n")
    fake_plugins.write(f"{info}/entry_points.txt", f"[zoo]\n{name} = {package}.plugin\n")
    check_family(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Pixel-Cats", "'Pixel-Cats' can't be the name of a family: small letters"),
        ("pixel_cats", "can't be the name of a family"),
        ("../cats", "can't be the name of a family"),
        ("2cats", "can't be the name of a family"),
        ("c" * 41, "at most 40 in all"),
        ("dense-vae", "there is a family 'dense-vae' already"),
        ("colorize", "there is a task 'colorize' already"),
        ("features", "a package 'zoo_features' is installed already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(zoo: Zoo, name: str, reason: str) -> None:
    assert reason in zoo("new", name).error(2)
    assert files() == []


def test_nothing_is_written_over(zoo: Zoo) -> None:
    Path("zoo-pixel-cats").mkdir()
    Path("zoo-pixel-cats/mine.txt").write_text("mine")
    assert "zoo-pixel-cats exists already" in zoo("new", "pixel-cats").error(2)
    assert files() == ["zoo-pixel-cats/mine.txt"]


def test_a_disk_that_refuses_is_told(zoo: Zoo) -> None:
    Path("file").write_text("")
    assert "can't write file/zoo-pixel-cats" in zoo("new", "pixel-cats", "-o", "file").error(8)
