"""Whole processes, measured: wall time and peak memory, two commands in turn so that both see the same machine."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """One process: seconds from start to end, and the most memory it held, in MiB."""

    seconds: float
    mebibytes: float


def once(command: Sequence[str]) -> Run:
    """Run a command to its end; it must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{said.decode()}")
    return Run(seconds, usage.ru_maxrss / 1024)


def compare(ours: Sequence[str], other: Sequence[str], runs: int) -> tuple[list[Run], list[Run]]:
    """Run both in turn, after one run of each that does not count."""
    once(ours), once(other)
    pairs = [(once(ours), once(other)) for _ in range(runs)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def row(name: str, ours: list[Run], other: list[Run]) -> str:
    """A line of a Markdown table: medians of both, and the median of the ratios pair by pair."""

    def both(what: str, unit: str, digits: int) -> str:
        mine, theirs = ([getattr(run, what) for run in runs] for runs in (ours, other))
        ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
        middle = [f"{statistics.median(values):.{digits}f}" for values in (mine, theirs)]
        return f"{middle[0]} / {middle[1]} {unit} | {ratio:.2f}"

    return f"| {name} | {both('seconds', 's', 2)} | {both('mebibytes', 'MiB', 0)} |"


HEAD = "| ours / other | wall, median | ratio | peak memory, median | ratio |\n|---|---|---|---|---|"


def own_peak() -> float:
    """The most memory this process held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
