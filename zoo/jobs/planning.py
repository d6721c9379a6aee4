"""From what a person typed to a list of jobs: which picture is read, and which file is written."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.errors import DiskError, NotFoundError, UsageError, ZooError
from zoo.pictures.files import has_picture_suffix, is_hidden
from zoo.pictures.formats import WRITE_SUFFIXES

STREAM = "-"
# A GIF holds 256 colours, too few for a photo.
KEPT_SUFFIXES = set(WRITE_SUFFIXES) - {".gif"}


@dataclass(frozen=True)
class Job:
    """One picture: where it comes from and where the result goes; None is standard input or output.

    `candidate` is which of several plausible answers is wanted, 0 the usual one.
    A job with a `fault` is not to be done: it fails with that, and the others are done.
    """

    source: Path | None
    target: Path | None
    candidate: int = 0
    fault: ZooError | None = None

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return str(self.source) if self.source else "standard input"


def plan(
    inputs: Sequence[str], out: str | None, label: str, recursive: bool = False, sheet: str | None = None
) -> list[Job]:
    """Jobs for files, folders, glob patterns and `-`.

    Without `out` the result lies beside its input as NAME.LABEL.EXT, and what such a run made is not taken for an input
    again, nor is what lies in the folder `out` or is hidden. `out` is a folder if it ends in a slash, is one, or has no
    suffix; with the suffix of a picture it takes one. A picture that is named twice is done once. `sheet` is a file
    that the run also writes: a folder's picture of that name is no input.

    Jobs whose results would be one file have a fault. Raises NotFoundError for a pattern or folder that holds no
    picture, UsageError where a result would replace an input, DiskError for a folder that can't be listed. A missing
    file is found out later.
    """
    if out == "":
        raise UsageError("the name after -o is empty: name a file or folder, or leave -o out")
    page = _path(sheet) if sheet else None
    results = _Results(label, _path(out) if out and out != STREAM else None, page)
    found = [pair for text in inputs for pair in _sources(text, results, recursive)]
    if not found:
        raise UsageError("name at least one picture, folder, or - for standard input")
    unique: dict[Hashable, Job] = {}
    for job in _targets(found, out, label):
        unique.setdefault((_file(job.source), _file(job.target)), job)
    jobs = list(unique.values())
    if len(jobs) > 1 and any(job.target is None for job in jobs):
        raise UsageError("standard output takes one picture; name a folder with -o")
    _refuse_inputs(jobs)
    jobs = _with_clashes(jobs)
    if page and _file(page) in {_file(path) for job in jobs for path in (job.source, job.target) if path}:
        raise UsageError(f"{page} is an input or a result and can't be the sheet too: give the sheet another name")
    return jobs


def with_candidates(jobs: Sequence[Job], count: int, label: str) -> list[Job]:
    """Each job `count` times, for as many answers: photo.1.colorize.jpg, photo.2.colorize.jpg and so on.

    Results that would be one file have a fault. Raises UsageError for results that go to standard output or replace an
    input.
    """
    if any(job.target is None for job in jobs):
        raise UsageError("standard output takes one picture; name a file or a folder for the candidates with -o")
    several = [
        replace(job, target=_numbered(job.target, number + 1, label), candidate=number)
        for job in jobs
        if job.target
        for number in range(count)
    ]
    _refuse_inputs(several)
    return _with_clashes(several)


def _numbered(target: Path, number: int, label: str) -> Path:
    """The number stands before the label, so that a later run knows the file for a result."""
    stem = target.stem.removesuffix(f".{label}")
    return target.with_name(f"{stem}.{number}{target.stem.removeprefix(stem)}{target.suffix}")


@dataclass(frozen=True)
class _Results:
    """How to tell the results of an earlier run, which are no inputs: by their names, and by the folder they lie in."""

    label: str
    out: Path | None
    sheet: Path | None = None

    def holds(self, path: Path, below: Path) -> bool:
        """Whether `path`, found in the folder `below`, is one. That `out` is `below` itself does not make it one."""
        if path.stem.endswith(f".{self.label}") or (self.sheet and _file(path) == _file(self.sheet)):
            return True
        if self.out is None or not self.out.is_dir() or self.out.samefile(below):
            return False
        parent = path.parent.resolve()
        return self.out.resolve() in (parent, *parent.parents)


def _path(text: str) -> Path:
    """What was typed as a path; a `~` that no shell has seen is expanded, but not in `~backup.jpg`."""
    return Path(text).expanduser() if text.startswith(("~/", f"~{os.sep}")) else Path(text)


def _sources(text: str, results: _Results, recursive: bool) -> Iterable[tuple[Path | None, Path]]:
    """Each picture a word names, with the path it keeps below an output folder."""
    if text == STREAM:
        return [(None, Path("stdin"))]
    if not text:  # else it would be the current folder: a variable of the shell that is not set looks like this
        raise UsageError("a picture's name is empty: name a picture, a folder, or - for standard input")
    path = _path(text)
    if path.is_dir():
        return _folder(path, results, recursive)
    if path.exists() or not glob.has_magic(text):
        return [(path, Path(path.name))]  # a missing file is reported when its turn comes, and stops no other
    return _matches(path, results)


def _matches(pattern: Path, results: _Results) -> Iterable[tuple[Path, Path]]:
    """The files that match. A part of the pattern that is there by that very name, brackets and all, is that."""
    below = Path()
    for part in pattern.parts:
        if glob.has_magic(part) and not (below / part).exists():
            break
        below /= part
    rest = Path(*pattern.parts[len(below.parts) :])
    # Where nothing matches, brackets further on are part of names too.
    for text in (str(rest), re.sub(r"[\[]", "[[]", str(rest))):
        place = Path(glob.escape(str(below))) / text
        paths = [Path(match) for match in sorted(glob.iglob(str(place), recursive=True))]  # noqa: PTH207 (takes absolute patterns, Path.glob does not)
        files = [path for path in paths if path.is_file() and not results.holds(path, below)]
        if files:
            return [(path, path.relative_to(below)) for path in files]
    raise NotFoundError(f"no picture matches {pattern}")


def _folder(folder: Path, results: _Results, recursive: bool) -> Iterable[tuple[Path, Path]]:
    try:
        paths = sorted(folder.rglob("*") if recursive else folder.iterdir())
    except OSError as error:
        raise DiskError(f"can't list {folder}: {error.strerror}") from error
    pairs = [(path, path.relative_to(folder)) for path in paths if has_picture_suffix(path.name)]
    pairs = [
        (path, relative)
        for path, relative in pairs
        if not any(map(is_hidden, relative.parts))  # thumbnails, and what macOS leaves beside files
        and path.is_file()
        and not results.holds(path, folder)
    ]
    if not pairs:
        hint = "" if recursive else "; --recursive looks into its folders"
        raise NotFoundError(f"no pictures in {folder}{hint}")
    return pairs


def _targets(found: Sequence[tuple[Path | None, Path]], out: str | None, label: str) -> list[Job]:
    if out == STREAM:
        return [Job(source, None) for source, _ in found]
    if out is None:
        return [Job(source, _beside(source, label) if source else None) for source, _ in found]
    target = _path(out)
    if target.is_dir() or not target.suffix or out.endswith(("/", os.sep)):
        return [Job(source, target / relative.with_suffix(_suffix(relative))) for source, relative in found]
    if len({_file(source) for source, _ in found}) > 1:
        raise UsageError(f"{out} names one file, but there are {len(found)} inputs: name a folder, {out}/")
    return [Job(found[0][0], target)]


def _beside(source: Path, label: str) -> Path:
    return source.with_name(f"{source.stem}.{label}{_suffix(source)}")


def _suffix(path: Path) -> str:
    """The input's suffix where a colour picture can be written so, else PNG."""
    return path.suffix if path.suffix.lower() in KEPT_SUFFIXES else ".png"


def _refuse_inputs(jobs: Sequence[Job]) -> None:
    sources = {_file(job.source) for job in jobs if job.source}
    for job in jobs:
        if job.target and _file(job.target) in sources:
            raise UsageError(f"{job.target} is an input and would be overwritten: name another place with -o")


def _with_clashes(jobs: Sequence[Job]) -> list[Job]:
    """The jobs, those with one result at fault."""
    by_target: dict[Hashable, list[Job]] = {}
    for job in jobs:
        if job.target:
            by_target.setdefault(_file(job.target), []).append(job)
    faults = {}
    for group in (group for group in by_target.values() if len(group) > 1):
        for job, other in zip(group, [*group[1:], group[0]], strict=True):
            both = f"{job.name} and {other.name} would both be written to {job.target}"
            faults[job] = UsageError(f"{both}: run one of them into another folder")
    return [replace(job, fault=faults.get(job)) for job in jobs]


def _file(path: Path | None) -> Hashable:
    """What tells files apart: through links, and on disks where upper and lower case are one."""
    if path is None:
        return None
    with suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return os.path.realpath(path)
