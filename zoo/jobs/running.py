"""Running a model over pictures, several at a time, wherever they lie."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

from zoo.errors import DiskError, UsageError, ZooError
from zoo.files import make_folder, refuse_existing, remove_leftovers, write_whole
from zoo.jobs.answers import Options, make
from zoo.pictures.images import writable_format
from zoo.stores.remote import Remote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.inference.model import Model
    from zoo.jobs.logs import Log
    from zoo.jobs.planning import Job

# Pictures that are begun while an earlier one is not done, for each worker: a large one holds up few small ones.
_AHEAD = 4


@dataclass(frozen=True)
class Outcome:
    """How one job ended: written, with notes about the input, or with an error, or `skipped` as done before.

    `cell` is uint8 (3, S, S), or (3, S, 2 S) with the input on the left, if the options ask for it. `unlike` says that
    the picture is of another kind than those that the model was trained on. `size` is the bytes that were read,
    `sha256` that of the result's file, "" unless it was written and is to be logged.
    """

    job: Job
    notes: tuple[str, ...] = ()
    error: Exception | None = None
    cell: NDArray[np.uint8] | None = None
    unlike: bool = False
    skipped: bool = False
    size: int = 0
    sha256: str = ""


def run_jobs(
    model: Model, jobs: Sequence[Job], options: Options, workers: int | None = None, log: Log | None = None
) -> Iterator[Outcome]:
    """Translate each job's picture; outcomes come in the order of the jobs, and a bad file stops no other.

    Each worker takes a picture from file to file, so that one is decoded while the network looks at another and a
    third is encoded; no more pictures than workers are in memory. Whoever stops listening early stops the work: what
    is being computed is not written. What is written has its line in the `log` at once. Raises DiskError, before
    anything is read, where an output folder can't be made or written into, and where the log can't be written.
    """
    for folder in {job.target.parent for job in jobs if isinstance(job.target, Path) and not _is_beside(job)}:
        _make_folder(folder)
    if options.skip_existing:  # here, because a run that finds all done writes nothing, and so would remove nothing
        for folder in {job.target.parent for job in jobs if isinstance(job.target, Path)}:
            remove_leftovers(folder)
    workers = min(workers or min(4, cores()), len(jobs))
    stopped = Event()
    if workers <= 1:
        yield from (_run(model, job, options, stopped, log) for job in jobs)
        return
    # One picture on each core costs less than one picture on all of them.
    model.backend.limit_threads(max(1, cores() // workers))
    with ThreadPoolExecutor(workers, thread_name_prefix="zoo") as pool:
        begun = (pool.submit(_run, model, job, options, stopped, log) for job in jobs)
        try:
            yield from _in_order(begun, workers * _AHEAD)
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _in_order(begun: Iterable[Future[Outcome]], ahead: int) -> Iterator[Outcome]:
    """What futures become, no more than so many of which are begun and not yet given on."""
    waiting = deque[Future[Outcome]]()
    for future in begun:
        waiting.append(future)
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(model: Model, job: Job, options: Options, stopped: Event, log: Log | None) -> Outcome:
    began = time.perf_counter()
    outcome = _outcome(model, job, options, stopped, log)
    if log and not stopped.is_set() and (outcome.sha256 or outcome.error):
        log.add(job, outcome.sha256, time.perf_counter() - began, outcome.error)
    return outcome


def _outcome(model: Model, job: Job, options: Options, stopped: Event, log: Log | None) -> Outcome:
    if job.fault:
        return Outcome(job, error=job.fault)
    try:
        kept = kept_size(job) if options.skip_existing else None
        if kept:
            logged = not log or log.has(job)
            return Outcome(job, skipped=True, sha256="" if logged else _hash(_bytes_of(job.target)))
        # An empty file is the name that a killed run had reserved, where the disk has no hard links.
        return _translate(model, job, options, stopped, hashed=log is not None, force=options.force or kept == 0)
    except MemoryError:
        return Outcome(job, error=ZooError(f"{job.name}: not enough memory for a picture of this size"))
    except Exception as error:  # a fault of the program is shown by whoever asked, after the other pictures
        return Outcome(job, error=error)


def kept_size(job: Job) -> int | None:
    """The bytes of a job's result, if it is there already. Raises what the store raises."""
    if isinstance(job.target, Remote):
        return job.target.stat()
    return job.target.stat().st_size if job.target and job.target.is_file() else None


def _translate(model: Model, job: Job, options: Options, stopped: Event, *, hashed: bool, force: bool) -> Outcome:
    if isinstance(job.target, Path) and job.target.parent.is_dir():  # else the input is missing too, as reading says
        refuse_existing(job.target, force)
    kind = writable_format(job.target.name) if job.target else None
    source = job.source.read() if isinstance(job.source, Remote) else job.source or _standard_input()
    made = make(model, source, kind, options, job.candidate, name=job.name, target=str(job.target or "the stream"))
    if stopped.is_set():
        return Outcome(job, made.notes, cell=made.cell, unlike=made.unlike)
    _write(made.data, job, force)
    sha256 = _hash(made.data) if hashed else ""
    return Outcome(job, made.notes, None, made.cell, made.unlike, size=_size(source), sha256=sha256)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bytes_of(place: Path | Remote | None) -> bytes:
    assert place
    return place.read() if isinstance(place, Remote) else place.read_bytes()


def _size(source: Path | bytes | BinaryIO) -> int:
    if isinstance(source, Path):
        return source.stat().st_size
    return len(source) if isinstance(source, bytes) else 0


def _standard_input() -> BinaryIO:
    if not sys.stdin or sys.stdin.isatty():
        raise UsageError("no picture comes from standard input: name a file, or pipe one in")
    return sys.stdin.buffer


def _write(data: bytes, job: Job, force: bool) -> None:
    if isinstance(job.target, Remote):
        job.target.write(data, force)
    elif job.target:
        refuse_existing(job.target, force)
        write_whole(job.target, data, force)
    else:
        _print(data)


def _print(data: bytes) -> None:
    if not sys.stdout or sys.stdout.isatty():
        raise UsageError("a picture won't be written to a terminal: name a file with -o, or pipe the output")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever reads has enough: the command line knows what to do
        raise
    except OSError as error:
        raise DiskError(f"the picture can't be written to the stream: {error.strerror}") from error


def _is_beside(job: Job) -> bool:
    """Whether the result goes where its input lies; if that folder is missing, so is the input."""
    return isinstance(job.source, Path) and isinstance(job.target, Path) and job.source.parent == job.target.parent


def _make_folder(folder: Path) -> None:
    make_folder(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DiskError(f"can't write into the folder {folder}: permission denied")
