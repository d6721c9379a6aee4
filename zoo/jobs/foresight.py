"""What a run would do: nothing is read but names, nothing is written."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import NotFoundError, ZooError
from zoo.files import refuse_existing
from zoo.jobs.answers import Options
from zoo.jobs.planning import Job
from zoo.jobs.running import Outcome, kept_size
from zoo.pictures.images import writable_format


def foresee(job: Job, options: Options) -> Outcome:
    """How a job would end as far as names tell: done, skipped, or with an error."""
    if job.fault:
        return Outcome(job, error=job.fault)
    try:
        kept = kept_size(job) if options.skip_existing else None
        if kept:
            return Outcome(job, skipped=True)
        if isinstance(job.source, Path) and not job.source.exists():
            raise NotFoundError(f"{job.source}: no such file")
        if job.target:
            writable_format(job.target.name)
        if isinstance(job.target, Path) and job.target.parent.is_dir():
            refuse_existing(job.target, options.force or kept == 0)
    except ZooError as error:
        return Outcome(job, error=error)
    return Outcome(job)
