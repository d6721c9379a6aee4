"""The csv index of a set of pictures: one row a picture, the column `file` names it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import PurePosixPath

from zoo.errors import UnsafeFileError, UsageError

Row = Mapping[str, str]
PREFERRED = "attributes.csv"


def read_index(texts: Mapping[str, bytes], where: str) -> list[Row]:
    """Rows of the one of some csv files (contents by name) that has the column `file`; none if none has it.

    Where several have it, `attributes.csv` counts. Raises UsageError where none of them is called so, UnsafeFileError
    for a file that is no csv in UTF-8 or names a file outside.
    """
    indexes = {name: rows for name, text in texts.items() if (rows := _rows(text, f"{where}/{name}"))}
    if len(indexes) > 1 and PREFERRED not in indexes:
        raise UsageError(f"{where} has several csv files with a column file: {', '.join(sorted(indexes))}; keep one")
    name = PREFERRED if PREFERRED in indexes else next(iter(indexes), None)
    if name is None:
        return []
    for row in indexes[name]:
        for column in ("file", "zip"):
            _refuse_outside(row.get(column, ""), f"{where}/{name}")
    return indexes[name]


def _rows(text: bytes, name: str) -> list[Row]:
    """The rows of a csv with a column `file`; empty for another one. Missing cells are empty."""
    try:
        reader = csv.DictReader(StringIO(text.decode("utf-8-sig"), newline=""))
        if "file" not in (reader.fieldnames or ()):
            return []
        return [{key: value or "" for key, value in row.items() if key is not None} for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnsafeFileError(f"{name} is not a csv in UTF-8: {error}") from error


def _refuse_outside(name: str, index: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UnsafeFileError(f"{index} names {name!r}, which is not inside its folder")
