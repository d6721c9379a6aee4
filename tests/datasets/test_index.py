"""The csv index as people's programs write it: delimiters, marks, spaces, case, and what is refused or said."""

from __future__ import annotations

import logging
import re

import pytest

from zoo.datasets import index as index_module
from zoo.datasets import open_source
from zoo.errors import NotFoundError, UnsafeFileError


@pytest.fixture
def folder(tmp_path, write):
    """Eight pictures in a folder of the folder."""
    for number in range(8):
        write(tmp_path / "img" / f"{number}.png", number)
    return tmp_path


def names(folder, split: str) -> list[str]:
    source = open_source(f"folder:{folder}", split)
    return [source.name(place) for place in range(len(source))]


def rows(pattern: str, header: str) -> str:
    """A csv whose last two pictures are val; `pattern` writes a row of number and split."""
    lines = [pattern.format(number, "train" if number < 6 else "val") for number in range(8)]
    return "\n".join([header, *lines, ""])


WRITTEN = {
    "semicolons": rows("img/{}.png;{}", "file;split").encode(),
    "tabs": rows("img/{}.png\t{}", "file\tsplit").encode(),
    "bars": rows("img/{}.png|{}", "file|split").encode(),
    "spaces": rows(" img/{}.png , {} ", "file , split").encode(),
    "quoted spaces": rows('"img/{}.png", "{} "', '"file", "split"').encode(),
    "mark": b"\xef\xbb\xbf" + rows("img/{}.png,{}", "file,split").encode(),
    "utf-16": rows("img/{}.png\t{}", "file\tsplit").encode("utf-16"),
    "Windows' lines": rows("img/{}.png,{}", "file,split").replace("\n", "\r\n").encode(),
    "old lines": rows("img/{}.png,{}", "file,split").replace("\n", "\r").encode(),
    "excel's first line": b"sep=;\r\n" + rows("img/{}.png;{}", "file;split").encode(),
    "backslashes": rows("img\\{}.png,{}", "file,split").encode(),
    "doubled backslashes": rows("img\\\\{}.png,{}", "file,split").encode(),
    "a dot before": rows(".\\img\\{}.png,{}", "file,split").encode(),
    "capital columns": rows("{1},img/{0}.png", "SPLIT,File").encode(),
    "capital splits": rows("img/{}.png,{}", "file,split").replace("train", "Train").replace("val", "VAL").encode(),
    "other words": rows("img/{}.png,{}", "file,split")
    .replace("train", "training")
    .replace("val", "Validation")
    .encode(),
    "capital files": rows("IMG/{}.PNG,{}", "file,split").encode(),
    "empty rows": (rows("img/{}.png;{}", "file;split") + ";\n;\n\n").encode(),
    "a blank line before": b"\n" + rows("img/{}.png,{}", "file,split").encode(),
    "more cells": rows("img/{}.png,{},,", "file,split").encode(),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_an_index_is_read_as_programs_write_it(folder, way):
    (folder / "index.csv").write_bytes(WRITTEN[way])
    assert names(folder, "train") == [f"img/{number}.png" for number in range(6)]
    assert names(folder, "val") == ["img/6.png", "img/7.png"]
    assert open_source(f"folder:{folder}", "val").labels(0)["file"] == "img/6.png"


@pytest.mark.parametrize("name", ["INDEX.CSV", "index.tsv"])
def test_an_index_may_have_another_suffix(folder, name):
    (folder / name).write_bytes(WRITTEN["tabs"])
    assert len(names(folder, "val")) == 2


def test_the_words_of_a_split_can_be_asked_for_too(folder):
    (folder / "index.csv").write_bytes(WRITTEN["other words"])
    assert names(folder, "validation") == names(folder, "val")
    (folder / "index.csv").write_text("file,split\nimg/0.png,train\nimg/1.png,val\nimg/2.png,eval\n", encoding="utf-8")
    assert names(folder, "val") == ["img/1.png"]
    assert names(folder, "eval") == ["img/2.png"]


def test_numbers_with_a_comma_are_numbers_where_semicolons_part(folder):
    (folder / "index.csv").write_text("file;split;smile\nimg/0,5.png;train;0,25\nimg/0.png;train;-1,5\n", "utf-8")
    (folder / "img" / "1.png").rename(folder / "img" / "0,5.png")
    source = open_source(f"folder:{folder}", "train")
    assert [source.labels(place)["smile"] for place in range(2)] == ["0.25", "-1.5"]
    assert source.name(0) == "img/0,5.png"


def test_accents_may_be_spelled_in_two_ways(folder, write):
    write(folder / "e\u0301te\u0301.png")
    (folder / "index.csv").write_text("file,split\n\u00e9t\u00e9.png,train\n", encoding="utf-8")
    assert names(folder, "train") == ["e\u0301te\u0301.png"]


def test_a_name_that_two_files_could_have_is_no_name(folder, write):
    write(folder / "A.png")
    write(folder / "a.PNG")
    (folder / "index.csv").write_text("file,split\na.png,train\nimg/0.png,train\nA.png,train\n", encoding="utf-8")
    assert names(folder, "train") == ["A.png", "img/0.png"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("list.csv", "name;what\na;b\n", r"list\.csv is not used: it has no column file; its header is 'name;what'"),
        ("latin.csv", "name,na\xefve\n", r"latin\.csv is not used: it has no column file"),
        ("empty.csv", "file,split\n", r"empty\.csv is not used: it has no rows"),
        ("img/deep.csv", "file,split\n0.png,train\n", r"img/deep\.csv is not used: an index lies in the folder itself"),
        (
            "lost.csv",
            "file,x\nimg/9.png,1\nimg/0.png,1\n",
            r"lost\.csv names 1 files that are no pictures there: img/9",
        ),
        ("twice.csv", "file,x\nimg/1.png,1\nimg/1.png,2\n", r"twice\.csv names 1 pictures twice.*: img/1\.png"),
        ("few.csv", "file,split\nimg/1.png,train\n", r"7 pictures are left out, since .*few\.csv does not name them"),
    ],
)
def test_what_an_index_does_not_give_is_said_once(folder, caplog, name, text, says):
    (folder / name).write_bytes(text.encode("latin-1"))
    with caplog.at_level(logging.INFO, "zoo.datasets"):
        names(folder, "train")
        names(folder, "train")
    assert len([record for record in caplog.records if re.search(says, record.getMessage())]) == 1


