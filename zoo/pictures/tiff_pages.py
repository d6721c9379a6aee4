"""The directories of a TIFF: how many pages there are, which of them is the picture, and of what kind it is."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from zoo.errors import UnsafeFileError

MAX_PAGES = 10_000
RAW_FILE = "a camera's raw file: develop it first, for example with darktable or RawTherapee"

# TIFF 6.0, section 8; TIFF technical note 1 (SubIFDs); DNG 1.7; TIFF/EP.
_NEW_SUBFILE, _SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_SAMPLES, _SUB_DIRECTORIES, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _DNG_VERSION = 277, 330, 338, 339, 50706
_KEPT = {
    *(_NEW_SUBFILE, _SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC),
    *(_SAMPLES, _SUB_DIRECTORIES, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _DNG_VERSION),
}
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAX_VALUES = 64
# What a first page that is only a thumbnail says of the picture: camera, orientation, density, time, artist, EXIF,
# profile, GPS.
_SHARED = {271, 272, 274, 282, 283, 296, 305, 306, 315, 33432, 34665, 34675, 34853}
_REDUCED, _MASK = 1, 4
_SENSOR = {32803, 34892}  # a colour filter array, and linear raw
_SENSOR_COMPRESSION = {32767, 32770, 34713, 65000, 65535}  # Sony, Samsung, Nikon, Kodak, Pentax
_COLOURS = {
    0: "gray", 1: "gray", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "ICC Lab",
    10: "ITU Lab", 32844: "LogL", 32845: "LogLuv",
}  # fmt: skip
_NUMBERS = {2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}


@dataclass(frozen=True)
class Page:
    """A directory: where it is, and those of its tags that say what it shows."""

    offset: int
    tags: Mapping[int, tuple[int, ...]]

    def value(self, tag: int, default: int = 0) -> int:
        """The first value of a tag."""
        values = self.tags.get(tag, ())
        return values[0] if values else default

    @property
    def reduced(self) -> bool:
        """Whether it is a small copy of another."""
        return bool(self.value(_NEW_SUBFILE) & _REDUCED) or self.value(_SUBFILE) == 2

    @property
    def whole(self) -> bool:
        """Whether it is a picture, and no small copy or mask of another."""
        return not self.reduced and not self.value(_NEW_SUBFILE) & _MASK and self.area > 0

    @property
    def area(self) -> int:
        """Its pixels."""
        return self.value(_WIDTH) * self.value(_HEIGHT)

    @property
    def of_sensor(self) -> bool:
        """Whether it is what a camera's sensor saw, which is no picture yet."""
        return self.value(_PHOTOMETRIC) in _SENSOR or self.value(_COMPRESSION) in _SENSOR_COMPRESSION

    @property
    def kind(self) -> str:
        """What its pixels are, in words."""
        bits = "/".join(str(number) for number in sorted(set(self.tags.get(_BITS, (1,)))))
        words = [f"{bits}-bit", _NUMBERS.get(self.value(_SAMPLE_FORMAT, 1), "")]
        photometric = self.value(_PHOTOMETRIC)
        words.append(_COLOURS.get(photometric, f"photometric {photometric}"))
        if _EXTRA_SAMPLES in self.tags:
            words.append("with alpha" if self.value(_EXTRA_SAMPLES) in (1, 2) else "with more channels")
        return " ".join(word for word in words if word)


@dataclass
class Pages:
    """The pages of a TIFF, and the directories below them. `cut` says that there are more pages than were counted."""

    chain: list[Page] = field(default_factory=list)
    below: list[Page] = field(default_factory=list)
    cut: bool = False

    @property
    def count(self) -> int:
        """How many pages are pictures of their own."""
        return sum(page.whole for page in self.chain)


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as one, of 32 or 64 bits."""
    return head[:2] in {b"II", b"MM"} and head[2:4] in {b"*\0", b"\0*", b"+\0", b"\0+"}


def read_pages(stream: BinaryIO) -> Pages:
    """All directories, in time linear in the file's size: those that overlap by far, as no program writes, end it."""
    return Directories(stream).pages()


def shown_page(stream: BinaryIO, name: str) -> tuple[BinaryIO, Page, tuple[str, ...]]:
    """The TIFF, so made that its first page is its picture and no thumbnail, that page, and notes about its pages.

    Raises UnsafeFileError for a camera's raw file, and for one without a directory.
    """
    pages = read_pages(stream)
    stream.seek(0)
    head = stream.read(16)
    if head[8:10] == b"CR":
        raise UnsafeFileError(f"{name} is {RAW_FILE}")
    if not pages.chain:
        raise UnsafeFileError(f"{name} is a TIFF that is damaged or cut off: what says where its pixels are is missing")
    first = pages.chain[0]
    every = [*pages.chain, *pages.below]
    unfinished = any(_DNG_VERSION in page.tags for page in every) and not any(page.whole for page in every)
    if unfinished or any(page.of_sensor for page in every):
        raise UnsafeFileError(f"{name} is {RAW_FILE}")
    notes = [f"pages: first of {pages.count}{' or more' if pages.cut else ''} taken"] if pages.count > 1 else []
    page = _picture(pages)
    if page.reduced:
        notes.append("it says of itself that it is a small copy of another picture")
    return (stream if page is first else _begun_with(stream, page, first)), page, tuple(notes)


