"""A folder of photos by `zoo run --log --skip-existing`, against the same run without them.

pip install latent-zoo && python benchmarks/resumed.py
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from colorize import photos

from zoo import load
from zoo.jobs.answers import Options
from zoo.jobs.logs import Log
from zoo.jobs.planning import plan
from zoo.jobs.running import run_jobs

PHOTOS, SIZE, ROUNDS = 100, (1152, 864), 7


def main() -> None:
    """Print photos a second of both, in turn, the ratio of the times, and what a run that finds all done takes."""
    model = load("colorize")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = plan([str(photos(folder, SIZE, PHOTOS))], str(folder / "out"), "colorize")

        def plain() -> None:
            assert not any(outcome.error for outcome in run_jobs(model, jobs, Options()))

        def logged() -> None:
            with Log(folder / "run.jsonl") as log:
                assert not any(o.error for o in run_jobs(model, jobs, Options(skip_existing=True), log=log))

        def fresh(action: Callable[[], None]) -> float:
            shutil.rmtree(folder / "out", ignore_errors=True)
            (folder / "run.jsonl").unlink(missing_ok=True)
            return _seconds(action)

        fresh(plain)  # opens the session
        pairs = [
            (fresh(logged), fresh(plain)) if number % 2 else (fresh(plain), fresh(logged))[::-1]
            for number in range(ROUNDS)
        ]
        fresh(logged)
        again = _seconds(logged)
    ratios = sorted(ours / other for ours, other in pairs)
    ours, other = (PHOTOS / statistics.median(times) for times in zip(*pairs, strict=True))
    print("| photos a second, 1 megapixel | `--log --skip-existing` | without | time, median ratio | from | to |")
    print("|---|---|---|---|---|---|")
    print(f"| {PHOTOS} photos, {ROUNDS} rounds | {ours:.2f} | {other:.2f} | {statistics.median(ratios):.3f} ", end="")
    print(f"| {ratios[0]:.3f} | {ratios[-1]:.3f} |")
    print(f"\nA run that finds all {PHOTOS} done: {again * 1e3:.0f} ms.")


def _seconds(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
