"""From what a person typed to a list of jobs: which picture is read, and where its result goes."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from zoo.errors import UsageError, ZooError
from zoo.jobs.shards import Shard
from zoo.jobs.sources import STREAM, Found, Results, identity, listed, place_of, sources
from zoo.pictures.formats import WRITE_SUFFIXES
from zoo.stores.remote import Place, Remote

# A GIF holds 256 colours, too few for a photo.
KEPT_SUFFIXES = set(WRITE_SUFFIXES) - {".gif"}


@dataclass(frozen=True)
class Job:
    """One picture: where it comes from and where the result goes; None is standard input or output.

    `candidate` is which of several plausible answers is wanted, 0 the usual one.
    A job with a `fault` is not to be done: it fails with that, and the others are done.
    """

    source: Place | None
    target: Place | None
    candidate: int = 0
    fault: ZooError | None = None

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return str(self.source) if self.source else "standard input"


def plan(
    inputs: Sequence[str],
    out: str | None,
    label: str,
    recursive: bool = False,
    sheet: str | None = None,
    *,
    manifest: Iterable[str] | None = None,
    shard: Shard | None = None,
) -> list[Job]:
    """Jobs for files, folders, glob patterns, URLs and `-`, or for the lines of a manifest.

    Without `out` the result lies beside its input as NAME.LABEL.EXT, and what such a run made is not taken for an input
    again, nor is what lies in the folder `out` or is hidden. `out` is a folder if it ends in a slash, is one, or has no
    suffix; with the suffix of a picture it takes one. A picture that is named twice is done once. `sheet` is a file
    that the run also writes: a folder's picture of that name is no input. A manifest's lines are below the one folder
    of `inputs`, if that is named; results in `out` keep the whole path of a line. `shard` leaves out all pictures but
    those of one part, of which there may be none.

    Jobs whose results would be one file have a fault. Raises NotFoundError for a pattern or folder that holds no
    picture, UsageError where a result would replace an input, DiskError for a folder that can't be listed. A missing
    file is found out later.
    """
    if out == "":
        raise UsageError("the name after -o is empty: name a file or folder, or leave -o out")
    page = place_of(sheet) if sheet else None
    results = Results(label, place_of(out) if out and out != STREAM else None, page)
    found = _found(inputs, results, recursive, manifest, shard)
    unique: dict[Hashable, Job] = {}
    for job in _targets(found, out, label, shard):
        unique.setdefault((identity(job.source), identity(job.target)), job)
    jobs = list(unique.values())
    if len(jobs) > 1 and any(job.target is None for job in jobs):
        raise UsageError("standard output takes one picture; name a folder with -o")
    _refuse_inputs(jobs)
    jobs = _with_clashes(jobs)
    if page and identity(page) in {identity(place) for job in jobs for place in (job.source, job.target) if place}:
        raise UsageError(f"{page} is an input or a result and can't be the sheet too: give the sheet another name")
    return jobs


def _found(
    inputs: Sequence[str], results: Results, recursive: bool, manifest: Iterable[str] | None, shard: Shard | None
) -> Sequence[Found]:
    if manifest is None:
        found = [pair for text in inputs for pair in sources(text, results, recursive)]
        if not found:
            raise UsageError("name at least one picture, folder, or - for standard input")
        return [pair for pair in found if shard is None or shard.has(pair[1].as_posix())]
    if len(inputs) > 1 or STREAM in inputs:
        raise UsageError("with --manifest name no picture, or one folder, which its lines are below")
    found = list(listed(manifest, inputs[0] if inputs else None, shard))
    if not found and not shard:
        raise UsageError("the manifest names no picture: it has one on each line")
    return found


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


def _numbered(target: Place, number: int, label: str) -> Place:
    """The number stands before the label, so that a later run knows the file for a result."""
    stem = target.stem.removesuffix(f".{label}")
    return target.with_name(f"{stem}.{number}{target.stem.removeprefix(stem)}{target.suffix}")


def _targets(found: Sequence[Found], out: str | None, label: str, shard: Shard | None) -> list[Job]:
    if out == STREAM:
        return [Job(source, None) for source, _ in found]
    if out is None:
        return [Job(source, _beside(source, label) if source else None) for source, _ in found]
    target = place_of(out)
    if isinstance(target, Remote):
        target.require_writable()
    if (isinstance(target, Path) and target.is_dir()) or not target.suffix or out.endswith(("/", os.sep)):
        return [Job(source, _below(target, relative.with_suffix(_suffix(relative)))) for source, relative in found]
    if shard:
        raise UsageError(f"{out} names one file, and a part of many pictures needs a folder: {out}/")
    if len({identity(source) for source, _ in found}) > 1:
        raise UsageError(f"{out} names one file, but there are {len(found)} inputs: name a folder, {out}/")
    return [Job(found[0][0], target)]


def _below(folder: Place, relative: PurePath) -> Place:
    return folder.below(relative.as_posix()) if isinstance(folder, Remote) else folder / relative


def _beside(source: Place, label: str) -> Place:
    if isinstance(source, Remote):
        source.require_writable()
    return source.with_name(f"{source.stem}.{label}{_suffix(source)}")


def _suffix(place: Place | PurePath) -> str:
    """The input's suffix where a colour picture can be written so, else PNG."""
    return place.suffix if place.suffix.lower() in KEPT_SUFFIXES else ".png"


def _refuse_inputs(jobs: Sequence[Job]) -> None:
    read = {identity(job.source) for job in jobs if job.source}
    for job in jobs:
        if job.target and identity(job.target) in read:
            raise UsageError(f"{job.target} is an input and would be overwritten: name another place with -o")


def _with_clashes(jobs: Sequence[Job]) -> list[Job]:
    """The jobs, those with one result at fault."""
    by_target: dict[Hashable, list[Job]] = {}
    for job in jobs:
        if job.target:
            by_target.setdefault(identity(job.target), []).append(job)
    faults = {}
    for group in (group for group in by_target.values() if len(group) > 1):
        for job, other in zip(group, [*group[1:], group[0]], strict=True):
            both = f"{job.name} and {other.name} would both be written to {job.target}"
            faults[job] = UsageError(f"{both}: run one of them into another folder")
    return [replace(job, fault=faults.get(job)) for job in jobs]
