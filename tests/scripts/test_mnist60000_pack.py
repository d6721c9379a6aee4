"""The script that builds the pack `mnist60000`, on a small set written here."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import numpy as np
import pytest

from zoo.datasets import open_source
from zoo.errors import NetworkError

COUNTS = {"train": 20, "t10k": 6}


@pytest.fixture
def mnist(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("mnist60000")


@pytest.fixture
def downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the four files as torchvision keeps them, each digit of one level."""
    raw = tmp_path / "torchvision" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in COUNTS.items():
        images = np.arange(count, dtype=np.uint8).repeat(28 * 28)
        for kind, dimensions, data in (("images-idx3", (count, 28, 28), images), ("labels-idx1", (count,), None)):
            head = bytes([0, 0, 8, len(dimensions)]) + b"".join(side.to_bytes(4, "big") for side in dimensions)
            content = head + (np.arange(count, dtype=np.uint8) % 10 if data is None else data).tobytes()
            (raw / f"{part}-{kind}-ubyte").write_bytes(content)
            (raw / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
    return tmp_path


def test_the_digits_become_a_pack_with_splits(
    mnist: ModuleType, downloaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, new = mnist.build(downloaded, val=5)
    assert new and mnist.build(downloaded, val=5) == (pack, False)
    monkeypatch.setenv("ZOO_DATA", str(downloaded))
    train, val, test = (open_source("pack:mnist60000", split, 1) for split in ("train", "val", "test"))
    assert [len(train), len(val), len(test)] == [15, 5, 6]
    levels = [int(source.picture(index)[0, 0, 0]) for source in (train, val) for index in range(len(source))]
    assert sorted(levels) == list(range(20))
    assert [test.labels(index)["label"] for index in range(6)] == list("012345")


def test_a_set_that_cannot_be_had_is_one_line(
    mnist: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr("torchvision.datasets.MNIST", fail)
    with pytest.raises(NetworkError, match="torchvision can't get MNIST"):
        mnist.build(tmp_path)
    assert not (tmp_path / "mnist60000").exists()
