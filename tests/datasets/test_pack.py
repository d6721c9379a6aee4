"""Data packs: a csv index with files or zips, or one array file."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from zoo.datasets import data_home, open_source
from zoo.errors import NotFoundError, UnsafeFileError, UsageError


def index(home, text, name="toys"):
    (home / name).mkdir(exist_ok=True)
    (home / name / f"{name}.csv").write_text(text, encoding="utf-8")


def test_a_pack_is_read_by_its_index_and_split(home, write):
    write(home / "toys" / "a.png", 1)
    write(home / "toys" / "deep" / "b.png", 2)
    index(home, "file,split,kind\na.png,train,ball\ndeep/b.png,val,doll\n")
    source = open_source("pack:toys", "val")
    assert len(source) == 1
    assert source.picture(0)[:, 0, 0].tolist() == [2, 10, 20]
    assert source.labels(0) == {"file": "deep/b.png", "split": "val", "kind": "doll"}
    with pytest.raises(NotFoundError, match="split 'test'"):
        open_source("pack:toys", "test")


def test_a_pack_may_hold_its_pictures_in_zips(home, write, png):
    write(home / "toys" / "loose.png", 9)
    for name, red in (("one.zip", 1), ("two.zip", 2)):
        with zipfile.ZipFile(home / "toys" / name, "w") as file:
            file.writestr("a.png", png(red))
    index(home, "file,zip,split\na.png,one.zip,val\na.png,two.zip,train\nloose.png,,train\n")
    source = open_source("pack:toys", "train")
    assert [source.picture(i)[0, 0, 0] for i in range(2)] == [2, 9]
    assert open_source("pack:toys", "val").picture(0)[0, 0, 0] == 1


def test_a_pack_may_be_one_array_file(home):
    (home / "digits").mkdir()
    images = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4)
    np.savez(home / "digits" / "d.npz", images=images, labels=[7, 8, 9], train=[0, 2], test=[1])
    source = open_source("pack:digits", "test", channels=1)
    assert np.array_equal(source.picture(0)[0], images[1])
    assert source.labels(0) == {"label": "8"}


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("file,kind\na.png,x\n", UsageError, "columns file and split"),
        ("name,split\na.png,train\n", UsageError, "columns file and split"),
        ("file,split\ngone.png,train\n", NotFoundError, r"lacks gone\.png"),
        ("file,split,zip\na.png,train,gone.zip\n", NotFoundError, "no zip file"),
        ("file,split,zip\nb.png,train,some.zip\n", NotFoundError, r"some\.zip lacks b\.png"),
        ("file,split\n../../secret.png,train\n", UnsafeFileError, "not inside"),
        ("file,split,zip\na.png,train,/etc/a.zip\n", UnsafeFileError, "not inside"),
    ],
)
def test_a_wrong_index_is_refused_before_training(home, png, text, error, says):
    index(home, text)
    with zipfile.ZipFile(home / "toys" / "some.zip", "w") as file:
        file.writestr("a.png", png(1))
    with pytest.raises(error, match=says):
        open_source("pack:toys", "train")


def test_a_missing_pack_says_where_packs_are_looked_for(home, monkeypatch):
    with pytest.raises(NotFoundError, match="ZOO_DATA"):
        open_source("pack:games", "val")
    monkeypatch.delenv("ZOO_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert data_home().as_posix() == "/cache/latent-zoo/data"


# Some of a pack.


def test_a_pack_can_be_taken_by_the_values_of_a_column(home, write):
    for name in "abcd":
        write(home / "toys" / f"{name}.png", ord(name))
    index(home, "file,split,kind\na.png,train,ball\nb.png,train,doll\nc.png,train,car\nd.png,val,ball\n")
    source = open_source("pack:toys?kind=ball,car", "train")
    assert [source.labels(place)["file"] for place in range(len(source))] == ["a.png", "c.png"]
    assert len(open_source("pack:toys?kind=ball", "val")) == 1
    with pytest.raises(NotFoundError, match=r"pack:toys\?kind=car has no pictures in its split 'val'"):
        open_source("pack:toys?kind=car", "val")


@pytest.mark.parametrize(
    ("condition", "error", "says"),
    [
        ("colour=red", UsageError, r"\?colour=red: write \?COLUMN=VALUE,VALUE with a column of .*: file, split, kind"),
        ("", UsageError, r"write \?COLUMN=VALUE,VALUE"),
        ("kind=ball,bal", NotFoundError, "no picture of .* has kind 'bal'"),
    ],
)
def test_what_a_pack_can_not_be_taken_by(home, write, condition, error, says):
    write(home / "toys" / "a.png", 1)
    index(home, "file,split,kind\na.png,train,ball\n")
    with pytest.raises(error, match=says):
        open_source(f"pack:toys?{condition}", "train")


def test_an_array_file_has_no_columns_to_take_it_by(home):
    (home / "digits").mkdir()
    np.savez(home / "digits" / "d.npz", images=np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(UsageError, match=r"has no csv index: leave out \?label=1"):
        open_source("pack:digits?label=1", "train")
