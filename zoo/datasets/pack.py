"""Data packs: folders with an index, by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from zoo.datasets.archive import Archive, Member
from zoo.datasets.arrays import Arrays, open_arrays
from zoo.datasets.choosing import slashed
from zoo.datasets.files import Files, PictureFile
from zoo.datasets.index import Index, Row, is_table, open_file, read_index
from zoo.datasets.splits import spelled
from zoo.errors import NotFoundError, UsageError


def open_pack(home: Path, name: str, split: str, channels: int) -> Files | Arrays:
    """One split of the pack `home/name`: a csv index with files or zips, or one .npz.

    After a name with an index, `?COLUMN=VALUE,VALUE` takes only the pictures that have one of these values.
    """
    name, asked, condition = name.partition("?")
    folder = home / name
    found = sorted(path for path in folder.glob("*") if path.is_file())
    tables = {path.name: partial(open_file, path) for path in found if is_table(path.name)}
    arrays = [path for path in found if path.suffix == ".npz"]
    if not tables and len(arrays) == 1 and asked:
        raise UsageError(f"the pack {folder} has no csv index: leave out ?{condition}")
    if not tables and len(arrays) == 1:
        return open_arrays(arrays[0], split, channels)
    if not tables:
        raise NotFoundError(
            f"no data pack {name!r} in {home}: set ZOO_DATA to the folder that holds it; "
            "docs/data.md tells how packs are built"
        )
    index = read_index(tables, str(folder))
    if index is None or "split" not in index.columns:
        raise UsageError(f"the csv index of the pack {folder} needs the columns file and split")
    archives: dict[str, Archive] = {}
    words = spelled(split, {row["split"] for row in index.rows})
    chosen = [row for row in index.rows if row["split"] in words]
    if asked:
        column, values = _condition(condition, index)
        chosen = [row for row in chosen if row[column] in values]
    return Files(tuple(_file(folder, row, archives) for row in chosen), channels)


def _condition(text: str, index: Index) -> tuple[str, set[str]]:
    """A column and the values that are wanted in it, all of which must be there."""
    column, equals, wanted = text.partition("=")
    if not equals or column not in index.columns:
        columns = ", ".join(index.columns)
        raise UsageError(f"?{text}: write ?COLUMN=VALUE,VALUE with a column of {index.name}: {columns}")
    values = set(wanted.split(","))
    unknown = sorted(values - {row[column] for row in index.rows})
    if unknown:
        raise NotFoundError(f"?{text}: no picture of {index.name} has {column} {', '.join(map(repr, unknown))}")
    return column, values


def _file(folder: Path, row: Row, archives: dict[str, Archive]) -> PictureFile:
    """The picture of one row, which must be there; `archives` are those opened so far."""
    packed = row.get("zip")
    if not packed:
        name = next((name for name in (row["file"], slashed(row["file"])) if (folder / name).is_file()), None)
        if name is None:
            raise NotFoundError(f"the pack {folder} lacks {row['file']}, which its csv index names: build it again")
        return PictureFile(name, folder / name, {**row, "file": name})
    if packed not in archives:
        archives[packed] = Archive(folder / packed)
    members = archives[packed].members
    name = next((name for name in (row["file"], slashed(row["file"])) if name in members), None)
    if name is None:
        raise NotFoundError(f"{folder / packed} lacks {row['file']}, which the csv index names: build the pack again")
    return PictureFile(name, Member(archives[packed], name), {**row, "file": name})
