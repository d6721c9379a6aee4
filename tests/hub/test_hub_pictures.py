"""Pictures that are bombs or broken, given to a Hub model.

All of them are in inference/test_picture_reading.py and cli/test_bad_input.py.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from machine import Machine
from PIL import Image
from world import MIB


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, side: int = 4) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(b"\0\0\0\0\0" * 4))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + rows + chunk(b"IEND", b"")


def packed(kind: bytes) -> bytes:
    """A chunk of 80 KiB that unpacks to 80 MiB."""
    return chunk(kind, b"k\0\0" + zlib.compress(bytes(80 * MIB)))


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").save(file, "JPEG", **options)
    return file.getvalue()


def exif(count: int, pointer: int) -> bytes:
    """A directory of entries that claim `count` numbers each, the last of which leads to the directory itself."""
    entries = [struct.pack("<HHII", 0x0112 + number, 4, count, pointer) for number in range(20)]
    entries.append(struct.pack("<HHII", 0x8769, 4, 1, 8))
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + struct.pack("<I", 8)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a bomb": (lambda: png(side=30_000), "900.0 megapixels, over the limit of 200"),
    "cut": (lambda: jpeg()[:-400], "cut off"),
    "0 bytes": (lambda: b"", "is empty"),
    "text called .png": (lambda: b"hello", "is not a picture of a known format"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_image_is_refused_and_nothing_is_written(
    machine: Machine, published: str, what: str, pace: float
) -> None:
    make, word = REFUSED[what]
    picture = machine.folder / "picture.png"
    picture.write_bytes(make())
    result = machine.zoo("run", f"hub:{published}", picture, "-o", "made.png")
    line = result.error(7)
    assert word in line
    assert str(picture) in line
    assert result.seconds < 5 + 10 * pace
    assert result.peak < 400 * 1024  # kilobytes
    assert not (machine.folder / "made.png").exists()


READ = {
    "another format's name": png(),
    "EXIF that claims 4 billion numbers and leads in a circle": jpeg(exif=exif(2**32 - 1, 8)),
    "EXIF that points beyond the file": jpeg(exif=exif(2, 2**31)),
}


@pytest.mark.parametrize("what", READ)
def test_odd_headers_are_read_in_bounded_time_and_memory(
    machine: Machine, published: str, what: str, pace: float
) -> None:
    picture = machine.folder / "picture.jpg"
    picture.write_bytes(READ[what])
    result = machine.zoo("run", f"hub:{published}", picture, "-o", "made.png")
    assert result.notes
    assert result.seconds < 5 + 10 * pace
    assert result.peak < 400 * 1024  # kilobytes
    with Image.open(machine.folder / "made.png") as made:
        assert made.size == ((4, 4) if READ[what][1:4] == b"PNG" else (256, 256))


BOMBS = {"text (zTXt)": b"zTXt", "colour profile (iCCP)": b"iCCP"}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_beside_the_pixels_is_left_out(machine: Machine, published: str, what: str) -> None:
    picture = machine.folder / "picture.png"
    picture.write_bytes(png(chunk(BOMBS[what], b"k\0\0" + zlib.compress(bytes(80 * MIB)))))
    result = machine.zoo("run", f"hub:{published}", picture, "-o", "made.png")
    assert result.code == 0, result.err
    assert f"its {what} is too large and was left out" in result.err
