"""The pictures of one split, by a csv index, by folders, or by their names, and what is known about each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from zoo.datasets.index import Index, Row
from zoo.datasets.notes import say_once
from zoo.datasets.splits import SPLITS, spelled, split_of_name, split_of_word
from zoo.errors import NotFoundError

Chosen = list[tuple[str, Row]]


def choose(names: Iterable[str], index: Index | None, split: str, where: str) -> Chosen:
    """The names of one split, each with what is known: by the csv's `split`, by folders of splits, or by the hash.

    Whatever the data do not say, and pictures that are in no split, is said. Raises NotFoundError where a csv with
    splits names none of the pictures, and where there are other splits but not this one.
    """
    ordered = sorted(names)
    rows = _rows_of(ordered, index) if index else {}
    if index and "split" in index.columns:
        return _by_column(ordered, rows, index, split)
    root = _folder_of_splits(ordered)
    if root is not None:
        return _by_folder(ordered, rows, root, split, where)
    deeper = sorted({part for name in ordered for part in name.split("/")[:-1] if split_of_word(part)})
    taken = f"; its folders {_some(deeper)} are not taken as splits" if deeper else ""
    if ordered:
        say_once(
            f"{where} does not say its splits, by a csv with the columns file and split or by folders train and val: "
            f"about 5 % of its pictures are taken as val and 5 % as test, by their names{taken}"
        )
    chosen = [name for name in ordered if split_of_name(name) == split]
    return [(name, _class_of(name) | dict(rows.get(name, {}))) for name in chosen]


def _by_column(names: Sequence[str], rows: dict[str, Row], index: Index, split: str) -> Chosen:
    unlisted = [name for name in names if name not in rows]
    if unlisted:
        say_once(f"{len(unlisted)} pictures are left out, since {index.name} does not name them: {_some(unlisted)}")
    entries = {row["split"] for row in rows.values()}
    words = spelled(split, entries)
    if names and not words:
        raise NotFoundError(f"no pictures in its split {split!r}: {index.name} has the splits {_some(sorted(entries))}")
    chosen = [name for name in names if name in rows and rows[name]["split"] in words]
    return [(name, _class_of(name) | dict(rows[name])) for name in chosen]


def _by_folder(names: Sequence[str], rows: dict[str, Row], root: str, split: str, where: str) -> Chosen:
    """The pictures below the folders of a split, which lie in `root`."""
    tops = _tops(names, root)
    used = {word: top for word in (*SPLITS, split) for top in spelled(word, tops)}
    other = {word: top for word, top in used.items() if word != top}
    if other:
        said = ", ".join(f"{root}{top} is taken as {word}" for word, top in other.items() if word in SPLITS)
        say_once(f"{where}: the folder {said}")
    below = tuple(f"{root}{top}/" for word in (*SPLITS, split) for top in spelled(word, tops))
    left = [name for name in names if not name.startswith(below)]
    if left:
        say_once(f"{where}: {len(left)} pictures are left out, since they lie in no folder of a split: {_some(left)}")
    found = spelled(split, tops)
    if not found:
        raise NotFoundError(f"{where} has no pictures in its split {split!r}; its folders are {_some(sorted(tops))}")
    chosen = [name for name in names if name.startswith(tuple(f"{root}{top}/" for top in found))]
    classes = {name: _class_of(name.removeprefix(root).partition("/")[2]) for name in chosen}
    return [(name, classes[name] | dict(rows.get(name, {}))) for name in chosen]


def _folder_of_splits(names: Sequence[str]) -> str | None:
    """The folder, with its slash, whose folders are splits: the outermost, or the one around everything; else None."""
    tops = _tops(names, "")
    if _are_splits(tops):
        return ""
    if len(tops) == 1 and all("/" in name for name in names):
        root = f"{next(iter(tops))}/"
        return root if _are_splits(_tops(names, root)) else None
    return None


def _tops(names: Iterable[str], root: str) -> frozenset[str]:
    """The folders in `root`."""
    below = (name.removeprefix(root).partition("/") for name in names if name.startswith(root))
    return frozenset(top for top, slash, _ in below if slash)


def _are_splits(tops: frozenset[str]) -> bool:
    """Whether folders are splits and no classes: one is called just so, all mean one, or training and another do."""
    meant = {split_of_word(top) for top in tops} - {None}
    every = bool(tops) and all(split_of_word(top) for top in tops)
    return not tops.isdisjoint(SPLITS) or every or ("train" in meant and len(meant) > 1)


def _class_of(name: str) -> dict[str, str]:
    """The class of a picture is the outermost folder it is in."""
    folder, slash, _ = name.partition("/")
    return {"label": folder} if slash else {}


def _rows_of(names: Sequence[str], index: Index) -> dict[str, Row]:
    """The row of each picture that the index names; what it names and isn't there, and what it names twice, is said."""
    known = Names(names)
    found: dict[str, Row] = {}
    lost, twice = [], []
    for row in index.rows:
        name = known.find(row["file"])
        if name is None:
            lost.append(row["file"])
            continue
        if name in found:
            twice.append(name)
        found[name] = {**row, "file": name}
    if names and not found and "split" in index.columns:
        raise NotFoundError(f"{index.name} names {len(lost)} pictures that are not there: {_some(lost)}")
    if lost:
        say_once(f"{index.name} names {len(lost)} files that are no pictures there: {_some(lost)}")
    if twice:
        say_once(f"{index.name} names {len(twice)} pictures twice, and the last row counts: {_some(twice)}")
    return found


class Names:
    """Names of files, found as they are written, or else whatever the slashes, spaces, case and accents' spelling."""

    def __init__(self, names: Iterable[str]) -> None:
        self.exact = frozenset(names)
        self.loose: dict[str, str | None] | None = None

    def find(self, name: str) -> str | None:
        """The file that is meant, if there is just one."""
        for spelling in (name, name.strip(), slashed(name)):
            if spelling in self.exact:
                return spelling
        if self.loose is None:
            self.loose = {}
            for each in self.exact:
                key = _key(each)
                self.loose[key] = None if key in self.loose else each
        return self.loose.get(_key(name))


def slashed(name: str) -> str:
    """A path as an index may write it, with Windows' backslashes, as it is written here."""
    return re.sub("/+", "/", name.strip().replace("\\", "/")).removeprefix("./")


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", slashed(name)).casefold()


def _some(names: Sequence[str]) -> str:
    """The first few of some names."""
    return ", ".join(name or "(empty)" for name in names[:3]) + (", ..." if len(names) > 3 else "")
