"""Writing: whole or not at all. What a picture's file needs beyond that is tested where pictures are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo.errors import DiskError, UsageError
from zoo.files import whole_folder, write_whole


def test_bytes_are_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", b"{}", force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"{}"


def test_a_file_is_replaced_only_if_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(UsageError, match="a exists: use --force"):
        write_whole(tmp_path / "a", b"new", force=False)
    assert (tmp_path / "a").read_bytes() == b"old"
    write_whole(tmp_path / "a", b"new", force=True)
    assert (tmp_path / "a").read_bytes() == b"new"


def test_an_empty_leftover_is_removed_when_it_is_old(tmp_path: Path) -> None:
    """A new one may be another process' that is about to lock it."""
    new, old = tmp_path / ".zoo-new.tmp", tmp_path / ".zoo-old.tmp"
    new.touch()
    old.touch()
    os.utime(old, (0, 0))
    write_whole(tmp_path / "a", b"data", force=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".zoo-new.tmp", "a"]


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match=r"none/a can't be written: No such file"):
        write_whole(tmp_path / "none" / "a", b"", force=True)


def test_a_folder_takes_the_place_of_the_old_one_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old").touch()
    with whole_folder(tmp_path / "run") as partial:
        (partial / "new").touch()
        assert (tmp_path / "run" / "old").exists()
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["run", "run/new"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "run") as partial:
        (partial / "half").touch()
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_a_killed_run_left_of_a_folder_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".run.partial").mkdir()
    (tmp_path / ".run.partial" / "half").touch()
    with whole_folder(tmp_path / "run"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["run"]
