"""Packages: found on the disk or brought by the registry's client, and known by their hash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from standins import archive, sha256

from zoo.errors import IntegrityError, NetworkError, NotFoundError


@pytest.fixture
def packages(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("packages")


@pytest.fixture
def tgz(tmp_path: Path) -> Path:
    path = tmp_path / "kept" / "art-2.0.tgz"
    path.parent.mkdir()
    path.write_bytes(archive({"package/a": b"a"}, "w:gz"))
    return path


@pytest.fixture
def art(packages: ModuleType, tgz: Path) -> Any:
    return packages.Package("@them/art", "2.0", "@them/art/-/art-2.0.tgz", sha256(tgz.read_bytes()), packages.NPM)


def test_a_package_is_found_as_a_file_and_in_a_folder(packages: ModuleType, tgz: Path, art: Any) -> None:
    assert packages.find(art, tgz) == packages.find(art, tgz.parent) == tgz
    # npm puts the scope into the file's name, the registry's address does not.
    scoped = tgz.rename(tgz.with_name("them-art-2.0.tgz"))
    assert packages.find(art, tgz.parent) == scoped


def test_another_file_and_no_file_are_told_apart(packages: ModuleType, tgz: Path, art: Any) -> None:
    tgz.write_bytes(b"another")
    with pytest.raises(IntegrityError, match=r"art-2\.0\.tgz is not @them/art 2\.0: its hash differs; download https"):
        packages.find(art, tgz)
    tgz.unlink()
    with pytest.raises(
        NotFoundError, match=r"no \*art-2\.0\.tgz in .*kept; download https://registry\.npmjs\.org/@them"
    ):
        packages.find(art, tgz.parent)


def test_the_client_of_the_registry_brings_it(
    packages: ModuleType, tgz: Path, art: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFoundError, match="no npm here: give the package by --packages; download"):
        packages.download(art, tmp_path)
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\necho "$@" > said\n/bin/cp {tgz} them-art-2.0.tgz\n')
    npm.chmod(0o755)
    assert packages.download(art, tmp_path) == tmp_path / "them-art-2.0.tgz"
    assert (tmp_path / "said").read_text() == "pack --loglevel=error --ignore-scripts @them/art@2.0\n"


@pytest.mark.parametrize(
    ("complaints", "reason"),
    [
        ("npm warn old\nnpm error code E404\nnpm error 404 Not Found\n", "code E404"),
        ("WARNING: slow\nERROR: no match\n", "no match"),
        ("W: slow\nE: Version not found\n", "Version not found"),
        ("first\nlast\n", "last"),
        ("", "no reason given"),
    ],
)
def test_what_the_client_complains_of_is_told(
    packages: ModuleType, art: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaints: str, reason: str
) -> None:
    (tmp_path / "complaints").write_text(complaints)
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n/bin/cat complaints >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkError, match=rf"npm can't download @them/art 2\.0 \({reason}\): try again, or use"):
        packages.download(art, tmp_path)
