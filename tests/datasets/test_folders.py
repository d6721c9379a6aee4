"""Folders as people have them: how those of splits are called, what is hidden, and what is no picture."""

from __future__ import annotations

import logging
import os
import re
import socket

import pytest
from PIL import Image

from zoo.datasets import open_source
from zoo.datasets.splits import spelled, split_of_word
from zoo.errors import NotFoundError


def names(folder, split: str) -> list[str]:
    source = open_source(f"folder:{folder}", split)
    return [source.name(place) for place in range(len(source))]


@pytest.mark.parametrize(
    ("train", "val"),
    [("Train", "Val"), ("TRAIN", "Validation"), ("train", "valid"), ("Training", "eval"), ("training", "Dev")],
)
def test_folders_of_splits_by_their_other_names(tmp_path, write, train, val):
    for name in (f"{train}/cat/1.png", f"{val}/cat/2.png", "Test/dog/3.png"):
        write(tmp_path / name)
    assert names(tmp_path, "train") == [f"{train}/cat/1.png"]
    assert names(tmp_path, "val") == [f"{val}/cat/2.png"]
    assert names(tmp_path, "test") == ["Test/dog/3.png"]
    assert open_source(f"folder:{tmp_path}", "test").labels(0) == {"label": "dog"}


def test_of_several_names_of_a_split_the_plain_one_counts(tmp_path, write, caplog):
    for name in ("train/1.png", "val/2.png", "eval/3.png", "extra/4.png", "5.png"):
        write(tmp_path / name)
    with caplog.at_level(logging.INFO, "zoo.datasets"):
        assert names(tmp_path, "train") == ["train/1.png"]
    assert "3 pictures are left out, since they lie in no folder of a split: 5.png, eval/3.png" in caplog.text
    assert names(tmp_path, "val") == ["val/2.png"]
    assert names(tmp_path, "extra") == ["extra/4.png"]


def test_one_folder_around_folders_of_splits(tmp_path, write):
    for name in ("set/Train/cat/1.png", "set/Val/2.png"):
        write(tmp_path / name)
    source = open_source(f"folder:{tmp_path}", "train")
    assert (source.name(0), source.labels(0)) == ("set/Train/cat/1.png", {"label": "cat"})
    assert names(tmp_path, "val") == ["set/Val/2.png"]


def test_classes_called_nearly_as_splits_are_classes(tmp_path, write):
    for number in range(40):
        write(tmp_path / ("valid" if number % 2 else "invalid") / f"{number}.png")
    source = open_source(f"folder:{tmp_path}", "train")
    assert {source.labels(place)["label"] for place in range(len(source))} == {"valid", "invalid"}


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (["a/{}.png"], "does not say its splits.*about 5 % of its pictures are taken as val and 5 % as test"),
        (["cat/train/{}.png", "dog/val/{}.png"], "by their names; its folders train, val are not taken as splits"),
        (["Train/{}.png", "valve/{}.png"], "its folders Train are not taken as splits"),
    ],
)
def test_splits_by_names_alone_are_said(tmp_path, write, caplog, made, says):
    for number in range(20):
        for name in made:
            write(tmp_path / name.format(number))
    with caplog.at_level(logging.INFO, "zoo.datasets"):
        names(tmp_path, "train")
    assert re.search(says, caplog.text)


def test_other_names_of_splits_that_are_used_are_said(tmp_path, write, caplog):
    write(tmp_path / "Train" / "1.png")
    write(tmp_path / "Validation" / "2.png")
    with caplog.at_level(logging.INFO, "zoo.datasets"):
        names(tmp_path, "train")
    assert "the folder Train is taken as train, Validation is taken as val" in caplog.text


def test_a_split_that_is_not_there_names_the_folders(tmp_path, write):
    write(tmp_path / "Train" / "1.png")
    with pytest.raises(NotFoundError, match="no pictures in its split 'val'; its folders are Train"):
        names(tmp_path, "val")


def test_hidden_files_and_folders_are_ignored(tmp_path, write):
    write(tmp_path / "train" / "cat" / "1.png")
    for name in (
        ".ipynb_checkpoints/1-checkpoint.png", "train/.ipynb_checkpoints/1.png", "train/cat/._1.png",
        "__MACOSX/train/1.png", "train/@eaDir/1.png/thumb.jpg", "train/cat/.DS_Store", "train/cat/Thumbs.db",
        ".index.csv", "._index.csv",
    ):  # fmt: skip
        write(tmp_path / name)
    assert names(tmp_path, "train") == ["train/cat/1.png"]


def test_folders_called_like_pictures_are_folders(tmp_path, write):
    write(tmp_path / "train" / "cat.jpg" / "1.png")
    write(tmp_path / "index.csv" / "2.png")
    source = open_source(f"folder:{tmp_path}", "train")
    assert [source.name(0), len(source), source.labels(0)] == ["train/cat.jpg/1.png", 1, {"label": "cat.jpg"}]


def test_pictures_have_the_suffixes_that_run_knows(tmp_path):
    (tmp_path / "train").mkdir()
    for name in ("a.pgm", "b.PPM", "c.jfif", "d.avif"):
        Image.new("L" if name == "a.pgm" else "RGB", (4, 3), 9).save(tmp_path / "train" / name)
    (tmp_path / "train" / "e.heic").write_bytes(b"not read")
    assert names(tmp_path, "train") == [f"train/{name}" for name in ("a.pgm", "b.PPM", "c.jfif", "d.avif", "e.heic")]
    assert open_source(f"folder:{tmp_path}", "train").picture(0).tolist() == [[[9] * 4] * 3] * 3


def test_pipes_sockets_and_devices_are_left_out(tmp_path, write, monkeypatch):
    write(tmp_path / "train" / "1.png")
    os.mkfifo(tmp_path / "train" / "2.png")
    os.mkfifo(tmp_path / "index.csv")
    (tmp_path / "train" / "3.png").symlink_to("/dev/zero")
    (tmp_path / "train" / "4.png").symlink_to("4.png")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("5.png")
        assert names(tmp_path, "train") == ["train/1.png"]


def test_a_link_to_a_folder_is_left_out_and_said(tmp_path, write, caplog):
    write(tmp_path / "data" / "train" / "1.png")
    (tmp_path / "data" / "val").symlink_to(tmp_path)
    with caplog.at_level(logging.INFO, "zoo.datasets"):
        assert names(tmp_path / "data", "train") == ["train/1.png"]
    assert "val is a link to a folder, and is left out" in caplog.text


@pytest.mark.parametrize("name", ['my "best" pictures', "a#b", "c\\d", "é ü", "~no-such-user", "x = 1", " spaces "])
def test_paths_are_taken_as_they_stand(tmp_path, write, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name / "train" / "1.png")
    assert len(open_source(f"folder:{name}", "train")) == 1
    assert len(open_source(f"folder:{tmp_path / name}", "train")) == 1


def test_names_that_are_not_utf_8_are_split_too(tmp_path, write):
    for number in range(40):
        write(tmp_path / os.fsdecode(b"\xff%d.png" % number))
    assert len(names(tmp_path, "train")) > 20


def test_words_of_splits():
    assert [split_of_word(word) for word in (" Train", "dev", "TESTING", "holdout")] == ["train", "val", "test", None]
    assert spelled("val", ["valid", "Valid", "eval"]) == {"valid", "Valid"}
    assert spelled("Holdout", ["holdout", "val"]) == {"holdout"}
    assert spelled("test", ["train", "val"]) == frozenset()
