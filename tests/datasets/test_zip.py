"""Zips of pictures: read as folders are, in memory, and suspiciously."""

from __future__ import annotations

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


def _reads(archive: Archive, name: str) -> bool:
    return all(len(set(archive.read(name))) == 1 for _ in range(200))


def test_processes_read_one_archive_without_disturbing_each_other(tmp_path, pack):
    pack({str(number): bytes([number]) * 50_000 for number in range(4)})
    archive = Archive(tmp_path / "a.zip")
    with get_context("fork").Pool(2) as pool:
        answers = [pool.apply_async(_reads, (archive, str(number))) for number in range(4)]
        assert all(answer.get(60) for answer in answers)
    assert pickle.loads(pickle.dumps(archive)).read("3") == archive.read("3")
