"""A folder that pictures arrive in: which of them have arrived whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from zoo.errors import NotFoundError
from zoo.jobs.planning import Job, plan
from zoo.jobs.running import kept_size

# The size of a file, when it was changed, and which file it is: a rename brings another.
Mark = tuple[int, int, int]


class Arrivals:
    """The jobs of pictures in a folder that have arrived whole and are not done.

    A picture has arrived when two looks in a row find it of one size and time of change. One whose result is there is
    done; one that is done or was given out is given again only when it has changed.
    """

    def __init__(self, folder: str, out: str | None, label: str, recursive: bool = False) -> None:
        self._plan: Callable[[], list[Job]] = lambda: plan([folder], out, label, recursive)
        self._seen: dict[Path, Mark] = {}
        self._known: dict[Path, Mark] = {}

    def look(self) -> list[Job]:
        """What has arrived since the last look. Raises as `plan` does, but not for a folder without pictures."""
        try:
            jobs = self._plan()
        except NotFoundError:
            jobs = []
        seen: dict[Path, Mark] = {}
        arrived = []
        for job in jobs:
            mark = _mark(job)
            if mark is None or not isinstance(job.source, Path):
                continue
            seen[job.source] = mark
            if self._seen.get(job.source) == mark != self._known.get(job.source):
                self._known[job.source] = mark
                if not kept_size(job):
                    arrived.append(job)
        self._seen = seen
        self._known = {path: mark for path, mark in self._known.items() if path in seen}
        return arrived


def arrivals(watched: Arrivals, pause: Callable[[], object], once: bool = False) -> Iterator[Sequence[Job]]:
    """What has arrived, look by look, with a pause between two; `once` ends after what is there now."""
    watched.look()
    while True:
        pause()
        jobs = watched.look()
        if jobs:
            yield jobs
        if once:
            return


def _mark(job: Job) -> Mark | None:
    with suppress(OSError):
        if isinstance(job.source, Path):
            status = job.source.stat()
            return status.st_size, status.st_mtime_ns, status.st_ino
    return None
