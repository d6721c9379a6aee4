"""Damage a small checkpoint at random, again and again, as someone who signs what he damages: python scripts/fuzz.py

Each case changes config.json, the header of the weights or the graph, and makes config.json promise the result, since
otherwise every case would end at a hash. A child process opens it and makes a picture, with limits of memory and time.
It must end with the picture, finite, or with one of the zoo's errors: a crash, a hang, another exception or a traceback
is a fault, and its case is kept. So is a file that the zoo takes and the packages of its format don't, or read
otherwise. Cases are numbered by their seed, so that each can be run again:

    python scripts/fuzz.py --cases 20000 --checkpoint plugins/zoo_conv_vae/checkpoints/mnist-2d
    python scripts/fuzz.py --first 4711 --cases 1
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from case_runner import CaseRunner
from damage import damage


def open_and_run(folder: Path) -> str:
    """Open a checkpoint and make one small picture with each capability: what a child process does."""
    import numpy as np
    from oracles import check_checkpoint

    from zoo.catalog.registry import Registry
    from zoo.checkpoints.format import read_checkpoint
    from zoo.errors import ZooError
    from zoo.loading import load

    try:
        model = load(f"dir:{folder}", backend="onnx", device="cpu", registry=Registry.discover([]))
        model.backend.limit_threads(1)
        for name in model.interface.roles:
            if name == "decode":
                made = model.decode(np.zeros((1, *(size or 4 for size in model.latent_shape or ())), np.float32))
            else:
                image = model.interface.takes(name)
                size = image.size or (image.multiple, image.multiple)
                pictures = np.full((1, image.channels, *size), 0.5, np.float32)
                made = model.encode(pictures) if name == "encode" else model.translate(pictures)
            if not np.isfinite(made).all():
                return "FAULT: numbers that are not finite"
        check_checkpoint(read_checkpoint(folder, f"dir:{folder}"))
    except ZooError as error:
        if "\n" in str(error) or len(str(error)) > 1000:
            return f"FAULT: an error that is no line: {str(error)[:200]!r}"
        return f"refused: {type(error).__name__}"
    return "works"


def read_files(checkpoint: Path) -> dict[str, bytes]:
    """The files of a checkpoint that are read to run it."""
    names = ["config.json", "model.safetensors", *(path.name for path in sorted(checkpoint.glob("*.onnx")))]
    return {name: (checkpoint / name).read_bytes() for name in names}


def run(checkpoint: Path, first: int, cases: int, keep: Path, report: Callable[[int, str], None]) -> Counter[str]:
    """Run so many cases; those at fault are kept in a folder each."""
    found: Counter[str] = Counter()
    files = read_files(checkpoint)
    with tempfile.TemporaryDirectory(prefix="zoo-fuzz-") as place:
        folder = Path(place)
        runner: CaseRunner | None = None
        for number in range(first, first + cases):
            for name, data in files.items():
                (folder / name).write_bytes(data)
            what = damage(folder, random.Random(number))
            runner = CaseRunner(partial(open_and_run, folder)) if runner is None or runner.ended else runner
            outcome = runner.outcome()
            found[outcome.partition(":")[0] if outcome.startswith("FAULT") else outcome] += 1
            if outcome.startswith("FAULT"):
                report(number, f"{outcome} ({what})")
                shutil.copytree(folder, keep / str(number), dirs_exist_ok=True)
        if runner and not runner.ended:
            runner.close()
    return found


def main() -> None:
    """Run from the command line; exits with 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "plugins" / "zoo_conv_vae" / "checkpoints" / "mnist-2d"
    parser.add_argument("--checkpoint", type=Path, default=default, help="the folder to damage copies of")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first case")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"), help="where cases at fault are kept")
    given = parser.parse_args()
    import zoo.loading  # noqa: F401 (once, for all the children; not the runtime, which starts a thread)

    found = run(given.checkpoint, given.first, given.cases, given.keep, lambda n, said: print(f"case {n}: {said}"))
    for outcome, count in found.most_common():
        print(f"{count:7} {outcome}")
    sys.exit(1 if found["FAULT"] else 0)


if __name__ == "__main__":
    main()
