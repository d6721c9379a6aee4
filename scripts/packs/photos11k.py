"""Builds the data pack `photos11k` from public sets of photographs that are already on this disk.

`python scripts/packs/photos11k.py OUT --flowers FOLDER --caltech101 FOLDER ...`. `photos11k.csv.xz`, beside this
script, says which picture of which set becomes which file, its size and its split.
"""

from __future__ import annotations

import csv
import io
import lzma
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from http.client import HTTPException
from itertools import groupby, takewhile
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.error import URLError

import building
from photos11k_sets import SETS, PhotoSet
from PIL import Image

from zoo.errors import NetworkError, NotFoundError, PluginError, UnsafeFileError, UsageError

INDEX = Path(__file__).with_name("photos11k.csv.xz")
TABLE = "photos11k.csv"
COLUMNS = ("file", "zip", "split", "set", "original", "repository", "license")
QUALITY, EFFORT = 76, 4
# What Pillow raises for files that are no picture, broken or far too large.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
FACTS = """makes OUT/photos11k: up to 11,905 WebP files, short side at most 208, in five zips, and photos11k.csv (98 MB)
  train 11,026, val 455, test 424
Sets that are not given are left out. The pictures are found by their names, anywhere in the folder.
Licence: differs by set; models may be trained on all of it, pictures passed on only of
  caltech101, flowers and grocery, with credit. See docs/data.md.

the sets, and where to get them"""


class Entry(NamedTuple):
    """A line of the index: a picture of the pack, its size in pixels, and its path in the repository it came from."""

    file: str
    zip: str
    split: str
    width: int
    height: int
    original: str

    @property
    def set(self) -> str:
        """The name of the set it belongs to."""
        return self.file.rpartition("-")[0]


class Found(NamedTuple):
    """A picture of the pack, and the file it is made from."""

    entry: Entry
    path: Path


def build(
    out: Path, folders: Mapping[str, Path], index: Path = INDEX, report: building.Report = building.quiet
) -> building.Built:
    """Make `out/photos11k` from the folders of the sets, by their names; returns it, and whether it is new.

    A pack of the same pictures is left alone. The new one appears whole or not at all. Raises UsageError where no set
    is given or `out/photos11k` is something else, NotFoundError for a folder that is not there or is not of its set,
    UnsafeFileError for a picture that can't be read. `report` is told what is found and what is left out.
    """
    if not folders:
        raise UsageError("give at least one set, as --flowers FOLDER, or --download; --help lists them all")
    entries = read_index(index)
    found: list[Found] = []
    for name, folder in sorted(folders.items()):
        found += find(SETS[name], folder, [entry for entry in entries if entry.set == name], report)
    if absent := [name for name in SETS if name not in folders]:
        report(f"left out, because not given: {', '.join(absent)}")
    pack, table = out / "photos11k", table_of(found)
    copy = pack / TABLE
    if building.stands(pack, {each.entry.zip for each in found}, copy.is_file() and copy.read_bytes() == table):
        return pack, False
    report(f"packing {len(found):,} pictures")
    with building.whole(pack) as made:
        for name, members in groupby(found, key=lambda each: each.entry.zip):
            store(made / name, members)
        (made / TABLE).write_bytes(table)
    return pack, True


def read_index(path: Path) -> list[Entry]:
    """All lines of the index, in the order of the pack."""
    with lzma.open(path, "rt", newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        return [
            Entry(name, packed, split, int(width), int(height), original)
            for name, packed, split, width, height, original in rows
        ]


def find(photos: PhotoSet, folder: Path, entries: Sequence[Entry], report: building.Report) -> list[Found]:
    """Those pictures of a set that are somewhere in `folder`, in the order of `entries`.

    A picture is known by its name and the shape it has in the pack. Raises NotFoundError where fewer than half are
    there: it is then the folder of another set, or has other names.
    """
    if not folder.is_dir():
        raise NotFoundError(f"no folder {folder} for --{photos.name}")
    files = files_by_name(photos, folder, entries)
    found, missing = [], []
    for entry in entries:
        path = best(photos, PurePosixPath(entry.original), files[photos.name_of(PurePosixPath(entry.original))])
        if path is not None and has_shape(path, entry):
            found.append(Found(entry, path))
        else:
            missing.append(entry.original)
    count = f"{len(found):,} of {len(entries):,} pictures of {photos.name}"
    if 2 * len(found) < len(entries):
        raise NotFoundError(f"{folder} has only {count}, by name and shape; {photos.where}")
    lost = f"; left out {len(missing):,}, not there or of another shape, such as {missing[0]}" if missing else ""
    report(f"found {count}{lost}")
    return found


def files_by_name(photos: PhotoSet, folder: Path, entries: Iterable[Entry]) -> defaultdict[str, list[Path]]:
    """The files in `folder` that have the name of a picture of the set, in alphabetical order for each name."""
    wanted = {photos.name_of(PurePosixPath(entry.original)) for entry in entries}
    files: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if photos.name_of(path) in wanted and path.is_file():
            files[photos.name_of(path)].append(path)
    return files


def best(photos: PhotoSet, original: PurePosixPath, candidates: Iterable[Path]) -> Path | None:
    """The file whose path ends most like the original's, where that is enough to tell pictures apart."""
    wanted = photos.ending(original)

    def shared(path: Path) -> int:
        pairs = zip(wanted, photos.ending(path), strict=False)
        return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))

    path = max(candidates, key=shared, default=None)
    return path if path is not None and shared(path) >= min(photos.parts, len(wanted)) else None


