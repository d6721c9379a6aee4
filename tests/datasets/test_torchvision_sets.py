"""Published sets: torchvision's reader on files of ours, and stand-ins for sets with other splits."""

from __future__ import annotations

import struct
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from zoo.datasets import open_source
from zoo.errors import NetworkError, NotFoundError, UsageError


class WithSplits:
    """Stands in for a set with the parameter `split`, val included; its files are there."""

    splits = ("train", "val", "test", "extra")
    item: object = Image.new("RGB", (3, 2), (1, 2, 3))

    def __init__(self, root, split="train", transform=None, download=False):
        if split not in self.splits:
            raise ValueError(f"Unknown value {split!r}")
        self.split = split

    def __len__(self):
        return 40 + self.splits.index(self.split)

    def __getitem__(self, index):
        return self.item, index % 10


class WithoutVal(WithSplits):
    splits = ("train", "test")


def test_mnists_own_files_are_read(home):
    raw = home / "torchvision" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (45, 28, 28), dtype=np.uint8)
    for stem, count in (("train", 45), ("t10k", 5)):
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        (raw / f"{stem}-images-idx3-ubyte").write_bytes(header + images[:count].tobytes())
        labels = bytes(number % 10 for number in range(count))
        (raw / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels)
    sources = {split: open_source("torchvision:MNIST", split, channels=1) for split in ("train", "val", "test")}
    assert {split: len(source) for split, source in sources.items()} == {"train": 43, "val": 2, "test": 5}
    assert np.array_equal(sources["val"].picture(0)[0], images[19])
    assert (sources["val"].name(0), sources["val"].labels(0)) == ("19", {"label": "9"})
    assert open_source("torchvision:MNIST", "test", channels=3).picture(2).shape == (3, 28, 28)


def test_a_sets_own_splits_are_taken_whole(home, monkeypatch):
    monkeypatch.setattr(datasets, "SVHN", WithSplits)
    lengths = [len(open_source("torchvision:SVHN", split)) for split in ("train", "val", "test", "extra")]
    assert lengths == [40, 41, 42, 43]
    source = open_source("torchvision:SVHN", "val")
    assert source.picture(0)[:, 1, 2].tolist() == [1, 2, 3]
    assert source.labels(13) == {"label": "3"}
    monkeypatch.setattr(datasets, "SVHN", WithoutVal)
    assert [len(open_source("torchvision:SVHN", split)) for split in ("train", "val")] == [38, 2]


def test_a_missing_set_is_downloaded_or_the_error_says_why(home, monkeypatch):
    class Absent(WithoutVal):
        fault: Exception | None = None

        def __init__(self, root, split="train", download=False):
            super().__init__(root, split)
            if not download:
                raise RuntimeError("Dataset not found")
            if self.fault:
                raise self.fault

    monkeypatch.setattr(datasets, "SVHN", Absent)
    assert len(open_source("torchvision:SVHN", "test")) == 41
    Absent.fault = URLError("no route")
    with pytest.raises(NetworkError, match=r"can't download Absent.*no route.*by hand"):
        open_source("torchvision:SVHN", "test")


def test_unknown_sets_and_splits_are_refused(home, monkeypatch):
    for name in ("MINST", "wrap_dataset_for_transforms_v2", "FakeData"):
        with pytest.raises(NotFoundError, match=f"no data set '{name}'"):
            open_source(f"torchvision:{name}", "train")
    monkeypatch.setattr(datasets, "SVHN", WithoutVal)
    with pytest.raises(NotFoundError, match="no split 'extra'"):
        open_source("torchvision:SVHN", "extra")
    monkeypatch.setattr(WithoutVal, "item", np.zeros(3))
    with pytest.raises(UsageError, match="not a set of single pictures"):
        open_source("torchvision:SVHN", "train")
