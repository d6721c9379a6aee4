"""JPEGs whose file lacks its end: which can be shown whole, and which lack pixels."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

_END = b"\xff\xd9"
# In coded pixels 0xFF begins a marker unless a zero or a restart marker follows.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Huffman-coded: baseline, extended, progressive. An arithmetic decoder reads what follows the last pixel too.
_FRAMES = {0xC0, 0xC1, 0xC2}
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_TAIL = 1 << 16
_FEW_ZEROS = 64
_FILLING = bytes(1 + number * number * 41 % 253 for number in range(64))  # as if at random, without 0 and 255


def is_jpeg(head: bytes) -> bool:
    """Whether a file begins as one."""
    return head.startswith(b"\xff\xd8\xff")


def with_two_ends(stream: BinaryIO) -> list[tuple[BinaryIO, BinaryIO]] | None:
    """Pairs of files with an end, to be decoded. If a pair looks the same, the file lacked only its end, else pixels.

    What is put between the pixels and the end differs in each bit. A decoder that has all pixels skips it; one that
    still needs some takes them from there. None if the file has its end, or is of a kind for which that can't be told.
    No pairs if scans are missing: each coefficient of each component must come down to its last bit (ISO 10918-1,
    annex G). Zeros at the end are first taken for what was never written, then, if they are few, for pixels and an end.
    """
    stream.seek(max(0, stream.seek(0, io.SEEK_END) - _TAIL))
    if stream.read().rstrip(b"\0").endswith(_END):
        return None
    stream.seek(0)
    data = stream.read()
    scan = _last_scan(data)
    if scan is None or scan == 0:
        return None if scan is None else []
    body = data.rstrip(b"\0")
    zeros = len(data) - len(body)
    if body.endswith(b"\xff"):
        body = body + b"\0" if zeros else body[:-1]
    bodies = [body]
    if 0 < zeros <= _FEW_ZEROS and zeros != 2:
        bodies.append(data[:-2] if zeros > 2 else data)  # the last two were the end
    return [_two_ends(body, scan) for body in bodies]


def _two_ends(body: bytes, scan: int) -> tuple[BinaryIO, BinaryIO]:
    """A file with two ends. After a missing restart marker a decoder takes nothing but what follows the right one."""
    restarts = _RESTART.findall(body, scan)
    restart = b"\xff" + bytes([0xD0 + (restarts[-1][0] - 0xD0 + 1) % 8 if restarts else 0xD0])
    fillings = (_FILLING, bytes(255 - byte for byte in _FILLING))
    one, other = (BytesIO(body + filling + restart + filling + _END) for filling in fillings)
    return one, other


def _last_scan(data: bytes) -> int | None:
    """Where the last scan's coded pixels begin in a file without an end; 0 if scans are missing, None if unknown."""
    components, missing, last = b"", set[tuple[int, int]](), 0
    for kind, segment, at in _segments(data):
        if kind in _FRAMES and len(segment) >= 6:
            components = segment[6 : 6 + 3 * segment[5] : 3]
            missing = {(component, number) for component in components for number in range(64)}
        elif kind == _START_OF_SCAN and len(segment) >= 4:
            missing -= _finished(segment)
            last = at
        elif kind in _STANDALONE or kind == _END_OF_IMAGE:
            return None
    if not components:
        return None
    return 0 if missing else last


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each marker, what its segment says and where that ends; a marker of no use here where the file is none."""
    at = 2
    while at + 4 <= len(data):
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF:
            yield 0x01, b"", at
            return
        if kind == 0xFF:  # markers may be filled up
            at += 1
            continue
        if kind in _STANDALONE or kind == _END_OF_IMAGE:
            yield kind, b"", at
            return
        segment = data[at + 4 : at + 2 + length]
        at += 2 + length
        yield kind, segment, at
        if kind == _START_OF_SCAN:
            found = _MARKER.search(data, at)
            if found is None:
                return
            at = found.start()


def _finished(scan: bytes) -> set[tuple[int, int]]:
    """The components and coefficients of which a scan brings the last bit."""
    first, end, precision = scan[-3:]
    if precision & 15:
        return set()
    return {(component, number) for component in scan[1:-3:2] for number in range(first, min(end, 63) + 1)}
