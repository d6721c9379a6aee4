"""Pinned packages of public registries: brought by the registry's own client or found on the disk, known by hash."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from zoo.errors import IntegrityError, NetworkError, NotFoundError, UnsafeFileError


class Registry(NamedTuple):
    """A place that keeps packages: its client's command, which puts one into the current folder, and its files."""

    command: tuple[str, ...]
    files: str
    root: str
    hint: str

    @property
    def client(self) -> str:
        """What to call the client in a message."""
        return "pip" if "pip" in self.command else self.command[0]


DEBIAN = Registry(
    ("apt-get", "download", "{name}={version}"),
    "{name}_*.deb",
    "https://deb.debian.org/debian/pool/main/",
    "try apt-get update",
)
NPM = Registry(
    ("npm", "pack", "--loglevel=error", "--ignore-scripts", "{name}@{version}"),
    "*{base}-{version}.tgz",
    "https://registry.npmjs.org/",
    "try again",
)
PYPI = Registry(
    (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "{name}=={version}"),
    "{name}-{version}-*.whl",
    "https://pypi.org/project/",
    "try again",
)


class Package(NamedTuple):
    """One package: name, version, place under the registry's root, and hash."""

    name: str
    version: str
    place: str
    sha256: str
    registry: Registry = DEBIAN

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    @property
    def files(self) -> str:
        """The pattern of its file's name."""
        return self._filled(self.registry.files)

    @property
    def command(self) -> list[str]:
        """The command that downloads it into the current folder."""
        return [self._filled(word) for word in self.registry.command]

    @property
    def where(self) -> str:
        """What to do without the registry's client."""
        return f"download {self.registry.root}{self.place}"

    def _filled(self, text: str) -> str:
        return text.format(name=self.name, version=self.version, base=self.name.rpartition("/")[2])


def find(package: Package, path: Path) -> Path:
    """The package's file at `path` or in the folder `path`, known by its hash; raises NotFoundError, IntegrityError."""
    found = [path] if path.is_file() else sorted(path.glob(package.files))
    for candidate in found:
        with candidate.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == package.sha256:
                return candidate
    if found:
        raise IntegrityError(f"{found[0]} is not {package.label}: its hash differs; {package.where}")
    raise NotFoundError(f"no {package.files} in {path}; {package.where}")


def download(package: Package, folder: Path) -> Path:
    """Get the package into `folder` by the registry's client, which knows mirrors and settings; raises NetworkError."""
    registry = package.registry
    command = package.command
    client = shutil.which(command[0])
    if client is None:
        raise NotFoundError(f"no {registry.client} here: give the package by --packages; {package.where}")
    done = subprocess.run([client, *command[1:]], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NetworkError(
            f"{registry.client} can't download {package.label} ({_reason(done.stderr)}): {registry.hint}, or use "
            f"--packages; {package.where}"
        )
    return find(package, folder)


def _reason(complaints: str) -> str:
    """The first line that tells of an error, in the manner of apt-get, npm or pip."""
    lines = complaints.splitlines()
    told = (
        line.removeprefix(mark) for line in lines for mark in ("E: ", "npm error ", "ERROR: ") if line.startswith(mark)
    )
    return next(told, lines[-1] if lines else "no reason given")


@contextmanager
def archive(package: Path) -> Iterator[tarfile.TarFile]:
    """The files of a .deb or .tgz as a stream: decompressed once, in order, never held whole."""
    with package.open("rb") as file:
        if package.suffix == ".deb":
            _seek_data(file, package)
        with tarfile.open(fileobj=file, mode="r|*") as stream:
            yield stream


def content(stream: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """The bytes of one member; none for what is no file."""
    file = stream.extractfile(member) if member.isfile() else None
    return file.read() if file else b""


def _seek_data(file: BinaryIO, deb: Path) -> None:
    """Move to the member `data.tar.*` of a .deb, an archive of the kind `ar` makes."""
    if file.read(8) != b"!<arch>\n":
        raise UnsafeFileError(f"{deb} is no Debian package")
    while len(header := file.read(60)) == 60:
        if header.startswith(b"data.tar"):
            return
        size = int(header[48:58])
        # Members begin at even places.
        file.seek(size + size % 2, io.SEEK_CUR)
    raise UnsafeFileError(f"{deb} holds no data.tar")
