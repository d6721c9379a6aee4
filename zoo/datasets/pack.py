"""Data packs: folders with an index, by name."""

from __future__ import annotations

from pathlib import Path

from zoo.datasets.archive import Archive, Member
from zoo.datasets.arrays import Arrays, open_arrays
from zoo.datasets.files import Files, PictureFile
from zoo.datasets.index import Row, read_index
from zoo.errors import NotFoundError, UsageError


def open_pack(home: Path, name: str, split: str, channels: int) -> Files | Arrays:
    """One split of the pack `home/name`: a csv index with files or zips, or one .npz."""
    folder = home / name
    tables = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    arrays = sorted(folder.glob("*.npz"))
    if not tables and len(arrays) == 1:
        return open_arrays(arrays[0], split, channels)
    if not tables:
        raise NotFoundError(
            f"no data pack {name!r} in {home}: set ZOO_DATA to the folder that holds it; "
            "docs/data.md tells how packs are built"
        )
    rows = read_index(tables, str(folder))
    if not rows or "split" not in rows[0]:
        raise UsageError(f"the csv index of the pack {folder} needs the columns file and split")
    archives: dict[str, Archive] = {}
    chosen = [row for row in rows if row["split"] == split]
    return Files(tuple(_file(folder, row, archives) for row in chosen), channels)


def _file(folder: Path, row: Row, archives: dict[str, Archive]) -> PictureFile:
    """The picture of one row, which must be there; `archives` are those opened so far."""
    name, packed = row["file"], row.get("zip")
    if not packed:
        if not (folder / name).is_file():
            raise NotFoundError(f"the pack {folder} lacks {name}, which its csv index names: build the pack again")
        return PictureFile(name, folder / name, row)
    if packed not in archives:
        archives[packed] = Archive(folder / packed)
    if name not in archives[packed].members:
        raise NotFoundError(f"{folder / packed} lacks {name}, which the csv index names: build the pack again")
    return PictureFile(name, Member(archives[packed], name), row)
