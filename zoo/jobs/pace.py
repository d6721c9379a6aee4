"""How far a run is, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable

from zoo.jobs.running import Outcome

# Seconds between two lines in the log of a machine without a terminal.
_BETWEEN = 60.0


class Pace:
    """Counts of outcomes, and the time since it was made; `clock` gives seconds."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = self.skipped = self.failed = self.size = 0
        self._clock = clock
        self._began = self._said = clock()

    def count(self, outcome: Outcome) -> None:
        """One more has ended."""
        self.size += outcome.size
        if outcome.error:
            self.failed += 1
        elif outcome.skipped:
            self.skipped += 1
        else:
            self.done += 1

    def speed(self) -> str:
        """Pictures a second, and the megabytes of them that were read."""
        seconds = max(self._clock() - self._began, 1e-9)
        return f"{self.done / seconds:.1f} pictures/s, {self.size / seconds / 1e6:.1f} MB/s"

    def is_due(self) -> bool:
        """Whether it is a minute since this was last true."""
        if self._clock() - self._said < _BETWEEN:
            return False
        self._said = self._clock()
        return True

    def summary(self) -> str:
        """What became of the pictures so far."""
        ended = self.done + self.skipped + self.failed
        counts = f"{self.done} done, {self.skipped} done before, {self.failed} failed"
        return f"{ended} of {self.total} pictures: {counts}; {self.speed()}"
