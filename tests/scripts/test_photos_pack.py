"""The script that builds the data pack `photos`, on small packages and resource files written here."""

from __future__ import annotations

import csv
import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image
from standins import deb, picture, sha256

from zoo.errors import IntegrityError, NetworkError, NotFoundError, UnsafeFileError, UsageError


@pytest.fixture
def photos(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("photos")


@pytest.fixture
def rcc(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("rcc")


def resource_file(files: dict[str, bytes], version: int = 3, flags: int = 0) -> bytes:
    """A resource file with all files in one folder `art`."""
    names, data, nodes = b"", b"", b""
    changed = b"" if version == 1 else bytes(8)

    def name(text: str) -> int:
        nonlocal names
        names += struct.pack(">HI", len(text), 0) + text.encode("utf-16-be")
        return len(names) - 6 - 2 * len(text)

    nodes += struct.pack(">IHII", 0, 2, 1, 1) + changed
    nodes += struct.pack(">IHII", name("art"), 2, len(files), 2) + changed
    for text, content in files.items():
        block = struct.pack(">I", len(content)) + zlib.compress(content) if flags == 1 else content
        nodes += struct.pack(">IHHHI", name(text), flags, 0, 1, len(data)) + changed
        data += struct.pack(">I", len(block)) + block
    start = 24 if version == 3 else 20
    header = struct.pack(">4s4I", b"qres", version, start, start + len(nodes), start + len(nodes) + len(data))
    return header + bytes(start - 20) + nodes + data + names


@pytest.fixture
def sources(tmp_path: Path, photos: ModuleType) -> dict[str, object]:
    """Two packages and their index, as arguments of `build`: one picture as it is, two in a resource file."""
    folder = tmp_path / "packages"
    folder.mkdir()
    art = {"small.webp": picture(40, 30, "WEBP"), "tall.webp": picture(400, 800, "WEBP")}
    plain = deb({"usr/share/doc": b"x", "usr/share/wide.jpg": picture(1000, 768, "JPEG")})
    inside = deb({"usr/share/rcc/other.rcc": resource_file({}), "usr/share/rcc/art.rcc": resource_file(art)})
    (folder / "plain_5.2-1_all.deb").write_bytes(plain)
    (folder / "inside_1.0_all.deb").write_bytes(inside)
    rows = [
        ("wide.jpg", "plain 4:5.2-1", "usr/share/wide.jpg"),
        ("small.jpg", "inside 1.0", "usr/share/rcc (Qt resource): art/small.webp"),
        ("tall.jpg", "inside 1.0", "usr/share/rcc (Qt resource): art/tall.webp"),
    ]
    index = tmp_path / "photos.csv"
    with index.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "source_package", "path_in_package"), *rows])
    return {
        "out": tmp_path / "out",
        "given": folder,
        "packages": (
            photos.Package("plain", "4:5.2-1", "p/plain.deb", sha256(plain)),
            photos.Package("inside", "1.0", "i/inside.deb", sha256(inside)),
        ),
        "index": index,
    }


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("flags", [0, 1])
def test_files_in_a_resource_file_are_read(rcc: ModuleType, version: int, flags: int) -> None:
    files = {"ä.txt": b"first" * 9, "b.txt": b""}
    resource = rcc.ResourceFile(resource_file(files, version, flags), "it.rcc")
    assert {path: resource.read(path) for path in resource} == {f"art/{name}": files[name] for name in files}


GOOD = resource_file({"a": b"content" * 20}, flags=1)
ENDLESS = GOOD[:24] + struct.pack(">IHII", 0, 2, 1, 0) + GOOD[38:]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\x89PNG" + bytes(40), "no Qt resource file"),
        (b"qres", "ends too early"),
        (b"qres" + struct.pack(">I", 4) + GOOD[8:], "version 4"),
        (GOOD[:-3], "ends too early"),
        (ENDLESS, "more nodes than"),
        (GOOD.replace(zlib.compress(b"content" * 20), bytes(len(zlib.compress(b"content" * 20)))), "is damaged"),
        (GOOD.replace(struct.pack(">I", 140), struct.pack(">I", 141)), "not the length"),
        (resource_file({"a": b"x"}, flags=4), "zstd"),
    ],
)
def test_a_damaged_resource_file_is_refused(rcc: ModuleType, content: bytes, complaint: str) -> None:
    with pytest.raises(UnsafeFileError, match=complaint):
        rcc.ResourceFile(content, "it.rcc").read("art/a")


