"""The script that builds the data pack `photos11k`, on small folders and an index written here."""

from __future__ import annotations

import csv
import lzma
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
from PIL import Image
from standins import picture

from zoo.datasets.pack import open_pack
from zoo.errors import NotFoundError, UnsafeFileError, UsageError

ROWS = (
    ("caltech101-00002.webp", "photos-000.zip", "val", 20, 30, "101_ObjectCategories/llama/image_0001.jpg"),
    ("caltech101-00005.webp", "photos-000.zip", "train", 30, 20, "101_ObjectCategories/lamp/image_0001.jpg"),
    ("mit8-00001.webp", "photos-000.zip", "train", 20, 20, "data/MIT_split/train/coast/bea33.jpg"),
    ("mit8-x00007.webp", "photos-001.zip", "test", 20, 20, "data/MIT_split/test/coast/n2.jpg"),
)


@pytest.fixture
def photos11k(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("photos11k")


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Any]:
    """An index of two sets and their folders, as arguments of `build`; the pictures have twice the size."""
    index = tmp_path / "index.csv.xz"
    with lzma.open(index, "wt", newline="") as file:
        csv.writer(file).writerows([("file", "zip", "split", "width", "height", "original"), *ROWS])
    folders = {}
    for name, _, _, width, height, original in ROWS:
        kind = name.partition("-")[0]
        folders[kind] = put(tmp_path / kind, {original: picture(2 * width, 2 * height, "JPEG")})
    return {"out": tmp_path / "out", "folders": folders, "index": index}


