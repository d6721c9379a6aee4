"""Running a model over picture files, several at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from zoo.errors import DiskError, UsageError, ZooError
from zoo.files import make_folder, refuse_existing
from zoo.inference.expected import has_limits, translated
from zoo.pictures.deep import eight_bits
from zoo.pictures.formats import holds_deep
from zoo.pictures.images import (
    DEFAULT_MAX_PIXELS,
    Picture,
    read_picture,
    side_by_side,
    writable_format,
    write_picture,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.inference.model import Model
    from zoo.jobs.planning import Job


# A picture piped through keeps its format if that holds colours well, else it becomes a PNG.
STREAM_SUFFIXES = {".jpeg", ".png", ".webp", ".tiff", ".bmp"}


@dataclass(frozen=True)
class Options:
    """How pictures are read and written.

    `from_photo` gives a model of drawings the lines of each picture. With `cell`, an outcome has the result, beside its
    input if `side_by_side`, small enough for squares of so many pixels. `strength` is a factor on the colours of a
    colorizer.
    """

    force: bool = False
    side_by_side: bool = False
    from_photo: bool = False
    cell: int | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    quality: int = 95
    strength: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """How one job ended: written, with notes about the input, or with an error.

    `cell` is uint8 (3, S, S), or (3, S, 2 S) with the input on the left, if the options ask for it. `unlike` says that
    the picture is of another kind than those that the model was trained on.
    """

    job: Job
    notes: tuple[str, ...] = ()
    error: Exception | None = None
    cell: NDArray[np.uint8] | None = None
    unlike: bool = False


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
    if job.fault:
        return Outcome(job, error=job.fault)
    try:
        return _translate(model, job, options, stopped)
    except MemoryError:
        return Outcome(job, error=ZooError(f"{job.name}: not enough memory for a picture of this size"))
    except Exception as error:  # a fault of the program is shown by whoever asked, after the other pictures
        return Outcome(job, error=error)


def _translate(model: Model, job: Job, options: Options, stopped: Event) -> Outcome:
    if job.target and job.target.parent.is_dir():  # else the input is missing too, which reading it will say
        writable_format(job.target)
        refuse_existing(job.target, options.force)
    fit = model.interface.fit("translate")
    deep = fit.deep and not options.side_by_side and (job.target is None or holds_deep(job.target))
    channels = channels_read(model, options)
    picture = read_picture(job.source or _standard_input(), channels, options.max_pixels, deep=deep)
    shown, result, unlike = answer_to(model, picture, options, job.candidate)
    cell = _cell((picture, result) if options.side_by_side else (result,), options.cell) if options.cell else None
    if options.side_by_side:
        result = side_by_side(shown, result)
    if not stopped.is_set():
        _write(result, job.target, options)
    return Outcome(job, (*picture.notes, *advice(model, picture, options)), cell=cell, unlike=unlike)


def channels_read(model: Model, options: Options) -> int:
    """The channels that pictures for a model are read with: 1 for gray, 3 for RGB."""
    return 1 if model.interface.takes("translate").channels == 1 and not options.from_photo else 3


def answer_to(model: Model, picture: Picture, options: Options, candidate: int = 0) -> tuple[Picture, Picture, bool]:
    """What the model is shown of a picture, and its answer with the picture's alpha, profile, EXIF and density.

    With them, whether the model was trained on pictures of another kind, so far as it can tell.
    """
    unlike = False
    if options.from_photo:
        shown, made = _from_photo(model, picture)
    else:
        shown, made, unlike = picture, *_answer(model, picture, candidate, options.strength)
    levels = made if made.dtype == np.uint16 else None
    pixels = made if levels is None else eight_bits(levels)
    # The paper of a drawing may be transparent; what is painted between its lines is not.
    alpha = None if model.interface.fit("translate").of_drawings else _alpha(picture, pixels)
    return shown, replace(picture, pixels=pixels, deep=levels, alpha=alpha), unlike


def _alpha(picture: Picture, made: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The picture's alpha, at the size of what was made of it."""
    if picture.alpha is None or picture.alpha.shape == made.shape[:2]:
        return picture.alpha
    return np.asarray(Image.fromarray(picture.alpha).resize(made.shape[1::-1], Image.Resampling.BICUBIC))


def _answer(model: Model, picture: Picture, number: int = 0, strength: float = 1.0) -> tuple[NDArray[Any], bool]:
    """The model's answer (H, W, C) to a picture as it is, or one of several by its number, from 0; uint16 if it is.

    With it, whether the model was trained on pictures of another kind, so far as it can tell.
    """
    levels = picture.pixels if picture.deep is None else picture.deep
    pixels = levels.transpose(2, 0, 1)[None]
    if number:
        answer, unlike = model.candidate(pixels, number, strength=strength), False
    elif has_limits(model):
        answer, unlike = translated(model, pixels, strength)
    else:
        answer, unlike = model.translate(pixels, strength), False
    made: NDArray[Any] = answer[0].transpose(1, 2, 0)
    return made, unlike


def _from_photo(model: Model, picture: Picture) -> tuple[Picture, NDArray[Any]]:
    """The picture beside its lines, and the answer (H, W, C) to these; a model of drawings has a square input."""
    from zoo.pictures.drawings import trace

    square = model.interface.takes("translate").size
    assert square is not None
    lines, (rows, columns) = trace(picture.pixels, square[0])
    size = picture.pixels.shape[1::-1]
    made = _answer(model, Picture(lines[:, :, None]))[0][rows, columns]
    drawn = Image.fromarray(lines[rows, columns]).resize(size, Image.Resampling.BICUBIC)
    shown = side_by_side(picture, Picture(np.asarray(drawn)[:, :, None]))
    return shown, np.asarray(Image.fromarray(made).resize(size, Image.Resampling.BICUBIC))


def advice(model: Model, picture: Picture, options: Options) -> tuple[str, ...]:
    """What to try where a model of drawings was given something else."""
    if not model.interface.fit("translate").of_drawings or options.from_photo:
        return ()
    from zoo.pictures.drawings import is_no_drawing

    looks = is_no_drawing(picture.pixels[:, :, 0])
    return ("this does not look like a line drawing; --from-photo draws its lines first",) if looks else ()


def _cell(pictures: Sequence[Picture], side: int) -> NDArray[np.uint8]:
    """Pictures beside each other, each in the middle of a white square: (3, side, side * len(pictures))."""
    cell = np.full((side, side * len(pictures), 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        pixels = picture.pixels if picture.pixels.shape[2] == 3 else picture.pixels.repeat(3, axis=2)
        image = Image.fromarray(pixels)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        top, left = (side - image.height) // 2, side * number + (side - image.width) // 2
        cell[top : top + image.height, left : left + image.width] = np.asarray(image)
    return cell.transpose(2, 0, 1)


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
    make_folder(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DiskError(f"can't write into the folder {folder}: permission denied")
