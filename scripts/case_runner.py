"""A child process that reads damaged inputs within limits of memory and time: what the fuzzers share."""

from __future__ import annotations

import os
import resource
import select
import signal
from collections.abc import Callable

SECONDS = 20  # of the processor's time for one case
PATIENCE = 600  # seconds on the clock, for a case that waits and computes nothing
CASES_EACH = 250
MEMORY = 1024 * 1024 * 1024


class CaseRunner:
    """A process, forked from this one, that opens one damaged checkpoint after another within limits.

    It is replaced when a case has ended it, and now and then, so that what one case leaves behind ends up with few
    others; what it imports and opens once is shared by many cases.
    """

    def __init__(self, work: Callable[[], str]) -> None:
        self.ran, self.ended = 0, False
        asked, self.ask = os.pipe()
        self.answers, answer = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self.ask)
            _child(work, asked, answer)
        os.close(asked)
        os.close(answer)

    def outcome(self) -> str:
        """What becomes of the input that now lies there; a fault, or the last case, ends the process."""
        os.write(self.ask, b"?")
        said = b""
        while not said.endswith(b"\n"):
            ready, _, _ = select.select([self.answers], [], [], PATIENCE)
            block = os.read(self.answers, 65536) if ready else b""
            if not block:
                return self._death(hangs=not ready)
            said += block
        self.ran += 1
        if said.startswith(b"FAULT") or self.ran >= CASES_EACH:
            self.close()
        return said.decode(errors="replace").rstrip("\n")

    def close(self) -> int:
        """End the process; returns how it ended."""
        os.close(self.ask)
        os.close(self.answers)
        self.ended = True
        return os.waitpid(self.child, 0)[1]

    def _death(self, hangs: bool) -> str:
        if hangs:
            os.kill(self.child, signal.SIGKILL)
        status = self.close()
        if hangs or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF):
            return "FAULT: a hang"
        ending = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"code {os.WEXITSTATUS(status)}"
        return f"FAULT: ended by {ending}"


def _child(work: Callable[[], str], asked: int, answer: int) -> None:
    """Do the work each time a byte arrives, until there are no more, or until one was at fault."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    mapped = 8 * MEMORY  # address space, of which libraries take much that is never used; what counts is ran later
    resource.setrlimit(resource.RLIMIT_AS, (mapped, mapped))
    said = ""
    while os.read(asked, 1):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            said = work()
        except BaseException as error:  # whatever it is, it is a fault
            said = f"FAULT: {type(error).__name__}: {str(error)[:200]}"
        signal.setitimer(signal.ITIMER_PROF, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if peak > MEMORY // 2**20:
            said = f"FAULT: {peak} MiB of memory"
        os.write(answer, " ".join(said.split()).encode(errors="replace") + b"\n")
    os._exit(0)
