"""Members of a zip, read without unpacking: by name, with a limit on size, in any process."""

from __future__ import annotations

import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import DiskError, NotFoundError, UnsafeFileError

MAX_MEMBERS = 5_000_000
MAX_MEMBER_BYTES = 256 * 2**20
_UTF8 = 0x800


class Archive:
    """A zip file. Names of members are keys and never paths, so nothing can be written outside.

    Their parts are parted by slashes, whatever wrote the zip. Raises NotFoundError for a missing file, UnsafeFileError
    for one that is no zip, at construction and in `read`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # A handle's position is shared by forked processes, so each process opens its own.
        self._handles: dict[int, zipfile.ZipFile] = {}
        members = self._opened().infolist()
        if len(members) > MAX_MEMBERS:
            raise UnsafeFileError(f"{path} has {len(members)} members, more than {MAX_MEMBERS}")
        named = ((_name(member), member) for member in members)
        self.members = {name: member for name, member in named if not name.endswith("/")}

    def __reduce__(self) -> tuple[type[Archive], tuple[Path]]:
        return Archive, (self.path,)

    def read(self, name: str) -> bytes:
        """The bytes of a member. Raises NotFoundError, and UnsafeFileError for one too large, encrypted or damaged."""
        member = self.members.get(name)
        if member is None:
            raise NotFoundError(f"{self.path} has no member {name!r}")
        if member.file_size > MAX_MEMBER_BYTES:
            raise UnsafeFileError(f"{name} in {self.path} is larger than {MAX_MEMBER_BYTES >> 20} MiB")
        if member.flag_bits & 1:
            raise UnsafeFileError(f"{name} in {self.path} is encrypted: unpack it and use folder:PATH")
        archive = self._opened()
        try:
            return archive.read(member)
        except Exception as error:  # the decoders of deflate, bzip2 and lzma each raise their own kinds
            if isinstance(error, OSError) and error.errno is not None:
                raise DiskError(f"{self.path} can't be read: {error.strerror or error}") from error
            raise UnsafeFileError(f"{name} in {self.path} is damaged: {error}") from error

    def _opened(self) -> zipfile.ZipFile:
        process = os.getpid()
        if process not in self._handles:
            self._handles[process] = open_zip_file(self.path)
        return self._handles[process]


def open_zip_file(path: Path, kind: str = "a zip file") -> zipfile.ZipFile:
    """Open a zip. Raises NotFoundError, DiskError, and UnsafeFileError for what is no zip, a pipe or a device too."""
    if path.exists() and not path.is_file():
        raise UnsafeFileError(f"{path} is not {kind} but a folder, a pipe or a device")
    try:
        return zipfile.ZipFile(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no zip file {path}") from None
    except Exception as error:  # a damaged directory raises BadZipFile, NotImplementedError, struct.error, ...
        if isinstance(error, OSError) and error.errno is not None:
            raise DiskError(f"{path} can't be read: {error.strerror or error}") from error
        raise UnsafeFileError(f"{path} is not {kind}, or damaged: {error}") from error


def _name(member: zipfile.ZipInfo) -> str:
    """A member's name with slashes; UTF-8 where it is written in that without saying so, as some programs do."""
    name = member.filename
    if not member.flag_bits & _UTF8 and not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")


@dataclass(frozen=True)
class Member:
    """One file in a zip."""

    archive: Archive
    name: str

    def read(self) -> bytes:
        """Its bytes; raises as `Archive.read` does."""
        return self.archive.read(self.name)
