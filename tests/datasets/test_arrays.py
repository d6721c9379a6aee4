"""Pictures in an .npz file."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import open_source
from zoo.errors import NotFoundError, UnsafeFileError, UsageError

IMAGES = np.random.default_rng(0).integers(0, 256, (100, 5, 6, 3), dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    def write(**arrays: object) -> str:
        np.savez(tmp_path / "a.npz", **arrays)
        return f"npz:{tmp_path / 'a.npz'}"

    return write


def test_pictures_of_a_split_with_their_labels(save):
    source = open_source(save(images=IMAGES, labels=np.arange(100), val=[3, 50], train=[0, 1]), "val")
    assert len(source) == 2
    assert np.array_equal(source.picture(1), IMAGES[50].transpose(2, 0, 1))
    assert (source.name(1), source.labels(1)) == ("50", {"label": "50"})


def test_colour_becomes_luma_and_gray_is_repeated(save):
    colour = open_source(save(images=IMAGES), "train", channels=1).picture(0)
    assert np.array_equal(colour[0], np.asarray(Image.fromarray(IMAGES[0]).convert("L")))
    gray = open_source(save(images=IMAGES[..., 0]), "train", channels=3)
    assert np.array_equal(gray.picture(4), np.stack([IMAGES[4, :, :, 0]] * 3))
    assert gray.labels(0) == {}


def test_without_val_every_twentieth_training_picture_is_val(save):
    names = {}
    source = save(images=IMAGES, test=np.arange(40, 100))
    for split in ("train", "val", "test"):
        opened = open_source(source, split)
        names[split] = [int(opened.name(index)) for index in range(len(opened))]
    assert names["val"] == [19, 39]
    assert names["train"] == [index for index in range(40) if index not in (19, 39)]
    assert names["test"] == list(range(40, 100))


def test_a_split_of_another_name_can_be_asked_for(save):
    source = save(images=IMAGES, labels=np.zeros(100), extra=[5])
    assert open_source(source, "extra").name(0) == "5"
    with pytest.raises(NotFoundError, match="no split 'labels'; it has: train, val"):
        open_source(source, "labels")


@pytest.mark.parametrize(
    ("arrays", "error", "says"),
    [
        ({"pictures": IMAGES}, NotFoundError, "no array images; it has: pictures"),
        ({"images": IMAGES / 255}, UsageError, "must be uint8"),
        ({"images": IMAGES[0, 0]}, UsageError, r"not uint8 \(6, 3\)"),
        ({"images": IMAGES[..., :2]}, UsageError, "C = 1 or 3"),
        ({"images": IMAGES, "labels": np.zeros(9)}, UsageError, r"shape \(100,\), not \(9,\)"),
        ({"images": IMAGES, "train": [0, 100]}, UsageError, "positions from 0 to 99"),
        ({"images": IMAGES, "train": [0.5]}, UsageError, "whole numbers"),
        ({"images": np.array([{}])}, UnsafeFileError, "plain arrays"),
    ],
)
def test_arrays_of_other_kinds_are_refused(save, arrays, error, says):
    with pytest.raises(error, match=says):
        open_source(save(**arrays), "train")


def test_files_that_are_missing_or_no_npz_are_refused(tmp_path):
    with pytest.raises(NotFoundError, match="no file"):
        open_source(f"npz:{tmp_path / 'none.npz'}", "train")
    (tmp_path / "a.npz").write_bytes(b"hello")
    with pytest.raises(UnsafeFileError, match=r"not an \.npz"):
        open_source(f"npz:{tmp_path / 'a.npz'}", "train")


def damaged(path, method: int, change) -> str:
    """An .npz whose member images.npy has been changed, with a checksum that is right."""
    data = io.BytesIO()
    np.save(data, IMAGES[:4])
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("images.npy", change(data.getvalue()))
    return f"npz:{path}"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:200],
        lambda data: data[:7],
        lambda data: b"",
        lambda data: b"x" + data[1:],
        lambda data: data.replace(b"'|u1'", b"'|x9'"),
        lambda data: data.replace(b"{'descr'", b"{{descr' "),
        lambda data: data.replace(b"(4, 5, 6, 3)", b"(4,5,6,9**9)"),
        lambda data: data.replace(b"(4, 5, 6, 3)", b"(9999999999)"),
        lambda data: data.replace(b"(4, 5, 6, 3), }   ", b"(99999999999999),}"),
        lambda data: data[:8] + b"\xff\xff" + data[10:],
    ],
)
def test_a_damaged_array_is_refused(tmp_path, change):
    with pytest.raises(UnsafeFileError, match=r"is not an \.npz of plain arrays, or damaged: images"):
        open_source(damaged(tmp_path / "a.npz", zipfile.ZIP_STORED, change), "train")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", range(0, 200, 13))
def test_a_damaged_member_is_refused(tmp_path, method, place):
    source = damaged(tmp_path / "a.npz", method, lambda data: data)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    start = 30 + len("images.npy") + place
    data[start : start + 9] = b"\xff\x00\xff\x5d\xee\xff\x80\x01\x02"
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(UnsafeFileError, match=r"is not an \.npz of plain arrays, or damaged: images"):
        open_source(source, "train")


def test_positions_may_be_called_by_other_names_of_splits(save):
    source = save(images=IMAGES, validation=[3, 4], Test=[5])
    assert [open_source(source, "val").name(place) for place in range(2)] == ["3", "4"]
    train = open_source(source, "train")
    assert {"3", "4", "5"}.isdisjoint(train.name(place) for place in range(len(train)))


def test_what_is_no_file_is_no_npz(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(UnsafeFileError, match=r"not an \.npz file but"):
        open_source(f"npz:{tmp_path / 'pipe.npz'}", "train")


def test_a_file_that_would_fill_the_memory_is_refused(save, monkeypatch):
    monkeypatch.setattr("zoo.datasets.arrays.MAX_ARRAY_BYTES", 1000)
    with pytest.raises(UnsafeFileError, match="GiB"):
        open_source(save(images=IMAGES), "train")
