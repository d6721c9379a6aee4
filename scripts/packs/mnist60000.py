"""Builds the data pack `mnist60000`, all of MNIST, by torchvision's download.

`python scripts/packs/mnist60000.py OUT`
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import building
from arrays import by_torchvision, official_split

VAL = 2000
FACTS = """makes OUT/mnist60000: mnist.npz and README
  images (70000, 28, 28) uint8    labels (70000,) uint8
  train (58000,), val (2000,), test (10000,) int32: positions; test is the official split, val is
  drawn once from the official training split with a fixed seed
torchvision finds the four files in OUT/torchvision/MNIST/raw, or downloads them (12 MB).
Licence: Y. LeCun, C. Cortes, C. Burges; usually cited as CC BY-SA 3.0."""
README = """MNIST: 70,000 handwritten digits of 28x28 pixels, gray, 255 is ink.
Y. LeCun, C. Cortes, C. Burges; usually cited as CC BY-SA 3.0.
"""


def build(out: Path, val: int = VAL, report: building.Report = building.quiet) -> building.Built:
    """Make `out/mnist60000`; returns it, and whether it is new.

    `val` is how many training pictures are held out. Raises UsageError where the pack's place is taken, PluginError or
    NetworkError where torchvision can't bring the set.
    """
    pack = out / "mnist60000"
    if building.stands(pack, ("mnist.npz", "README")):
        return pack, False
    report("getting MNIST (12 MB) by torchvision, unless it is there")
    train, test = by_torchvision("MNIST", out / "torchvision")
    with building.whole(pack) as made:
        official_split(train, test, val).save(made / "mnist.npz")
        (made / "README").write_text(README, encoding="utf-8")
    return pack, True


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.plain_parser("Builds the data pack 'mnist60000': all 70,000 digits of MNIST.", FACTS)
    options = parser.parse_args(arguments)
    return building.run(lambda report: [build(options.out, report=report)], options.out)


if __name__ == "__main__":
    sys.exit(main())
