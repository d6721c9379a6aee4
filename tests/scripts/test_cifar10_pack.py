"""The script that builds the packs `cifar10` and `cifar10-jpeg`, on small sets written here."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from standins import archive

from zoo.datasets import open_source
from zoo.errors import IntegrityError, NetworkError, NotFoundError, UnsafeFileError, UsageError

COUNTS = (4, 2, 3)


@pytest.fixture
def cifar(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("cifar10")


@pytest.fixture
def files(cifar: ModuleType) -> dict[str, bytes]:
    """A picture of one level for each class and number, the last of each class first."""
    made = {"copies/README.md": b"x", "copies/train/other/0000.jpg": b"x"}
    for label, name in enumerate(cifar.CLASSES):
        for split, count, level in (("train", COUNTS[0], 20 * label), ("test", COUNTS[1], 20 * label + 10)):
            for number in reversed(range(count)):
                made[f"copies/{split}/{name}/{number:04d}.jpg"] = jpeg(level + number)
    return made


def jpeg(level: int, side: int = 32) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (level,) * 3).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def tar(tmp_path: Path, files: dict[str, bytes]) -> Path:
    path = tmp_path / "copies.tar.xz"
    path.write_bytes(archive(files, "w:xz"))
    return path


def test_a_tar_of_copies_becomes_a_pack_with_splits(cifar: ModuleType, tmp_path: Path, files: dict[str, bytes]) -> None:
    pack, new = cifar.build(tmp_path, tar(tmp_path, files), COUNTS)
    assert new and pack == tmp_path / "cifar10-jpeg"
    assert "not lossless" in (pack / "README").read_text()
    with np.load(pack / "cifar10.npz") as made:
        images, labels, train, val, test = (made[key] for key in ("images", "labels", "train", "val", "test"))
    assert (images.shape, images.dtype, labels.dtype, val.dtype) == ((60, 32, 32, 3), np.uint8, np.uint8, np.int32)
    assert labels.tolist() == [*np.repeat(range(10), 4), *np.repeat(range(10), 2)]
    wanted = [20 * k + n for k in range(10) for n in range(4)] + [20 * k + 10 + n for k in range(10) for n in range(2)]
    assert abs(images[:, 16, 16, 0].astype(int) - wanted).max() <= 1
    assert sorted([*train, *val]) == list(range(40)) and len(val) == 3
    assert test.tolist() == list(range(40, 60))


def test_a_folder_gives_what_its_tar_gives(
    cifar: ModuleType, tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in files.items():
        path = tmp_path / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    one, _ = cifar.build(tmp_path / "a", tmp_path / "unpacked", COUNTS)
    other, _ = cifar.build(tmp_path / "b", tar(tmp_path, files), COUNTS)
    with np.load(one / "cifar10.npz") as first, np.load(other / "cifar10.npz") as second:
        assert all(np.array_equal(first[key], second[key]) for key in second.files)
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "a"))
    held_out = open_source("pack:cifar10-jpeg", "test", 3)
    assert len(held_out) == 20 and held_out.labels(19) == {"label": "9"}


def test_torchvision_gives_the_lossless_pack(
    cifar: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)

    def read(root: str, train: bool, download: bool) -> SimpleNamespace:
        assert root == str(tmp_path / "torchvision") and download
        return SimpleNamespace(data=pixels[:7] if train else pixels[7:], targets=[1] * 7 if train else [2] * 3)

    monkeypatch.setattr("torchvision.datasets.CIFAR10", read)
    pack, _ = cifar.build(tmp_path, counts=COUNTS)
    assert pack == tmp_path / "cifar10" and "Lossless" in (pack / "README").read_text()
    with np.load(pack / "cifar10.npz") as made:
        assert np.array_equal(made["images"], pixels)
        assert made["labels"].tolist() == [1] * 7 + [2] * 3 and made["test"].tolist() == [7, 8, 9]
    assert cifar.build(tmp_path, counts=COUNTS) == (pack, False)


def test_no_network_is_one_line(
    cifar: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(*of: object, **how: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr("torchvision.datasets.CIFAR10", read)
    assert cifar.main([str(tmp_path)]) == NetworkError.exit_code
    assert "put cifar-10-python.tar.gz into" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "cifar10").exists()


@pytest.mark.parametrize(
    ("name", "content", "error", "text"),
    [
        ("copies/train/cat/0001.jpg", None, IntegrityError, "has 3 pictures train/cat/"),
        ("copies/test/dog/0001.jpg", jpeg(3, 16), UnsafeFileError, "is 16x16, not 32x32"),
        ("copies/test/dog/0001.jpg", b"no picture", UnsafeFileError, "Pillow can't read"),
        ("copies/test/dog/0001.jpg", bytes(2**17), UnsafeFileError, "too large"),
    ],
)
def test_bad_copies_leave_nothing_behind(
    cifar: ModuleType,
    tmp_path: Path,
    files: dict[str, bytes],
    name: str,
    content: bytes | None,
    error: type[Exception],
    text: str,
) -> None:
    del files[name]
    changed = files if content is None else files | {name: content}
    with pytest.raises(error, match=text):
        cifar.build(tmp_path / "out", tar(tmp_path, changed), COUNTS)
    assert not (tmp_path / "out").exists()


def test_what_is_no_tar_or_has_its_place_taken(cifar: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no folder or tar"):
        cifar.build(tmp_path, tmp_path / "missing.tar")
    (tmp_path / "text.tar").write_bytes(b"something else")
    with pytest.raises(UnsafeFileError, match="is no tar archive"):
        cifar.build(tmp_path, tmp_path / "text.tar")
    (tmp_path / "cifar10-jpeg").mkdir()
    with pytest.raises(UsageError, match="not all of it"):
        cifar.build(tmp_path, tmp_path / "text.tar")
