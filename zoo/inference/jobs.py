"""From what a person typed to a list of jobs: which picture is read, and which file is written."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import DiskError, NotFoundError, UsageError
from zoo.inference.images import READ_SUFFIXES, WRITE_SUFFIXES

STREAM = "-"
# A GIF holds 256 colours, too few for a photo.
KEPT_SUFFIXES = set(WRITE_SUFFIXES) - {".gif"}


@dataclass(frozen=True)
class Job:
    """One picture: where it comes from and where the result goes; None is standard input or output."""

    source: Path | None
    target: Path | None

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return str(self.source) if self.source else "standard input"


def plan(inputs: Sequence[str], out: str | None, label: str, recursive: bool = False) -> list[Job]:
    """Jobs for files, folders, glob patterns and `-`.

    Without `out` the result lies beside its input as NAME.LABEL.EXT, and pictures that such a run made are not taken
    from a folder again. `out` is a folder if it ends in a slash, is one, or has to take several pictures; else a file.
    Raises NotFoundError for what is not there or holds no picture, UsageError where two results would be one file or a
    result would replace an input.
    """
    found = [pair for text in inputs for pair in _sources(text, label, recursive)]
    if not found:
        raise UsageError("name at least one picture, folder, or - for standard input")
    jobs = [Job(source, None) for source, _ in found] if out == STREAM else _targets(found, out, label)
    if len(jobs) > 1 and any(job.target is None for job in jobs):
        raise UsageError("standard output takes one picture; name a folder with -o")
    _refuse_clashes(jobs)
    return jobs


def _sources(text: str, label: str, recursive: bool) -> Iterable[tuple[Path | None, Path]]:
    """Each picture a word names, with the path it keeps below an output folder."""
    if text == STREAM:
        return [(None, Path("stdin"))]
    path = Path(text).expanduser()
    if path.is_dir():
        return _folder(path, label, recursive)
    if path.exists() or not glob.has_magic(text):
        return [(path, Path(path.name))]  # a missing file is reported when its turn comes, and stops no other
    matches = [Path(match) for match in sorted(glob.iglob(str(path), recursive=True))]  # noqa: PTH207 (takes absolute patterns, Path.glob does not)
    files = [match for match in matches if match.is_file() and not _made(match, label)]
    if not files:
        raise NotFoundError(f"no file matches {text}")
    return [(match, Path(match.name)) for match in files]


def _folder(folder: Path, label: str, recursive: bool) -> Iterable[tuple[Path, Path]]:
    try:
        paths = sorted(folder.rglob("*") if recursive else folder.iterdir())
    except OSError as error:
        raise DiskError(f"can't list {folder}: {error.strerror}") from error
    files = [path for path in paths if path.suffix.lower() in READ_SUFFIXES and path.is_file()]
    files = [path for path in files if not _made(path, label)]
    if not files:
        hint = "" if recursive else "; --recursive looks into its folders"
        raise NotFoundError(f"no pictures in {folder}{hint}")
    return [(path, path.relative_to(folder)) for path in files]


def _made(path: Path, label: str) -> bool:
    """Whether an earlier run wrote this file beside its input."""
    return path.stem.endswith(f".{label}")


def _targets(found: Sequence[tuple[Path | None, Path]], out: str | None, label: str) -> list[Job]:
    if out is None:
        return [Job(source, _beside(source, label) if source else None) for source, _ in found]
    target = Path(out).expanduser()
    if len(found) == 1 and not out.endswith(("/", os.sep)) and not target.is_dir():
        return [Job(found[0][0], target)]
    return [Job(source, target / relative.with_suffix(_suffix(relative))) for source, relative in found]


def _beside(source: Path, label: str) -> Path:
    return source.with_name(f"{source.stem}.{label}{_suffix(source)}")


def _suffix(path: Path) -> str:
    """The input's suffix where a colour picture can be written so, else PNG."""
    return path.suffix if path.suffix.lower() in KEPT_SUFFIXES else ".png"


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    targets = Counter(_real(job.target) for job in jobs if job.target)
    twice = [path for path, times in targets.items() if times > 1]
    if twice:
        raise UsageError(f"{targets[twice[0]]} inputs would be written to {twice[0]}: run them into separate folders")
    sources = {_real(job.source) for job in jobs if job.source}
    for job in jobs:
        if job.target and _real(job.target) in sources:
            raise UsageError(f"{job.target} is an input and would be overwritten: name another place with -o")


def _real(path: Path) -> str:
    return os.path.realpath(path)
