"""Picture files, loose in a folder or packed in a zip, with an optional csv index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.datasets.archive import Archive, Member
from zoo.datasets.index import Row, read_index
from zoo.datasets.splits import SPLITS, split_of_name
from zoo.errors import NotFoundError
from zoo.inference.picture_reading import read_picture

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


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

    def picture(self, index: int) -> NDArray[np.uint8]:
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
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    rows = read_index({path.name: path.read_bytes() for path in folder.glob("*.csv")}, str(folder))
    return Files(tuple(PictureFile(name, folder / name, row) for name, row in _chosen(names, rows, split)), channels)


def open_zip(path: Path, split: str, channels: int) -> Files:
    """One split of the pictures in a zip. One folder around everything in it does not count."""
    archive = Archive(path)
    root = _root(archive.members)
    inner = {name.removeprefix(root): name for name in archive.members if not name.startswith("__MACOSX/")}
    tables = {name: archive.read(full) for name, full in inner.items() if name.endswith(".csv") and "/" not in name}
    rows = read_index(tables, str(path))
    pictures = (name for name in inner if name.lower().endswith(SUFFIXES))
    found = (PictureFile(name, Member(archive, inner[name]), row) for name, row in _chosen(pictures, rows, split))
    return Files(tuple(found), channels)


def _root(names: Iterable[str]) -> str:
    """The one folder around all members, with its slash, unless it is called as a split; else nothing."""
    tops = {top if slash else "" for top, slash, _ in (name.partition("/") for name in names) if top != "__MACOSX"}
    top = tops.pop() if len(tops) == 1 else ""
    return f"{top}/" if top and top not in SPLITS else ""


def _chosen(names: Iterable[str], index: Sequence[Row], split: str) -> list[tuple[str, Row]]:
    """The names of one split with what is known: by the csv's `split`, by folders of splits, or by the names' hash."""
    rows = {row["file"]: row for row in index}
    ordered = sorted(name for name in names if not name.rpartition("/")[2].startswith("."))
    root = ""
    if index and "split" in index[0]:
        chosen = [name for name in ordered if rows.get(name, {}).get("split") == split]
    elif any(name.startswith(tuple(f"{each}/" for each in SPLITS)) for name in ordered):
        root = f"{split}/"
        chosen = [name for name in ordered if name.startswith(root)]
    else:
        chosen = [name for name in ordered if split_of_name(name) == split]
    return [(name, _class_of(name.removeprefix(root)) | dict(rows.get(name, {}))) for name in chosen]


def _class_of(name: str) -> dict[str, str]:
    """The class of a picture is the outermost folder it is in."""
    folder, slash, _ = name.partition("/")
    return {"label": folder} if slash else {}