def test_an_index_that_names_nothing_there_stops(folder):
    (folder / "index.csv").write_text("file,split\npictures/1.png,train\n", encoding="utf-8")
    with pytest.raises(NotFoundError, match=r"index\.csv names 1 pictures that are not there: pictures/1\.png"):
        names(folder, "train")


def test_an_index_with_other_splits_names_them(folder):
    (folder / "index.csv").write_text("file,split\nimg/1.png,A\nimg/2.png,B\n", encoding="utf-8")
    with pytest.raises(NotFoundError, match=r"no pictures in its split 'train': .*index\.csv has the splits A, B"):
        names(folder, "train")


@pytest.mark.parametrize("name", ["..\\img\\0.png", "C:\\img\\0.png", "\\img\\0.png", " ../img/0.png"])
def test_windows_paths_outside_are_refused_too(folder, name):
    (folder / "index.csv").write_text(f"file,split\n{name},train\n", encoding="utf-8")
    with pytest.raises(UnsafeFileError, match="not inside its folder: write paths below"):
        names(folder, "train")


def test_too_many_and_too_long_lines_are_refused(folder, monkeypatch):
    monkeypatch.setattr(index_module, "MAX_LINES", 8)
    (folder / "index.csv").write_bytes(WRITTEN["mark"])
    with pytest.raises(UnsafeFileError, match=r"index\.csv has more than 8 lines"):
        names(folder, "train")
    monkeypatch.setattr(index_module, "MAX_LINES", 9)
    assert len(names(folder, "train")) == 6
    monkeypatch.setattr(index_module, "MAX_LINE", 20)
    assert len(names(folder, "train")) == 6
    for text in (f"file,split\n{'a' * 20},train\n", f"file,{'x' * 20}\na,b\n"):
        (folder / "index.csv").write_text(text, encoding="utf-8")
        with pytest.raises(UnsafeFileError, match="a line of more than 20 characters"):
            names(folder, "train")


def test_a_pack_takes_backslashes_and_capitals(home, write):
    write(home / "toys" / "img" / "0.png", 3)
    (home / "toys" / "toys.csv").write_bytes(b"\xef\xbb\xbfFile;Split\r\nimg\\0.png;Train\r\n")
    source = open_source("pack:toys", "train")
    assert source.picture(0)[0, 0, 0] == 3
    assert source.labels(0) == {"file": "img/0.png", "split": "Train"}
