"""What verbs over many pictures share: the jobs are done, or only said, and what became of them is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.cli.console import echo, error, note, progress, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from zoo.arrays import Pixels
    from zoo.inference.model import Model
    from zoo.jobs.answers import Options
    from zoo.jobs.logs import Log
    from zoo.jobs.planning import Job
    from zoo.jobs.running import Outcome


def do(
    model: Model,
    planned: Sequence[Job],
    options: Options,
    workers: int | None,
    *,
    log: Log | None = None,
    counted: bool = False,
    finish: Callable[[list[Pixels]], object] = lambda cells: None,
) -> int:
    """Do the jobs and say what became of them: results as they come, errors in the end; the first one's exit code.

    `counted` says in the end, and each minute where no terminal shows it, how many are done and how fast. `finish` is
    given the cells of the outcomes, if there are any.
    """
    from zoo.jobs.running import run_jobs

    return tell(model, len(planned), run_jobs(model, planned, options, workers, log), counted=counted, finish=finish)


def tell(
    model: Model,
    count: int,
    outcomes: Iterable[Outcome],
    *,
    counted: bool = False,
    finish: Callable[[list[Pixels]], object] = lambda cells: None,
) -> int:
    """Say what becomes of so many jobs, as `do` does."""
    from zoo.jobs.pace import Pace

    errors: list[Exception] = []
    cells: list[Pixels] = []
    unlike: list[str] = []
    pace = Pace(count)
    try:
        with progress(model.id, count) as bar:
            for outcome in outcomes:
                pace.count(outcome)
                bar.advance()
                bar.say(pace.speed())
                if counted and not bar.bar and pace.is_due():
                    note(pace.summary())
                _say(outcome, errors, cells, unlike)
        if cells:
            finish(cells)
    finally:
        note_unlike(model, unlike, count)
        codes = [report(problem) for problem in errors]
        if counted:
            note(pace.summary())
    if codes and count > 1:
        error(f"{len(codes)} of {count} pictures failed")
    return codes[0] if codes else 0


def _say(outcome: Outcome, errors: list[Exception], cells: list[Pixels], unlike: list[str]) -> None:
    for text in outcome.notes:
        note(f"{outcome.job.name}: {text}")
    if isinstance(outcome.error, BrokenPipeError):
        raise outcome.error
    if outcome.error:
        errors.append(outcome.error)
    elif outcome.job.target and not outcome.skipped:
        echo(outcome.job.target)
    if outcome.cell is not None:
        cells.append(outcome.cell)
    if outcome.unlike:
        unlike.append(outcome.job.name)


def say_plan(planned: Iterable[Job], options: Options) -> int:
    """Say what a run would do, and do none of it; the first error's exit code."""
    from zoo.jobs.foresight import foresee

    counts, codes = {"to do": 0, "done before": 0}, list[int]()
    for outcome in (foresee(job, options) for job in planned):
        if outcome.error:
            codes.append(report(outcome.error))
            continue
        counts["done before" if outcome.skipped else "to do"] += 1
        if not outcome.skipped:
            echo(f"{outcome.job.name} -> {outcome.job.target or 'standard output'}")
    said = ", ".join(f"{count} {words}" for words, count in counts.items())
    note(f"{said}, {len(codes)} that can't be done; nothing was written")
    return codes[0] if codes else 0


def note_unlike(model: Model, names: Sequence[str], count: int) -> None:
    """Say once that pictures, of `count`, are of another kind than those that the model was trained on."""
    if names and model.expects:
        note(model.expects.remark(model.id, tuple(names), count))


def open_log(path: str | None) -> Any:
    """The log that is asked for, as what a `with` takes; None in it where there is none."""
    from contextlib import nullcontext
    from pathlib import Path

    if path is None:
        return nullcontext()
    from zoo.jobs.logs import Log

    return Log(Path(path).expanduser())


def lines_of(manifest: str | None) -> Iterator[str] | None:
    """The lines of a manifest, if there is one."""
    if manifest is None:
        return None
    from zoo.jobs.manifests import manifest_lines

    return manifest_lines(manifest)