def has_shape(path: Path, entry: Entry) -> bool:
    """Whether a picture, made smaller, can be the one of the pack: large enough, its sides in proportion to a pixel."""
    with opened(path) as picture:
        width, height = picture.size
    stretched = abs(width * entry.height - height * entry.width) > max(width, height)
    return width >= entry.width and height >= entry.height and not stretched


def shrink(path: Path, entry: Entry) -> bytes:
    """The picture as a WebP file in RGB, of the size it has in the pack."""
    with opened(path) as picture:
        try:
            colours = picture.convert("RGB")
        except UNREADABLE as error:
            raise unreadable(path, error) from error
    size = (entry.width, entry.height)
    if colours.size != size:
        colours = colours.resize(size, Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    colours.save(stream, "WEBP", quality=QUALITY, method=EFFORT)
    return stream.getvalue()


def opened(path: Path) -> Image.Image:
    """The picture, of which only the header has been read; raises UnsafeFileError where that can't be done."""
    try:
        return Image.open(path)
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> UnsafeFileError:
    """The error for a file that Pillow takes for no picture, or for a broken one."""
    return UnsafeFileError(f"Pillow can't read {path}: {error}; unpack or download it again")


def store(path: Path, members: Iterable[Found]) -> None:
    """A zip of pictures, stored as they are so that each can be read alone."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member in members:
            # A ZipInfo of its own has no date of today.
            archive.writestr(zipfile.ZipInfo(member.entry.file), shrink(member.path, member.entry))


def table_of(found: Iterable[Found]) -> bytes:
    """The content of photos11k.csv."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for entry, _ in found:
        photos = SETS[entry.set]
        table.writerow(
            [entry.file, entry.zip, entry.split, entry.set, entry.original, photos.repository, photos.license]
        )
    return text.getvalue().encode()


def download_caltech101(root: Path, report: building.Report) -> Path:
    """Caltech-101 in `root`, downloaded by torchvision unless it is there; raises PluginError or NetworkError."""
    try:
        from torchvision.datasets import Caltech101
    except ImportError as error:
        raise PluginError("--download needs torchvision: pip install 'latent-zoo[train]'") from error
    report("getting Caltech-101 (about 140 MB) by torchvision, unless it is there")
    try:
        return Path(Caltech101(root, download=True).root)
    except (URLError, HTTPException, ConnectionError, TimeoutError, RuntimeError) as error:
        raise NetworkError(
            f"torchvision can't download Caltech-101: {error}; unpack {SETS['caltech101'].home} and use --caltech101"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    homes = "\n".join(f"  {each.name}\n    {each.home}" for each in SETS.values())
    parser = building.plain_parser(
        "Builds the data pack 'photos11k': up to 11,905 photographs in colour, of 13 public sets.",
        f"{FACTS}\n{homes}",
    )
    either = parser.add_mutually_exclusive_group()
    for name in SETS:
        group = either if name == "caltech101" else parser
        group.add_argument(f"--{name}", type=Path, metavar="FOLDER", help=f"the unpacked set {name}")
    either.add_argument(
        "--download", action="store_true", help="download Caltech-101 by torchvision, to OUT/torchvision"
    )
    options = parser.parse_args(arguments)

    def built(report: building.Report) -> list[building.Built]:
        folders = {name: folder for name in SETS if (folder := getattr(options, name)) is not None}
        if options.download:
            folders["caltech101"] = download_caltech101(options.out / "torchvision", report)
        return [build(options.out, folders, report=report)]

    return building.run(built, options.out)


if __name__ == "__main__":
    sys.exit(main())