def _picture(pages: Pages) -> Page:
    """The first page, unless that is a thumbnail of another, or much smaller than one below."""
    first = pages.chain[0]
    below = max((page for page in pages.below if page.whole), key=lambda page: page.area, default=first)
    if first.reduced:
        return next((page for page in pages.chain if page.whole), below)
    return below if below.area > first.area else first


def _begun_with(stream: BinaryIO, page: Page, first: Page) -> BinaryIO:
    """The file with a directory of `page` at its end, and a header that points there.

    What the first page says of the picture and `page` does not is taken over.
    """
    directories = Directories(stream)
    shared = {tag: entry for tag, entry in directories.entries(first.offset).items() if tag in _SHARED}
    return directories.begun_with({**shared, **directories.entries(page.offset)})


class Directories:
    """The directories of a TIFF, of 32 or 64 bits and either order of bytes, as they lie in its file."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.left = self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        head = stream.read(16)
        self.order, self.large = (">" if head[:2] == b"MM" else "<"), b"+" in head[2:4]
        self.offset, self.count = ("Q", "Q") if self.large else ("I", "H")
        self.seen: set[int] = set()
        at = 8 if self.large else 4
        self.first = self._numbers(self.offset, head[at : at + 8])[0] if len(head) == 16 else 0

    def pages(self) -> Pages:
        """All of them, as far as they are sound."""
        found, at = Pages(), self.first
        while at and len(found.chain) < MAX_PAGES:
            page, at = self._directory(at)
            if page is None:
                break
            found.chain.append(page)
        found.cut = bool(at) and len(found.chain) == MAX_PAGES
        for page in found.chain[:]:
            for below in page.tags.get(_SUB_DIRECTORIES, ()):
                inner, _ = self._directory(below)
                if inner:
                    found.below.append(inner)
        return found

    def _numbers(self, code: str, data: bytes) -> tuple[int, ...]:
        size = struct.calcsize(code)
        return struct.unpack(f"{self.order}{len(data) // size}{code}", data[: len(data) // size * size])

    def _directory(self, at: int) -> tuple[Page | None, int]:
        """A directory and where the next one is; none if it is damaged, was seen, or too much has been read."""
        if at in self.seen or not 0 < at < self.size or len(self.seen) > 2 * MAX_PAGES:
            return None, 0
        self.seen.add(at)
        entries = self._read_entries(at)
        if entries is None:
            return None, 0
        following = self._numbers(self.offset, self.stream.read(struct.calcsize(self.offset)))
        tags: dict[int, tuple[int, ...]] = {}
        for entry in entries:
            self._tag(tags, entry)
        return Page(at, tags), following[0] if following else 0

    def entries(self, at: int) -> dict[int, bytes]:
        """The entries of a directory as they are in the file, by their tags."""
        return {self._numbers("H", entry[:2])[0]: entry for entry in self._read_entries(at) or ()}

    def entry(self, tag: int, value: int) -> bytes:
        """An entry of one number."""
        return struct.pack(f"{self.order}HH{self.offset}{self.offset}", tag, 16 if self.large else 4, 1, value)

    def number(self, entry: bytes) -> int:
        """The number in an entry of one; 0 in others."""
        code = _TYPES.get(self._numbers("H", entry[2:4])[0])
        (count,) = self._numbers(self.offset, entry[4:12] if self.large else entry[4:8])
        values = self._numbers(code, entry[12:] if self.large else entry[8:]) if code and count == 1 else ()
        return values[0] if values else 0

    def begun_with(self, entries: Mapping[int, bytes], pixels: bytes = b"") -> BytesIO:
        """The file with `pixels` and a directory of such entries at its end, and a header that points there."""
        self.stream.seek(0)
        data = bytearray(self.stream.read())
        data += bytes(len(data) % 2)
        data += pixels
        struct.pack_into(f"{self.order}{self.offset}", data, 8 if self.large else 4, len(data))
        data += struct.pack(f"{self.order}{self.count}", len(entries))
        data += b"".join(entries[tag] for tag in sorted(entries)) + bytes(struct.calcsize(self.offset))
        return BytesIO(data)

    def _read_entries(self, at: int) -> list[bytes] | None:
        self.stream.seek(at)
        counted = self._numbers(self.count, self.stream.read(struct.calcsize(self.count)))
        entry = 20 if self.large else 12
        if not counted or counted[0] * entry > self.left:
            return None
        self.left -= counted[0] * entry
        data = self.stream.read(counted[0] * entry)
        return [data[start : start + entry] for start in range(0, len(data), entry)] if len(data) % entry == 0 else None

    def _tag(self, tags: dict[int, tuple[int, ...]], entry: bytes) -> None:
        tag, kind = self._numbers("H", entry[:4])
        code = _TYPES.get(kind)
        if tag not in _KEPT or code is None:
            return
        (count,) = self._numbers(self.offset, entry[4:12] if self.large else entry[4:8])
        data = entry[12:] if self.large else entry[8:]
        length = min(count, _MAX_VALUES) * struct.calcsize(code)
        if count * struct.calcsize(code) > len(data):
            (where,) = self._numbers(self.offset, data)
            if where >= self.size:
                return
            self.stream.seek(where)
            data = self.stream.read(length)
        tags[tag] = self._numbers(code, data[:length])
