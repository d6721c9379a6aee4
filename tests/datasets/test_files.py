"""Folders of pictures: how they are split, and what is known about each picture."""

from __future__ import annotations

import pytest

from zoo.datasets import open_source
from zoo.errors import NotFoundError, UnsafeFileError, UsageError


def names(source: str, split: str) -> list[str]:
    opened = open_source(source, split)
    return [opened.name(index) for index in range(len(opened))]


def test_a_folder_is_split_by_name_and_new_files_move_none(tmp_path, write):
    for number in range(200):
        write(tmp_path / f"{number}.png")
    splits = {split: set(names(f"folder:{tmp_path}", split)) for split in ("train", "val", "test")}
    assert sum(len(each) for each in splits.values()) == 200
    assert not splits["train"] & splits["val"] | splits["val"] & splits["test"]
    write(tmp_path / "another.png")
    assert all(each <= set(names(f"folder:{tmp_path}", split)) for split, each in splits.items())


def test_a_folder_with_folders_of_splits_uses_those(tmp_path, write):
    write(tmp_path / "train" / "deep" / "a.png", 7)
    write(tmp_path / "val" / "b.png")
    source = open_source(f"folder:{tmp_path}", "train")
    assert source.picture(0).shape == (3, 3, 4)
    assert source.picture(0)[:, 0, 0].tolist() == [7, 10, 20]
    with pytest.raises(NotFoundError, match="no pictures in its split 'test'"):
        open_source(f"folder:{tmp_path}", "test")


def test_gray_is_pillows_luma(tmp_path, write):
    write(tmp_path / "train" / "a.png", 100)
    picture = open_source(f"folder:{tmp_path}", "train", channels=1).picture(0)
    assert picture.shape == (1, 3, 4)
    assert picture[0, 0, 0] == round(0.299 * 100 + 0.587 * 10 + 0.114 * 20)


def test_the_outermost_folder_below_a_split_is_the_class(tmp_path, write):
    write(tmp_path / "train" / "cat" / "young" / "a.png")
    write(tmp_path / "train" / "b.png")
    source = open_source(f"folder:{tmp_path}", "train")
    assert {source.name(i): dict(source.labels(i)) for i in range(2)} == {
        "train/b.png": {},
        "train/cat/young/a.png": {"label": "cat"},
    }


def test_a_csv_in_a_folder_gives_labels_and_splits(tmp_path, write):
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.png")
    (tmp_path / "notes.csv").write_text("who,when\nme,now\n", encoding="utf-8")
    (tmp_path / "people.csv").write_bytes("\ufefffile,split,smile\na.png,test,0.4\nb.png,train\n".encode())
    source = open_source(f"folder:{tmp_path}", "test")
    assert len(source) == 1
    assert source.labels(0) == {"file": "a.png", "split": "test", "smile": "0.4"}
    assert names(f"folder:{tmp_path}", "train") == ["b.png"]
    assert open_source(f"folder:{tmp_path}", "train").labels(0)["smile"] == ""


def test_of_several_indexes_attributes_csv_counts(tmp_path, write):
    write(tmp_path / "train" / "a.png")
    for name, value in (("other", 1), ("more", 2)):
        (tmp_path / f"{name}.csv").write_text(f"file,x\ntrain/a.png,{value}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"more\.csv, other\.csv"):
        open_source(f"folder:{tmp_path}", "train")
    (tmp_path / "more.csv").rename(tmp_path / "attributes.csv")
    assert open_source(f"folder:{tmp_path}", "train").labels(0)["x"] == "2"


def test_what_is_no_csv_is_refused(tmp_path, write):
    write(tmp_path / "train" / "a.png")
    (tmp_path / "a.csv").write_bytes(b"file,x\n\xff\xfe,1\n")
    with pytest.raises(UnsafeFileError, match=r"a\.csv is not a csv in UTF-8"):
        open_source(f"folder:{tmp_path}", "train")


def test_unknown_and_missing_sources_are_refused(tmp_path):
    for source in ("http://example.org", "pack:", "pictures"):
        with pytest.raises(UsageError, match="pack:NAME, folder:PATH"):
            open_source(source, "train")
    with pytest.raises(NotFoundError, match="no folder"):
        open_source(f"folder:{tmp_path / 'none'}", "train")
