"""The script that builds the data pack `emoji`, on a small package and index written here."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from standins import archive, sha256

from zoo.errors import IntegrityError, UnsafeFileError


@pytest.fixture
def emoji(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("emoji")


def disc(height: int) -> bytes:
    """An emoji: opaque red in the middle, clear elsewhere, 256 pixels wide."""
    picture = Image.new("RGBA", (256, height))
    picture.paste((255, 0, 0, 255), (64, height // 2 - 64, 192, height // 2 + 64))
    stream = io.BytesIO()
    picture.save(stream, "WEBP", lossless=True)
    return stream.getvalue()


def sources(emoji: ModuleType, tmp_path: Path, assets: dict[str, bytes]) -> dict[str, Any]:
    content = archive({f"package/assets/{name}.webp": asset for name, asset in assets.items()}, "w:gz")
    (tmp_path / "lobehub-fluent-emoji-3d-1.1.0.tgz").write_bytes(content)
    index = tmp_path / "emoji.csv"
    with index.open("w", newline="") as file:
        rows = [(f"images/{code}.webp", code, "it", "it", "train") for code in ("1f600", "1fa90")]
        csv.writer(file).writerows([("file", "codepoints", "name", "base", "split"), *rows])
    package = emoji.PACKAGE._replace(sha256=sha256(content))
    return {"out": tmp_path / "out", "given": tmp_path, "package": package, "index": index}


def test_emoji_lie_on_white_in_one_size(emoji: ModuleType, tmp_path: Path) -> None:
    arguments = sources(emoji, tmp_path, {"1f600": disc(256), "1f1e6": b"a flag", "1fa90": disc(264)})
    pack, new = emoji.build(**arguments)
    assert new and pack == tmp_path / "out" / "emoji"
    assert sorted(file.name for file in (pack / "images").iterdir()) == ["1f600.webp", "1fa90.webp"]
    assert (pack / "emoji.csv").read_bytes() == arguments["index"].read_bytes()
    assert "Copyright (c) Microsoft Corporation." in (pack / "LICENSE").read_text()
    for file in (pack / "images").iterdir():
        with Image.open(file) as picture:
            assert (picture.format, picture.mode, picture.size) == ("WEBP", "RGB", (256, 256))
            pixels = np.asarray(picture).astype(int)
        assert np.abs(pixels[128, 128] - [255, 0, 0]).max() < 8
        assert pixels[:16].min() > 247 and pixels[:, :16].min() > 247
    assert emoji.build(**{**arguments, "given": tmp_path / "gone"}) == (pack, False)


@pytest.mark.parametrize(
    ("assets", "error", "complaint"),
    [
        ({"1f600": b"x"}, UnsafeFileError, r"Pillow can't read package/assets/1f600\.webp"),
        ({"1f600": disc(256)}, IntegrityError, r"has no package/assets/1fa90\.webp: the index names another version"),
    ],
)
def test_a_package_that_lacks_emoji_leaves_nothing_behind(
    emoji: ModuleType, tmp_path: Path, assets: dict[str, bytes], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        emoji.build(**sources(emoji, tmp_path, assets))
    assert list((tmp_path / "out").iterdir()) == []


def test_no_near_copy_is_in_another_split(emoji: ModuleType) -> None:
    with emoji.INDEX.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["split"] for row in rows) == {"train": 1294, "val": 162}
    assert len({row["file"] for row in rows}) == 1456
    split_of = {row["base"]: row["split"] for row in rows}
    assert all(split_of[row["base"]] == row["split"] for row in rows)
