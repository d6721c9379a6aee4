"""Reads Qt resource files (`*.rcc`), the binary format of Qt 5 and Qt 6, versions 1 to 3.

A file is a header, a tree of nodes of fixed size, the names that nodes point to, and the data blocks; numbers are
big-endian. There is no written specification; `src/tools/rcc/rcc.cpp` of https://code.qt.io/cgit/qt/qtbase.git is it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from zoo.errors import UnsafeFileError

COMPRESSED_ZLIB, DIRECTORY, COMPRESSED_ZSTD = 1, 2, 4
LARGEST = 2**28  # bytes of one file inside: a damaged length must not fill the memory


class ResourceFile:
    """The files inside one resource file; iterating gives their paths.

    `content` is the whole resource file, `name` what to call it in a message. Raises UnsafeFileError, here and when
    read, for what is no resource file or a damaged one.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self._content, self._name = content, name
        if content[:4] != b"qres":
            raise UnsafeFileError(f"{name} is no Qt resource file: it does not begin with 'qres'")
        version, self._tree, self._data, self._names = self._numbers(">4I", 4)
        if version not in {1, 2, 3}:
            raise UnsafeFileError(f"{name} has version {version} of the Qt resource format; 1 to 3 can be read")
        # Since version 2 a node ends with the time of the last change.
        self._node_size = 14 if version == 1 else 22
        # Of one file in several languages, the last in the tree counts.
        self._files = {path: (flags, offset) for path, flags, offset in self._walk()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def read(self, path: str) -> bytes:
        """The bytes of one file, decompressed; raises KeyError for a path that is not inside."""
        flags, offset = self._files[path]
        (length,) = self._numbers(">I", self._data + offset)
        block = self._piece(self._data + offset + 4, length)
        if flags & COMPRESSED_ZSTD:
            raise UnsafeFileError(f"{self._name} keeps {path} compressed with zstd; only zlib can be read")
        return self._inflate(block) if flags & COMPRESSED_ZLIB else block

    def _walk(self) -> Iterator[tuple[str, int, int]]:
        """Path, flags and data offset of every file; node 0 is the root and has no name."""
        waiting, seen = [(0, "")], 0
        while waiting:
            node, path = waiting.pop()
            at = self._tree + node * self._node_size
            name_offset, flags = self._numbers(">IH", at)
            if node:
                path += self._name_at(name_offset)
            if not flags & DIRECTORY:
                # Skips territory and language, two bytes each.
                yield path, flags, self._numbers(">I", at + 10)[0]
                continue
            count, first = self._numbers(">2I", at + 6)
            seen += count
            if seen * self._node_size > len(self._content):
                raise self._damaged("its tree has more nodes than the file has room for")
            waiting += [(child, f"{path}/" if node else "") for child in range(first, first + count)]

    def _name_at(self, offset: int) -> str:
        (length,) = self._numbers(">H", self._names + offset)
        # Between length and letters stands a hash of four bytes, for Qt's own search.
        letters = self._piece(self._names + offset + 6, 2 * length)
        return letters.decode("utf-16-be", errors="replace")

    def _inflate(self, block: bytes) -> bytes:
        length = int.from_bytes(block[:4])
        if length > LARGEST:
            raise self._damaged(f"a file of {length} bytes inside")
        try:
            content = zlib.decompressobj().decompress(block[4:], length + 1)
        except zlib.error as error:
            raise self._damaged(str(error)) from error
        if len(content) != length:
            raise self._damaged("a file inside has not the length it says")
        return content

    def _numbers(self, layout: str, at: int) -> tuple[int, ...]:
        return struct.unpack(layout, self._piece(at, struct.calcsize(layout)))

    def _piece(self, at: int, length: int) -> bytes:
        piece = self._content[at : at + length]
        if len(piece) != length:
            raise self._damaged("it ends too early")
        return piece

    def _damaged(self, how: str) -> UnsafeFileError:
        return UnsafeFileError(f"{self._name} is damaged: {how}; get it again")
