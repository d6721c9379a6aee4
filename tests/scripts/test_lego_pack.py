"""The script that builds the data pack `lego`, on pictures made here, and the index that it ships."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from zoo.datasets import open_source
from zoo.errors import NotFoundError, UnsafeFileError, UsageError


@pytest.fixture
def lego(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("lego")


@pytest.fixture
def clone(lego: ModuleType, tmp_path: Path) -> Path:
    """A folder laid out as the repository, its pictures a few pixels each."""
    with lego.INDEX.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            path = tmp_path / "clone" / row["original_path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (5, 8), (number, 0, 0)).save(path)
    return tmp_path / "clone"


def test_photographs_are_packed_as_they_are_and_split(
    lego: ModuleType, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, new = lego.build(tmp_path / "out", clone)
    assert new and sorted(path.name for path in pack.iterdir()) == ["lego.csv", "lego.zip"]
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "out"))
    assert [len(open_source("pack:lego", split)) for split in ("train", "val", "test")] == [89, 11, 8]
    source = open_source("pack:lego", "test")
    assert source.picture(0).shape == (3, 8, 5)
    assert lego.build(tmp_path / "out", tmp_path / "gone") == (pack, False)


def test_photographs_of_one_moment_are_in_one_split(lego: ModuleType) -> None:
    splits = defaultdict(set)
    with lego.INDEX.open(newline="") as file:
        for row in csv.DictReader(file):
            splits[row["moment"]].add(row["split"])
    assert len(splits) > 80
    assert all(len(each) == 1 for each in splits.values())


def test_what_is_no_clone_builds_nothing(lego: ModuleType, clone: Path, tmp_path: Path) -> None:
    broken = clone / "marvel" / "0001" / "001.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(UnsafeFileError, match="clone the repository again"):
        lego.build(tmp_path / "out", clone)
    broken.unlink()
    with pytest.raises(NotFoundError, match=r"has no marvel/0001/001\.jpg"):
        lego.build(tmp_path / "out", clone)
    assert not (tmp_path / "out" / "lego").exists()
    (tmp_path / "out" / "lego").mkdir(parents=True)
    with pytest.raises(UsageError, match="exists and is not this pack"):
        lego.build(tmp_path / "out", clone)
