"""The chunks of a PNG: what the picture needs, checked, and the rest left out before Pillow could stumble over it."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from zoo.errors import UnsafeFileError
from zoo.pictures.profiles import MAX_METADATA

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BLOCK = 1 << 20
_MAX_TEXT = 1 << 20  # what Pillow, too, takes at most
_MAX_TEXTS = 8 * _MAX_TEXT
END_MISSING = "the end of its file is missing"
_CRITICAL = {b"IHDR": "header", b"PLTE": "palette", b"IDAT": "pixels", b"IEND": "end"}
_ANCILLARY = {
    **dict.fromkeys((b"tEXt", b"zTXt", b"iTXt"), "text"),
    b"iCCP": "colour profile",
    b"eXIf": "EXIF data",
    b"tRNS": "transparency",
    b"pHYs": "density",
    b"gAMA": "gamma",
    b"tIME": "time",
    **dict.fromkeys((b"acTL", b"fcTL", b"fdAT"), "animation"),
}
# Old programs keep EXIF in a text; XMP can say how the picture is turned.
_KEPT_TEXTS = {b"Raw profile type exif", b"XML:com.adobe.xmp"}
_SRGB_GAMMA, _GAMMA_SLACK = 45455, 10_000  # in 1/100,000; what is near is sRGB, rounded or of an old program
_TRANSPARENCY = {0: range(2, 3), 2: range(6, 7), 3: range(1, 257)}  # lengths of tRNS by colour type


@dataclass
class Chunks:
    """A PNG of nothing but what the picture needs, and what was taken out of it.

    `icc` is the colour profile, `frames` how many pictures an animation has, `notes` what was left out.
    """

    stream: BytesIO
    icc: bytes | None = None
    frames: int = 1
    notes: list[str] = field(default_factory=list)


def needed_chunks(stream: BinaryIO, name: str) -> Chunks:
    """Read a PNG's chunks (PNG specification, third edition, sections 5 and 11).

    Text is not unpacked but for that which may say how the picture is turned, and then within bounds. Raises
    UnsafeFileError where a chunk that the picture needs is missing, damaged or cut off.
    """
    return _Reader(stream, name).chunks()


def write_chunk(stream: BinaryIO, kind: bytes, data: bytes) -> None:
    """A chunk of a PNG: its length, kind, data and checksum."""
    stream.writelines((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))


class _Reader:
    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.size = stream.seek(0, io.SEEK_END)
        self.made = Chunks(BytesIO())
        self.seen: set[bytes] = set()
        self.colour_type = 0
        self.texts_left = _MAX_TEXTS
        self.gamma = _SRGB_GAMMA

    def chunks(self) -> Chunks:
        self.stream.seek(len(SIGNATURE))
        self.made.stream.write(SIGNATURE)
        while b"IEND" not in self.seen:
            at = self.stream.tell()
            head = self.stream.read(8)
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if len(head) < 8 or not kind.isalpha() or at + 12 + length > self.size:
                self._ends_early(at, kind, length)
                break
            self._chunk(kind, length)
        if b"IDAT" not in self.seen:
            raise self._damaged("IDAT", "is missing")
        if b"IEND" not in self.seen:
            self._write(b"IEND", b"")
        if abs(self.gamma - _SRGB_GAMMA) > _GAMMA_SLACK and not self.seen & {b"iCCP", b"sRGB", b"cICP"}:
            self._leave_out(b"gAMA", f"{self.gamma / 1e5:g}")
        return self.made

    def _ends_early(self, at: int, kind: bytes, length: int) -> None:
        """The file ends, or what follows is no chunk: that is no harm where all pixels are there, as Pillow finds."""
        if kind == b"IDAT":
            self.stream.seek(at + 8)
            self._needed(kind, self.stream.read(length))
        if b"IDAT" not in self.seen:
            raise UnsafeFileError(f"{self.name} is damaged or cut off: no sound chunk begins at byte {at}")
        self._note(END_MISSING)

    def _chunk(self, kind: bytes, length: int) -> None:
        if kind in _CRITICAL:
            data = self.stream.read(length)
            if self._checksum(zlib.crc32(data, zlib.crc32(kind))):
                self._needed(kind, data)
            elif kind == b"IEND":
                self.seen.add(kind)
                self._note("the end of its file is damaged")
                self._write(kind, b"")
            else:
                raise self._damaged(kind.decode(), "is damaged: its checksum is wrong")
            return
        checksum, data, left = zlib.crc32(kind), b"", length
        while left:
            block = self.stream.read(min(left, _BLOCK))
            if length <= MAX_METADATA:
                data += block
            checksum = zlib.crc32(block, checksum)
            left -= len(block)
        if not self._checksum(checksum):
            self._leave_out(kind)
        elif length > MAX_METADATA:
            self._leave_out(kind, "too large")
        else:
            self._ancillary(kind, data)
        self.seen.add(kind)

    def _checksum(self, computed: int) -> bool:
        return int.from_bytes(self.stream.read(4), "big") == computed

    def _needed(self, kind: bytes, data: bytes) -> None:
        if kind == b"IHDR" and len(data) >= 13:
            self.colour_type = data[9]
        if kind != b"IHDR" and b"IHDR" not in self.seen:
            raise self._damaged("IHDR", "is missing")
        if kind == b"IDAT" and self.colour_type == 3 and b"PLTE" not in self.seen:
            raise self._damaged("PLTE", "is missing")
        self.seen.add(kind)
        self._write(kind, data)

    def _ancillary(self, kind: bytes, data: bytes) -> None:
        if kind == b"CgBI":
            raise UnsafeFileError(f"{self.name} is a PNG of a kind of Apple's own (CgBI): save it as an ordinary PNG")
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            self._text(kind, data)
        elif kind == b"fcTL" and not self.seen & {b"IDAT", b"fcTL"}:
            self.made.frames -= 1  # the picture is the animation's first
        elif kind in self.seen:
            return
        elif kind == b"acTL" and len(data) >= 8:
            self.made.frames += min(int.from_bytes(data[:4], "big"), 2**31)
        elif kind == b"iCCP":
            self._profile(data)
        elif kind == b"tRNS":
            sound = self.colour_type not in _TRANSPARENCY or len(data) in _TRANSPARENCY[self.colour_type]
            self._write(kind, data) if sound else self._leave_out(kind)
        elif kind == b"gAMA" and len(data) == 4:
            self.gamma = int.from_bytes(data, "big")
        elif kind == b"eXIf" or (kind == b"pHYs" and len(data) == 9):
            self._write(kind, data)

    def _profile(self, data: bytes) -> None:
        _, _, packed = data.partition(b"\0")
        profile = _unpacked(packed[1:], MAX_METADATA) if packed[:1] == b"\0" else None
        if profile is None:
            self._leave_out(b"iCCP")
        elif len(profile) > MAX_METADATA:
            self._leave_out(b"iCCP", "too large")
        else:
            self.made.icc = profile

    def _text(self, kind: bytes, data: bytes) -> None:
        key, _, value = data.partition(b"\0")
        text: bytes | None = value
        limit = min(_MAX_TEXT, self.texts_left)
        if kind == b"zTXt":
            text = _unpacked(value[1:], limit) if value[:1] == b"\0" else None
        elif kind == b"iTXt" and value[:1] == b"\1":
            parts = value[2:].split(b"\0", 2)
            text = _unpacked(parts[2], limit) if len(parts) == 3 else None
        if text is None:
            self._leave_out(kind)
            return
        self.texts_left -= min(len(text), self.texts_left)
        if len(text) > limit:
            self._leave_out(kind, "too large")
        elif key in _KEPT_TEXTS and key not in self.seen:
            self.seen.add(key)
            self._write(kind, data)

    def _write(self, kind: bytes, data: bytes) -> None:
        write_chunk(self.made.stream, kind, data)

    def _leave_out(self, kind: bytes, why: str = "damaged") -> None:
        what = f"{_ANCILLARY[kind]} ({kind.decode()})" if kind in _ANCILLARY else "data beside the picture"
        self._note(f"its {what} is {why} and was left out")

    def _note(self, note: str) -> None:
        if note not in self.made.notes:
            self.made.notes.append(note)

    def _damaged(self, kind: str, how: str) -> UnsafeFileError:
        return UnsafeFileError(f"{self.name} is damaged: its part {kind} ({_CRITICAL[kind.encode()]}) {how}")


def _unpacked(data: bytes, limit: int) -> bytes | None:
    """What zlib packed, at most `limit` bytes and one or two more; None if it is damaged."""
    packer = zlib.decompressobj()
    try:
        text = packer.decompress(data, max(1, limit) + 1)
    except zlib.error:
        return None
    return text if packer.eof or packer.unconsumed_tail else None
