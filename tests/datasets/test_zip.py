"""Zips of pictures: read as folders are, in memory, and suspiciously."""

from __future__ import annotations

import os
import pickle
import zipfile
from multiprocessing import get_context

import pytest

from zoo.datasets import open_source
from zoo.datasets.archive import Archive
from zoo.errors import NotFoundError, UnsafeFileError


@pytest.fixture
def pack(tmp_path):
    """Write a zip with these members."""

    def write(members: dict[str, bytes]) -> str:
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in members.items():
                file.writestr(name, data)
        return f"zip:{tmp_path / 'a.zip'}"

    return write


def test_a_zip_is_split_and_labelled_as_a_folder_is(tmp_path, pack, png):
    source = open_source(pack({"train/cat/a.png": png(5), "val/b.png": png(6), "readme.txt": b"hi"}), "train")
    assert (len(source), source.name(0), source.labels(0)) == (1, "train/cat/a.png", {"label": "cat"})
    assert source.picture(0)[:, 2, 3].tolist() == [5, 10, 20]


def test_a_zip_and_the_folder_it_was_made_from_split_alike(tmp_path, pack, png, write):
    for number in range(60):
        write(tmp_path / "photos" / f"{number}.png", number)
    members = {f"photos/{number}.png": png(number) for number in range(60)}
    zipped = open_source(pack(members | {"__MACOSX/photos/._1.png": b"x", "photos/._1.png": b"x"}), "train")
    loose = open_source(f"folder:{tmp_path / 'photos'}", "train")
    assert [zipped.name(i) for i in range(len(zipped))] == [loose.name(i) for i in range(len(loose))]


def test_a_csv_in_a_zip_gives_labels_and_splits(pack, png):
    table = b"file,split,glasses\nx/a.png,train,1\nx/b.png,val,0\n"
    source = open_source(pack({"top/faces.csv": table, "top/x/a.png": png(1), "top/x/b.png": png(2)}), "val")
    assert (len(source), source.picture(0)[0, 0, 0]) == (1, 2)
    assert source.labels(0) == {"label": "x", "file": "x/b.png", "split": "val", "glasses": "0"}


def test_a_damaged_picture_is_named(pack):
    source = open_source(pack({"train/a.png": b"no picture"}), "train")
    with pytest.raises(UnsafeFileError, match=r"train/a\.png in .*a\.zip is not a picture"):
        source.picture(0)


def test_a_damaged_member_and_what_is_no_zip_are_refused(tmp_path, pack, png):
    path = pack({"train/a.png": png(1) * 20}).removeprefix("zip:")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[60] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UnsafeFileError, match=r"train/a\.png in .* is damaged"):
        Archive(tmp_path / "a.zip").read("train/a.png")
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    with pytest.raises(UnsafeFileError, match="not a zip"):
        open_source(f"zip:{path}", "train")
    with pytest.raises(NotFoundError, match="no zip file"):
        open_source(f"zip:{path}x", "train")


def test_members_too_large_or_encrypted_are_not_unpacked(tmp_path, pack, monkeypatch):
    pack({"a.png": b"0" * 5000})
    monkeypatch.setattr("zoo.datasets.archive.MAX_MEMBER_BYTES", 4999)
    archive = Archive(tmp_path / "a.zip")
    with pytest.raises(UnsafeFileError, match="larger than"):
        archive.read("a.png")
    archive.members["a.png"].file_size, archive.members["a.png"].flag_bits = 10, 1
    with pytest.raises(UnsafeFileError, match="encrypted"):
        archive.read("a.png")


def test_zips_of_windows_have_backslashes_and_folders(pack, png):
    members = {"set\\Train\\cat\\": b"", "set\\Train\\cat\\a.png": png(5), "set\\Val\\b.png": png(6)}
    path = pack(members | {"set\\index.csv": b"file;smile\r\nTrain\\cat\\a.png;1\r\n"})
    source = open_source(path, "train")
    assert (len(source), source.name(0), source.labels(0)["smile"]) == (1, "Train/cat/a.png", "1")
    assert (source.labels(0)["label"], source.picture(0)[0, 0, 0]) == ("cat", 5)
    assert open_source(path, "val").name(0) == "Val/b.png"


@pytest.mark.parametrize("encoding", ["cp437", "utf-8"])
def test_names_without_the_mark_of_utf_8_are_told(tmp_path, pack, png, encoding):
    """As Windows' Explorer writes them, in its old code page, and some other programs in UTF-8."""
    path = pack({"train/M__ller.png": png(7)})
    name = "Müller".encode(encoding)
    stand_in = b"M__ller" if encoding == "utf-8" else b"M_ller"
    if encoding == "cp437":
        path = pack({"train/M_ller.png": png(7)})
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(stand_in, name))
    source = open_source(path, "train")
    assert (source.name(0), source.picture(0)[0, 0, 0]) == ("train/Müller.png", 7)


def test_hidden_members_are_no_pictures_and_no_classes(pack, png):
    hidden = ("__MACOSX/set/train/._a.png", "set/.DS_Store", "set/train/.ipynb_checkpoints/a.png", "set/._x.csv")
    members = {"set/train/a.png": png(1), "set/train/x.jpg/b.avif": b"", **dict.fromkeys(hidden, b"x")}
    source = open_source(pack(members), "train")
    assert [source.name(place) for place in range(len(source))] == ["train/a.png", "train/x.jpg/b.avif"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", range(0, 120, 7))
def test_a_damaged_member_of_any_method_is_refused(tmp_path, png, method, place):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as file:
        file.writestr("a.png", bytes(range(256)) * 4)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    start = 30 + len("a.png")
    data[start + place : start + place + 9] = b"\xff\x00\xff\x5d\xee\xff\x80\x01\x02"
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UnsafeFileError, match=r"a\.png in .*a\.zip is damaged"):
        Archive(tmp_path / "a.zip").read("a.png")


def test_what_is_no_file_is_no_zip(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    for path in (tmp_path / "pipe.zip", tmp_path, "/dev/zero"):
        with pytest.raises(UnsafeFileError, match="not a zip file but a folder, a pipe or a device"):
            open_source(f"zip:{path}", "train")


def _reads(archive: Archive, name: str) -> bool:
    return all(len(set(archive.read(name))) == 1 for _ in range(200))


def test_several_processes_can_read_one_archive(tmp_path, pack):
    pack({str(number): bytes([number]) * 50_000 for number in range(4)})
    archive = Archive(tmp_path / "a.zip")
    with get_context("fork").Pool(2) as pool:
        answers = [pool.apply_async(_reads, (archive, str(number))) for number in range(4)]
        assert all(answer.get(60) for answer in answers)
    assert pickle.loads(pickle.dumps(archive)).read("3") == archive.read("3")
