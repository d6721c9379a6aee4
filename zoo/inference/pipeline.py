"""Running a model over picture files, several at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

from zoo.errors import DiskError, UsageError, ZooError
from zoo.inference.images import (
    DEFAULT_MAX_PIXELS,
    Picture,
    read_picture,
    refuse_existing,
    side_by_side,
    writable_format,
    write_picture,
)

if TYPE_CHECKING:
    from zoo.inference.jobs import Job
    from zoo.inference.model import Model


# A picture piped through keeps its format if that holds colours well, else it becomes a PNG.
STREAM_SUFFIXES = {".jpeg", ".png", ".webp", ".tiff", ".bmp"}


@dataclass(frozen=True)
class Options:
    """How pictures are read and written."""

    force: bool = False
    side_by_side: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    quality: int = 95


@dataclass(frozen=True)
class Outcome:
    """How one job ended: written, with notes about the input, or with an error."""

    job: Job
    notes: tuple[str, ...] = ()
    error: Exception | None = None


def run_jobs(model: Model, jobs: Sequence[Job], options: Options, workers: int | None = None) -> Iterator[Outcome]:
    """Translate each job's picture; outcomes come in the order of the jobs, and a bad file stops no other.

    Each worker takes a picture from file to file, so that one is decoded while the network looks at another and a
    third is encoded; no more pictures than workers are in memory. Whoever stops listening early stops the work: what
    is being computed is not written. Raises DiskError, before anything is read, where an output folder can't be made
    or written into.
    """
    for folder in {job.target.parent for job in jobs if job.target and not _is_beside(job)}:
        _make_folder(folder)
    workers = min(workers or min(4, _cores()), len(jobs))
    stopped = Event()
    if workers <= 1:
        yield from (_run(model, job, options, stopped) for job in jobs)
        return
    # One picture on each core costs less than one picture on all of them.
    model.backend.limit_threads(max(1, _cores() // workers))
    with ThreadPoolExecutor(workers, thread_name_prefix="zoo") as pool:
        futures = [pool.submit(_run, model, job, options, stopped) for job in jobs]
        try:
            for future in futures:
                yield future.result()
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(model: Model, job: Job, options: Options, stopped: Event) -> Outcome:
    try:
        return Outcome(job, notes=_translate(model, job, options, stopped))
    except MemoryError:
        return Outcome(job, error=ZooError(f"{job.name}: not enough memory for a picture of this size"))
    except Exception as error:  # a fault of the program is shown by whoever asked, after the other pictures
        return Outcome(job, error=error)


def _translate(model: Model, job: Job, options: Options, stopped: Event) -> tuple[str, ...]:
    if job.target and job.target.parent.is_dir():  # else the input is missing too, which reading it will say
        writable_format(job.target)
        refuse_existing(job.target, options.force)
    _, takes = model.config.capabilities["translate"].takes()
    picture = read_picture(job.source or _standard_input(), 1 if takes.channels == 1 else 3, options.max_pixels)
    made = model.translate(picture.pixels.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
    result = replace(picture, pixels=made)
    if options.side_by_side:
        result = side_by_side(picture, result)
    if not stopped.is_set():
        _write(result, job.target, options)
    return picture.notes


def _standard_input() -> BinaryIO:
    if not sys.stdin or sys.stdin.isatty():
        raise UsageError("no picture comes from standard input: name a file, or pipe one in")
    return sys.stdin.buffer


def _write(result: Picture, target: Path | None, options: Options) -> None:
    if target:
        write_picture(target, result, force=options.force, quality=options.quality)
        return
    if not sys.stdout or sys.stdout.isatty():
        raise UsageError("a picture won't be written to a terminal: name a file with -o, or pipe the output")
    kind = result.format.lower()
    write_picture(
        sys.stdout.buffer, result, format=kind if f".{kind}" in STREAM_SUFFIXES else "png", quality=options.quality
    )


def _is_beside(job: Job) -> bool:
    """Whether the result goes where its input lies; if that folder is missing, so is the input."""
    return bool(job.source and job.target and job.source.parent == job.target.parent)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise DiskError(f"can't make the folder {folder}: a file is in its way") from error
    except OSError as error:
        raise DiskError(f"can't make the folder {folder}: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DiskError(f"can't write into the folder {folder}: permission denied")