def test_pictures_come_out_small_in_rgb_with_the_index(photos: ModuleType, sources: dict[str, Path]) -> None:
    pack, new = photos.build(**sources)
    assert new and pack == sources["out"] / "photos"
    assert (pack / "photos.csv").read_bytes() == sources["index"].read_bytes()
    sizes = {}
    for file in pack.glob("*.jpg"):
        with Image.open(file) as made:
            sizes[file.name] = (made.format, made.mode, made.size)
    assert sizes == {
        "wide.jpg": ("JPEG", "RGB", (500, 384)),
        "small.jpg": ("JPEG", "RGB", (40, 30)),
        "tall.jpg": ("JPEG", "RGB", (384, 768)),
    }


def test_a_complete_pack_is_left_alone(photos: ModuleType, sources: dict[str, Path]) -> None:
    pack, _ = photos.build(**sources)
    before = {file: file.stat().st_mtime_ns for file in pack.iterdir()}
    assert photos.build(**{**sources, "given": sources["out"] / "no packages"}) == (pack, False)
    assert {file: file.stat().st_mtime_ns for file in pack.iterdir()} == before
    (pack / "wide.jpg").unlink()
    with pytest.raises(UsageError, match="not all of it"):
        photos.build(**sources)


def test_wrong_packages_leave_nothing_behind(photos: ModuleType, sources: dict[str, Path]) -> None:
    second = sources["given"] / "inside_1.0_all.deb"
    second.write_bytes(second.read_bytes() + b"!")
    with pytest.raises(IntegrityError, match=r"is not inside 1\.0: its hash differs"):
        photos.build(**sources)
    second.unlink()
    with pytest.raises(NotFoundError, match=r"no inside_\*\.deb in .*debian\.org/debian/pool/main/i/inside\.deb"):
        photos.build(**sources)
    assert list(sources["out"].iterdir()) == []


def test_a_picture_the_package_lacks_is_named(photos: ModuleType, sources: dict[str, Path]) -> None:
    sources["index"].write_text(sources["index"].read_text().replace("tall.webp", "gone.webp"))
    with pytest.raises(IntegrityError, match=r"has no .*art/gone\.webp"):
        photos.build(**sources)


@pytest.mark.parametrize("content", [b"PK\x03\x04", deb({})[:72]])
def test_what_is_no_package_is_refused(photos: ModuleType, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "it.deb"
    path.write_bytes(content)
    with pytest.raises(UnsafeFileError, match=r"it\.deb (is no Debian package|holds no data\.tar)"):
        list(photos.pictures(path, {"usr"}))


def test_what_is_no_picture_is_refused(photos: ModuleType) -> None:
    with pytest.raises(UnsafeFileError, match="Pillow can't read usr"):
        photos.shrink(b"<svg/>", "usr/a.jpg")


def test_apt_get_brings_the_packages(
    photos: ModuleType, sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!/bin/sh\n[ "$1" = download ] && /bin/cp {sources["given"]}/"${{2%%=*}}"_* .\n')
    apt.chmod(apt.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = {**sources, "given": None}
    assert photos.build(**arguments) == (sources["out"] / "photos", True)
    assert [path.name for path in sources["out"].iterdir()] == ["photos"]

    apt.write_text("#!/bin/sh\necho 'W: slow' >&2\necho 'E: Version not found' >&2\nexit 100\n")
    with pytest.raises(NetworkError, match=r"plain 4:5\.2-1 \(Version not found\)"):
        photos.build(**{**arguments, "out": tmp_path / "other"})
    apt.unlink()
    with pytest.raises(NotFoundError, match="no apt-get here"):
        photos.build(**{**arguments, "out": tmp_path / "other"})


def test_trouble_is_one_line_with_its_exit_code(
    photos: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert photos.main([str(tmp_path / "out"), "--packages", str(tmp_path)]) == NotFoundError.exit_code
    reading, trouble = capsys.readouterr().err.splitlines()
    assert reading == "reading gcompris-qt-data 3.1-2"
    assert trouble.startswith("error: no gcompris-qt-data_*.deb in ")
    (tmp_path / "file").touch()
    assert photos.main([str(tmp_path / "file" / "out")]) == 8
    assert capsys.readouterr().err == f"error: {tmp_path / 'file' / 'out'}: Not a directory\n"


def test_the_index_names_pinned_packages_and_each_file_once(photos: ModuleType) -> None:
    with photos.INDEX.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["file"] for row in rows}) == len({row["path_in_package"] for row in rows}) == 226
    assert {row["source_package"] for row in rows} == {f"{it.name} {it.version}" for it in photos.PACKAGES}
    assert sorted({row["split"] for row in rows}) == ["train", "val"]
    assert all(row["licence"] for row in rows)
