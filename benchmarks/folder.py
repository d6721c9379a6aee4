"""A folder of photos by `zoo run`'s pipeline, against a plain loop of the same steps one after another.

pip install latent-zoo && python benchmarks/folder.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from colorize import photos

from zoo import load
from zoo.jobs.answers import Options
from zoo.jobs.planning import plan
from zoo.jobs.running import run_jobs
from zoo.pictures.images import read_picture, write_picture

PHOTOS, SIZE, ROUNDS = 100, (1152, 864), 3


def main() -> None:
    """Print photos a second of both, in turn, and the ratio."""
    model, alone = load("colorize"), load("colorize")  # the pipeline settles its own model's threads
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = plan([str(photos(folder, SIZE, PHOTOS))], str(folder / "out"), "colorize")

        def pipeline() -> None:
            assert not any(outcome.error for outcome in run_jobs(model, jobs, Options(force=True)))

        def loop() -> None:
            for job in jobs:
                assert job.source
                assert job.target
                picture = read_picture(job.source, channels=1)
                made = alone.translate(picture.pixels.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
                write_picture(job.target, replace(picture, pixels=made), force=True)

        pairs = [(_rate(pipeline), _rate(loop)) for _ in range(ROUNDS)]
    ours, other = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print("| photos a second, 1 megapixel | pipeline | plain loop | ratio |\n|---|---|---|---|")
    print(f"| {PHOTOS} photos, median of {ROUNDS} | {ours:.1f} | {other:.1f} | {ratio:.2f} |")


def _rate(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return PHOTOS / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