def lines_of(build: Callable[..., Any], sources: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    build(**sources, report=lines.append)
    return lines


def test_names_splits_and_sizes_are_those_of_the_index(photos11k: ModuleType, sources: dict[str, Any]) -> None:
    assert photos11k.build(**sources) == (sources["out"] / "photos11k", True)
    for split, names in {
        "train": ["caltech101-00005.webp", "mit8-00001.webp"],
        "val": ["caltech101-00002.webp"],
        "test": ["mit8-x00007.webp"],
    }.items():
        pictures = open_pack(sources["out"], "photos11k", split, 3)
        assert [pictures.name(i) for i in range(len(pictures))] == names
        sizes = {name: (3, height, width) for name, _, _, width, height, _ in ROWS}
        assert [pictures.picture(i).shape for i in range(len(pictures))] == [sizes[name] for name in names]
    with (sources["out"] / "photos11k" / "photos11k.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert first["set"] == "caltech101" and first["original"] == ROWS[0][-1] and first["license"] == "CC BY 4.0"
    assert first["repository"] == "MachineLearning2020/Homework2-Caltech101"


def test_two_builds_have_the_same_bytes(photos11k: ModuleType, sources: dict[str, Any], tmp_path: Path) -> None:
    packs = [photos11k.build(**{**sources, "out": tmp_path / name})[0] for name in ("a", "b")]
    one, two = ({path.name: path.read_bytes() for path in pack.iterdir()} for pack in packs)
    assert one == two and sorted(one) == ["photos-000.zip", "photos-001.zip", "photos11k.csv"]


@pytest.mark.parametrize(
    ("kind", "original", "public"),
    [
        ("caltech101", "101_ObjectCategories/llama/image_0001.jpg", "llama/image_0001.jpg"),
        ("flowers", "dataset/train/roses/36_8e.jpg", "flower_photos/roses/36_8e.jpg"),
        ("mit8", "data/MIT_split/train/coast/bea33.jpg", "coast_bea33.jpg"),
        ("sun8", "data/ocean/sun_abc.jpg", "SUN397/o/ocean/sun_abc.jpg"),
        ("yosemite", "data/trainA/2014-09-04 19_41_35.jpg", "trainA/2014-09-04 19:41:35.jpg"),
        ("inet1000", "n04081281_restaurant.JPEG", "n04081281_restaurant.JPEG"),
    ],
)
def test_names_in_public_archives_are_recognised(
    photos11k: ModuleType, tmp_path: Path, kind: str, original: str, public: str
) -> None:
    entry = photos11k.Entry(f"{kind}-00001.webp", "photos-000.zip", "train", 8, 8, original)
    folder = put(tmp_path / kind, {public: picture(9, 9, "PNG"), "readme.txt": b""})
    found = photos11k.find(photos11k.SETS[kind], folder, [entry], photos11k.building.quiet)
    assert found == [(entry, folder / public)]


@pytest.mark.parametrize(
    ("kind", "original", "other"),
    [
        ("caltech101", "101_ObjectCategories/llama/image_0001.jpg", "101_ObjectCategories/ant/image_0001.jpg"),
        ("camvid", "CamVid/train/0016E5.png", "CamVid/trainannot/0016E5.png"),
        ("grocery", "dataset/train/Fruit/Kiwi/Kiwi_003.jpg", "dataset/test/Fruit/Kiwi/Kiwi_003.jpg"),
    ],
)
def test_another_file_of_the_same_name_is_not_taken(
    photos11k: ModuleType, tmp_path: Path, kind: str, original: str, other: str
) -> None:
    entry = photos11k.Entry(f"{kind}-00001.webp", "photos-000.zip", "train", 8, 8, original)
    folder = put(tmp_path, {other: picture(9, 9, "PNG")})
    with pytest.raises(NotFoundError, match=rf"has only 0 of 1 pictures of {kind}.*clone https://github\.com/"):
        photos11k.find(photos11k.SETS[kind], folder, [entry], photos11k.building.quiet)
    put(folder, {original: picture(9, 9, "PNG")})
    (found,) = photos11k.find(photos11k.SETS[kind], folder, [entry], photos11k.building.quiet)
    assert found.path == folder / original


def test_a_set_that_is_not_given_is_left_out(photos11k: ModuleType, sources: dict[str, Any]) -> None:
    del sources["folders"]["caltech101"]
    found, absent, packing = lines_of(photos11k.build, sources)
    assert (found, packing) == ("found 2 of 2 pictures of mit8", "packing 2 pictures")
    assert absent.startswith("left out, because not given: bsds500, caltech101, camvid") and "mit8" not in absent
    assert [len(open_pack(sources["out"], "photos11k", split, 3)) for split in ("train", "val", "test")] == [1, 0, 1]


@pytest.mark.parametrize("size", [None, (60, 40), (19, 29)])
def test_a_picture_that_lacks_or_differs_is_left_out(
    photos11k: ModuleType, sources: dict[str, Any], size: tuple[int, int] | None
) -> None:
    path = sources["folders"]["caltech101"] / ROWS[0][-1]
    path.unlink()
    if size:
        path.write_bytes(picture(*size, "JPEG"))
    assert lines_of(photos11k.build, sources)[0] == (
        "found 1 of 2 pictures of caltech101; left out 1, not there or of another shape, such as "
        "101_ObjectCategories/llama/image_0001.jpg"
    )
    assert len(open_pack(sources["out"], "photos11k", "val", 3)) == 0


def test_a_pack_of_the_same_sets_is_left_alone(photos11k: ModuleType, sources: dict[str, Any]) -> None:
    pack, _ = photos11k.build(**sources)
    before = {file: file.stat().st_mtime_ns for file in pack.iterdir()}
    assert photos11k.build(**sources) == (pack, False)
    assert {file: file.stat().st_mtime_ns for file in pack.iterdir()} == before
    fewer = {"mit8": sources["folders"]["mit8"]}
    with pytest.raises(UsageError, match="move it away"):
        photos11k.build(**{**sources, "folders": fewer})
    (pack / "photos-001.zip").unlink()
    with pytest.raises(UsageError, match="not all of it"):
        photos11k.build(**sources)


@pytest.mark.parametrize("length", [5, 400])
def test_a_broken_picture_leaves_nothing_behind(photos11k: ModuleType, sources: dict[str, Any], length: int) -> None:
    path = sources["folders"]["mit8"] / ROWS[2][-1]
    path.write_bytes(picture(40, 40, "JPEG")[:length])
    with pytest.raises(UnsafeFileError, match=r"Pillow can't read .*bea33\.jpg: .*; unpack or download it again"):
        photos11k.build(**sources)
    assert not sources["out"].exists() or list(sources["out"].iterdir()) == []


def test_caltech101_comes_by_torchvision(
    photos11k: ModuleType, sources: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = sources["out"]
    asked: list[tuple[Path, bool]] = []

    def caltech101(root: Path, download: bool) -> SimpleNamespace:
        asked.append((root, download))
        return SimpleNamespace(root=str(sources["folders"]["caltech101"]))

    datasets = SimpleNamespace(Caltech101=caltech101)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", datasets)
    monkeypatch.setattr(photos11k, "build", lambda out, folders, report: (out, list(folders) == ["caltech101"]))
    assert photos11k.main([str(out), "--download"]) == 0
    assert asked == [(out / "torchvision", True)]
    assert capsys.readouterr().out == f"{out}: built\n"

    def unreachable(root: Path, download: bool) -> None:
        raise URLError("no route")

    datasets.Caltech101 = unreachable
    assert photos11k.main([str(out), "--download"]) == 5
    assert "can't download Caltech-101: <urlopen error no route>; unpack https://" in capsys.readouterr().err


def test_trouble_is_one_line_with_its_exit_code(
    photos11k: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert photos11k.main([str(tmp_path / "out")]) == UsageError.exit_code
    assert capsys.readouterr().err.startswith("error: give at least one set, as --flowers FOLDER")
    assert photos11k.main([str(tmp_path / "out"), "--coco", str(tmp_path / "gone")]) == NotFoundError.exit_code
    assert capsys.readouterr().err == f"error: no folder {tmp_path / 'gone'} for --coco\n"


def test_the_index_tells_all_pictures_apart(photos11k: ModuleType) -> None:
    entries = photos11k.read_index(photos11k.INDEX)
    assert len(entries) == len({entry.file for entry in entries}) == 11905
    assert Counter(entry.split for entry in entries) == {"train": 11026, "val": 455, "test": 424}
    assert {entry.set for entry in entries} == set(photos11k.SETS)
    assert max(min(entry.width, entry.height) for entry in entries) == 208
    for photos in photos11k.SETS.values():
        paths = [PurePosixPath(entry.original) for entry in entries if entry.set == photos.name]
        assert len({photos.ending(path)[: photos.parts] for path in paths}) == len(paths)
        assert all(photos.ending(path)[0] == path.name for path in paths)


def test_palettes_and_transparency_become_rgb(photos11k: ModuleType, tmp_path: Path) -> None:
    entry = photos11k.Entry("camvid-00001.webp", "photos-000.zip", "train", 8, 8, "CamVid/train/it.png")
    red = Image.new("RGBA", (16, 16), (250, 10, 20, 255))
    for name, original in {"clear": red, "palette": red.convert("RGB").quantize(2)}.items():
        original.save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.webp").write_bytes(photos11k.shrink(tmp_path / f"{name}.png", entry))
        with Image.open(tmp_path / f"{name}.webp") as made:
            assert (made.format, made.mode, made.size) == ("WEBP", "RGB", (8, 8))
            bands = made.getpixel((4, 4))
        assert bands[0] > 235 and max(bands[1:]) < 40
