"""Members of a zip, read without unpacking: by name, with a limit on size, in any process."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import DiskError, NotFoundError, UnsafeFileError

MAX_MEMBERS = 5_000_000
MAX_MEMBER_BYTES = 256 * 2**20


class Archive:
    """A zip file. Names of members are keys and never paths, so nothing can be written outside.

    Raises NotFoundError for a missing file, UnsafeFileError for one that is no zip, at construction and in `read`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # A handle's position is shared by forked processes, so each process opens its own.
        self._handles: dict[int, zipfile.ZipFile] = {}
        members = self._opened().infolist()
        if len(members) > MAX_MEMBERS:
            raise UnsafeFileError(f"{path} has {len(members)} members, more than {MAX_MEMBERS}")
        self.members = {member.filename: member for member in members if not member.is_dir()}

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
        try:
            return self._opened().read(member)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise UnsafeFileError(f"{name} in {self.path} is damaged: {error}") from error
        except OSError as error:
            raise DiskError(f"{self.path} can't be read: {error.strerror or error}") from error

    def _opened(self) -> zipfile.ZipFile:
        process = os.getpid()
        if process not in self._handles:
            try:
                self._handles[process] = zipfile.ZipFile(self.path)
            except (FileNotFoundError, NotADirectoryError):
                raise NotFoundError(f"no zip file {self.path}") from None
            except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
                raise UnsafeFileError(f"{self.path} is not a zip file, or damaged: {error}") from error
            except OSError as error:
                raise DiskError(f"{self.path} can't be read: {error.strerror or error}") from error
        return self._handles[process]


@dataclass(frozen=True)
class Member:
    """One file in a zip."""

    archive: Archive
    name: str

    def read(self) -> bytes:
        """Its bytes; raises as `Archive.read` does."""
        return self.archive.read(self.name)
