"""Progress in pictures and megabytes, by a clock that is turned by hand."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import UsageError
from zoo.jobs.pace import Pace
from zoo.jobs.planning import Job
from zoo.jobs.running import Outcome

JOB = Job(Path("a.png"), Path("b.png"))


def test_counts_and_speed() -> None:
    now = [100.0]
    pace = Pace(5, lambda: now[0])
    for outcome in (
        Outcome(JOB, size=3_000_000),
        Outcome(JOB, size=1_000_000),
        Outcome(JOB, skipped=True),
        Outcome(JOB, error=UsageError("no")),
    ):
        pace.count(outcome)
    now[0] = 104.0
    assert pace.summary() == "4 of 5 pictures: 2 done, 1 done before, 1 failed; 0.5 pictures/s, 1.0 MB/s"


def test_a_line_is_due_once_a_minute() -> None:
    now = [0.0]
    pace = Pace(5, lambda: now[0])
    seen = []
    for now[0] in (1.0, 59.0, 61.0, 62.0, 130.0):
        seen.append(pace.is_due())
    assert seen == [False, False, True, False, True]
