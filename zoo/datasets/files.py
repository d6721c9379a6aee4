"""Picture files, loose in a folder or packed in a zip, with an optional csv index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np

from zoo.arrays import Pixels
from zoo.datasets.archive import Archive, Member
from zoo.datasets.choosing import choose
from zoo.datasets.index import Row, is_table, open_file, read_index
from zoo.datasets.notes import say_once
from zoo.datasets.splits import split_of_word
from zoo.errors import DiskError, NotFoundError
from zoo.pictures.files import any_hidden, has_picture_suffix, is_hidden
from zoo.pictures.reading import read_picture


@dataclass(frozen=True)
class PictureFile:
    """Where one picture lies, what it is called, and what is known about it."""

    name: str
    place: Path | Member
    row: Row


@dataclass(frozen=True)
class Files:
    """A source of picture files, each decoded when it is asked for."""

    files: tuple[PictureFile, ...]
    channels: int

    def __len__(self) -> int:
        return len(self.files)

    def picture(self, index: int) -> Pixels:
        """Read the file as uint8 (C, H, W); raises as `read_picture` does."""
        place, channels = self.files[index].place, 3 if self.channels == 3 else 1
        if isinstance(place, Path):
            pixels = read_picture(place, channels).pixels
        else:
            pixels = read_picture(place.read(), channels, name=f"{place.name} in {place.archive.path}").pixels
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def name(self, index: int) -> str:
        """The file's name below the folder or in the zip."""
        return self.files[index].name

    def labels(self, index: int) -> Row:
        """Its row of the csv index, and `label`, its class, where the classes are subfolders."""
        return self.files[index].row


def open_folder(folder: Path, split: str, channels: int) -> Files:
    """One split of the pictures in a folder and its subfolders. Raises NotFoundError where there is no folder."""
    if not folder.is_dir():
        raise NotFoundError(f"no folder {folder}")
    names = list(ordinary_files(folder))
    tables = {name: partial(open_file, folder / name) for name in _tables(names, str(folder))}
    index = read_index(tables, str(folder))
    chosen = choose(filter(has_picture_suffix, names), index, split, f"folder:{folder}")
    return Files(tuple(PictureFile(name, folder / name, row) for name, row in chosen), channels)


def ordinary_files(folder: Path) -> Iterator[str]:
    """The files in a folder and its subfolders, by their paths below it: none that is hidden, no pipes, no devices.

    Subfolders that are links are not gone into, and said. Raises DiskError for a folder that can't be listed.
    """
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(folder / below) as entries:
                found = [entry for entry in entries if not is_hidden(entry.name)]
        except OSError as error:
            raise DiskError(f"can't list {folder / below}: {error.strerror or error}") from error
        for entry in found:
            with suppress(OSError):  # a link in a circle is no file
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{below}{entry.name}/")
                elif entry.is_file():
                    yield f"{below}{entry.name}"
                elif entry.is_dir():
                    say_once(f"{folder / below / entry.name} is a link to a folder, and is left out")


def open_zip(path: Path, split: str, channels: int) -> Files:
    """One split of the pictures in a zip. One folder around everything in it does not count."""
    archive = Archive(path)
    names = [name for name in archive.members if not any_hidden(name)]
    root = _root(names)
    inner = {name.removeprefix(root): name for name in names}
    tables = {name: partial(_opened, archive, inner[name]) for name in _tables(inner, str(path))}
    index = read_index(tables, str(path))
    found = choose(filter(has_picture_suffix, inner), index, split, f"zip:{path}")
    return Files(tuple(PictureFile(name, Member(archive, inner[name]), row) for name, row in found), channels)


def _opened(archive: Archive, name: str) -> BytesIO:
    return BytesIO(archive.read(name))


def _tables(names: Iterable[str], where: str) -> list[str]:
    """The names of csv files that may be the index; those in subfolders can't, which is said."""
    tables = [name for name in names if is_table(name.rpartition("/")[2])]
    for name in sorted(name for name in tables if "/" in name)[:3]:
        say_once(f"{where}/{name} is not used: an index lies in the folder itself, not in one of its folders")
    return sorted(name for name in tables if "/" not in name)


def _root(names: Iterable[str]) -> str:
    """The one folder around all members, with its slash, unless it is called as a split; else nothing."""
    tops = {top if slash else "" for top, slash, _ in (name.partition("/") for name in names)}
    top = tops.pop() if len(tops) == 1 else ""
    return f"{top}/" if top and not split_of_word(top) else ""
