"""The script that builds the data pack `fashion-mnist`, on a small package written here."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from standins import deb, sha256
from torchvision.datasets import FashionMNIST

from zoo.errors import IntegrityError, UsageError

TRAIN, TEST = 5, 3


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def fashion(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("fashion_mnist")


@pytest.fixture
def files() -> dict[str, bytes]:
    draw = np.random.default_rng(1)
    made = {}
    for part, count in (("train", TRAIN), ("t10k", TEST)):
        made[f"{part}-images-idx3-ubyte"] = idx(draw.integers(0, 256, (count, 28, 28), np.uint8))
        made[f"{part}-labels-idx1-ubyte"] = idx(draw.integers(0, 10, count, np.uint8))
    return made


@pytest.fixture
def sources(fashion: ModuleType, tmp_path: Path, files: dict[str, bytes]) -> dict[str, Any]:
    content = deb({f"usr/share/datasets/{name}.gz": gzip.compress(data) for name, data in files.items()})
    path = tmp_path / "dataset-fashion-mnist_0.0_all.deb"
    path.write_bytes(content)
    return {
        "out": tmp_path / "out",
        "given": path,
        "package": fashion.PACKAGE._replace(sha256=sha256(content)),
        "contents": {name: sha256(data) for name, data in files.items()},
    }


def test_the_pack_and_torchvision_have_the_same_pictures(fashion: ModuleType, sources: dict[str, Any]) -> None:
    out = sources["out"]
    pack, raw = out / "fashion-mnist", out / "torchvision" / "FashionMNIST" / "raw"
    assert fashion.build(**sources) == [(pack, True), (raw, True)]
    assert "Zalando SE" in (pack / "LICENSE").read_text()
    with np.load(pack / "fashion-mnist.npz") as made:
        arrays = {key: made[key] for key in ("images", "labels", "train", "test")}
    assert list(arrays["train"]) == [0, 1, 2, 3, 4] and list(arrays["test"]) == [5, 6, 7]
    for train in (True, False):
        theirs = FashionMNIST(str(out / "torchvision"), train=train, download=False)
        ours = arrays["train" if train else "test"]
        assert np.array_equal(theirs.data.numpy(), arrays["images"][ours])
        assert np.array_equal(theirs.targets.numpy(), arrays["labels"][ours])


def test_the_installed_package_serves_as_well(
    fashion: ModuleType, sources: dict[str, Any], files: dict[str, bytes], tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    for name, data in files.items():
        (installed / f"{name}.gz").write_bytes(gzip.compress(data))
    assert [new for _, new in fashion.build(**{**sources, "given": installed})] == [True, True]
    # The same, so nothing is to be done.
    assert [new for _, new in fashion.build(**sources)] == [False, False]


def test_only_the_folder_that_lacks_is_made(fashion: ModuleType, sources: dict[str, Any]) -> None:
    (pack, _), (raw, _) = fashion.build(**sources)
    before = (pack / "fashion-mnist.npz").stat().st_mtime_ns
    for file in raw.iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="raw exists and is not this pack"):
        fashion.build(**sources)
    raw.rmdir()
    assert fashion.build(**sources) == [(pack, False), (raw, True)]
    assert (pack / "fashion-mnist.npz").stat().st_mtime_ns == before


def test_changed_files_leave_nothing_behind(fashion: ModuleType, sources: dict[str, Any]) -> None:
    sources["contents"]["t10k-labels-idx1-ubyte"] = sha256(b"other")
    with pytest.raises(
        IntegrityError, match=r"t10k-labels-idx1-ubyte\.gz of .* is not the one of dataset-fashion-mnist"
    ):
        fashion.build(**sources)
    assert list(sources["out"].iterdir()) == []
