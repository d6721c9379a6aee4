"""The csv index of a set of pictures: one row a picture, the column `file` names it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from zoo.datasets.notes import say_once
from zoo.errors import DiskError, UnsafeFileError, UsageError

Row = Mapping[str, str]
Open = Callable[[], IO[bytes]]
PREFERRED = "attributes.csv"
SUFFIXES = (".csv", ".tsv")
# The columns with a meaning, written in any case.
KNOWN = ("file", "zip", "split")
DELIMITERS = ",;\t|"
MAX_LINES = 5_000_000
MAX_LINE = 2**20
_UNDECODED = re.compile("[\udc80-\udcff]")
# Excel writes a first line that tells the delimiter, and numbers with a comma where the delimiter is none.
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class Index:
    """A csv that names pictures: what it is called, its columns, and its rows, in which a missing cell is empty."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def is_table(name: str) -> bool:
    """Whether a file of this name may be an index."""
    return name.lower().endswith(SUFFIXES) and not name.startswith((".", "~$"))


def open_file(path: Path) -> IO[bytes]:
    """A csv of the disk, to be read."""
    return path.open("rb")


def read_index(tables: Mapping[str, Open], where: str) -> Index | None:
    """The one of some csv files, given as what opens them by name, that has the column `file`; None if none has it.

    The delimiter is a comma, a semicolon, a tab or a bar. Where several have that column, `attributes.csv` counts. A
    file that is not used is said. Raises UsageError where several could be used, UnsafeFileError for a file that is no
    csv in UTF-8 (or UTF-16 with its mark), is too large, or names a file outside.
    """
    found: dict[str, Index] = {}
    for name, open_table in tables.items():
        index = _read(open_table, f"{where}/{name}")
        if index is not None:
            found[name] = index
    preferred = next((name for name in found if name.lower() == PREFERRED), None)
    if len(found) > 1 and preferred is None:
        raise UsageError(f"{where} has several csv files with a column file: {', '.join(sorted(found))}; keep one")
    for name in found:
        if preferred not in (None, name):
            say_once(f"{where}/{name} is not used: {preferred} is the index")
    return found[preferred] if preferred else next(iter(found.values()), None)


def _read(open_table: Open, name: str) -> Index | None:
    """The index that a csv is, or None, which is said, for one without a column `file` or without rows."""
    try:
        with open_table() as stream:
            text = _decoded(stream, name)
            first, delimiter = _header(text, name)
            names = _cells(first, delimiter)
            columns = [column.lower() if column.lower() in KNOWN else column for column in names]
            if "file" not in columns:
                say_once(f"{name} is not used: it has no column file; its header is {first.strip()[:100]!r}")
                return None
            lines = _lines(text, name)
            rows = tuple(_rows(csv.reader(lines, delimiter=delimiter, skipinitialspace=True), columns, delimiter))
    except (csv.Error, UnicodeError) as error:
        raise UnsafeFileError(f"{name} is not a csv in UTF-8: {error}") from error
    except OSError as error:
        raise DiskError(f"{name} can't be read: {error.strerror or error}") from error
    if not rows:
        say_once(f"{name} is not used: it has no rows")
        return None
    for row in rows:
        for column in ("file", "zip"):
            _refuse_outside(row.get(column, ""), name)
    return Index(name, tuple(columns), rows)


def _decoded(stream: IO[bytes], name: str) -> TextIOWrapper:
    """The csv's text, when it is known that it has not too many lines to be kept."""
    head = stream.read(4)
    lines = head.count(b"\n")
    while chunk := stream.read(2**20):
        lines += max(chunk.count(b"\n"), chunk.count(b"\r"))
        if lines > MAX_LINES:
            raise UnsafeFileError(f"{name} has more than {MAX_LINES:,} lines, too many for an index: make it smaller")
    stream.seek(0)
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]


def _header(text: TextIOWrapper, name: str) -> tuple[str, str]:
    """The first line that is not blank, and the delimiter: the one that makes most columns, one of them `file`."""
    line = next((line for line in iter(lambda: text.readline(MAX_LINE + 1), "") if line.strip()), "")
    if told := _SEPARATOR.fullmatch(line):
        return text.readline(MAX_LINE), told[1]
    if len(line) > MAX_LINE:
        raise _too_long(name)

    def columns(delimiter: str) -> tuple[bool, int]:
        cells = _cells(line.lower(), delimiter)
        return "file" in cells, len(cells)

    return line, max(DELIMITERS, key=columns)


def _lines(text: TextIOWrapper, name: str) -> Iterator[str]:
    """The other lines, each of a bounded length and decoded."""
    while line := text.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise _too_long(name)
        if not line.isascii() and _UNDECODED.search(line):
            raise UnsafeFileError(f"{name} is not a csv in UTF-8: save it as UTF-8, in Excel as 'CSV UTF-8'")
        yield line


def _too_long(name: str) -> UnsafeFileError:
    return UnsafeFileError(f"{name} has a line of more than {MAX_LINE:,} characters: it is no index of pictures")


def _rows(lines: Iterator[list[str]], columns: list[str], delimiter: str) -> Iterator[Row]:
    """Rows that name a file. Spaces around a cell don't count, but in a file's name, which may have them."""
    for line in lines:
        cells = line + [""] * (len(columns) - len(line))
        row: dict[str, str] = {}
        for column, cell in zip(columns, cells, strict=False):
            if delimiter == ";" and column not in KNOWN and _DECIMAL.fullmatch(cell.strip()):
                cell = cell.replace(",", ".")  # noqa: PLW2901 (the same number)
            row.setdefault(column, cell if column == "file" else cell.strip())
        if row["file"].strip():
            yield row


def _refuse_outside(name: str, index: str) -> None:
    path = PurePosixPath(name.strip().replace("\\", "/"))
    if path.is_absolute() or PureWindowsPath(name.strip()).is_absolute() or ".." in path.parts:
        raise UnsafeFileError(f"{index} names {name!r}, which is not inside its folder: write paths below that folder")
