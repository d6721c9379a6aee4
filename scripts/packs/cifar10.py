"""Builds the data pack `cifar10` by torchvision's download, or `cifar10-jpeg` from JPEG copies of the same pictures.

`python scripts/packs/cifar10.py OUT [--jpeg PATH]`
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import building
import numpy as np
from arrays import Split, by_torchvision, official_split
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import IntegrityError, NetworkError, NotFoundError, PluginError, UnsafeFileError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
# Pictures of each class in the official splits, and how many of all training pictures become `val`.
TRAIN, TEST, VAL = 5000, 1000, 2000
# A JPEG file of 32x32 pixels has 1 or 2 kB.
MOST_BYTES = 2**16
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
FACTS = """makes OUT/cifar10, or with --jpeg OUT/cifar10-jpeg: cifar10.npz and README
  images (60000, 32, 32, 3) uint8    labels (60000,) uint8, 0 airplane to 9 truck
  train (48000,), val (2000,), test (10000,) int32: positions; test is the official split, val is
  drawn once from the official training split with a fixed seed
JPEG copies are not lossless: say so with figures, and don't compare pixel errors on them with papers.
torchvision finds cifar-10-python.tar.gz in OUT/torchvision, if you put it there, or downloads it (170 MB).
Licence: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009), states none."""
README = """CIFAR-10: 60,000 pictures of 32x32 pixels in colour.
A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009)
{source}
Its authors state no licence.
"""


def build(
    out: Path,
    jpeg: Path | None = None,
    counts: tuple[int, int, int] = (TRAIN, TEST, VAL),
    report: building.Report = building.quiet,
) -> building.Built:
    """Make `out/cifar10` by torchvision, or `out/cifar10-jpeg` from a folder or tar; returns it, and whether it is new.

    `counts` are the training and test pictures of each class, and how many of all become `val`. Raises UsageError where
    the pack's place is taken; NotFoundError, UnsafeFileError or IntegrityError for a `jpeg` that is not there, can't be
    read or is not whole; PluginError or NetworkError where torchvision can't bring the set.
    """
    pack = out / ("cifar10-jpeg" if jpeg else "cifar10")
    if building.stands(pack, ("cifar10.npz", "README")):
        return pack, False
    report(f"reading {jpeg}" if jpeg else "getting CIFAR-10 (170 MB) by torchvision, unless it is there")
    train, test = copies(jpeg, counts) if jpeg else official(out / "torchvision")
    source = "From JPEG copies: not lossless." if jpeg else "Lossless, as torchvision reads the official archive."
    with building.whole(pack) as made:
        official_split(train, test, counts[2]).save(made / "cifar10.npz")
        (made / "README").write_text(README.format(source=source), encoding="utf-8")
    return pack, True


def official(root: Path) -> tuple[Split, Split]:
    """Training and test pictures as torchvision reads them below `root`; raises PluginError or NetworkError."""
    try:
        return by_torchvision("CIFAR10", root)
    except PluginError as error:
        raise PluginError(f"{error}, or use --jpeg") from error
    except NetworkError as error:
        raise NetworkError(f"{error}; put cifar-10-python.tar.gz into {root}, or use --jpeg") from error


def copies(path: Path, counts: tuple[int, int, int]) -> tuple[Split, Split]:
    """Training and test pictures from files `train/CLASS/NAME.jpg`, `test/CLASS/NAME.jpg`, by class and name."""
    found: dict[str, list[tuple[int, str, NDArray[np.uint8]]]] = {"train": [], "test": []}
    for place, content in _files(path):
        split, kind, name = place.parts[-3:]
        found[split].append((CLASSES.index(kind), name, _pixels(place, content)))
    parts = []
    for split, wanted in zip(found, counts, strict=False):
        labels = np.array([label for label, _, _ in found[split]], np.uint8)
        each = np.bincount(labels, minlength=len(CLASSES))
        if (each != wanted).any():
            odd = int(np.flatnonzero(each != wanted)[0])
            raise IntegrityError(
                f"{path} has {each[odd]:,} pictures {split}/{CLASSES[odd]}/*.jpg, not {wanted:,}: get all of it again"
            )
        ordered = sorted(found[split], key=lambda one: one[:2])
        parts.append((np.stack([one[2] for one in ordered]), np.array([one[0] for one in ordered], np.uint8)))
    return parts[0], parts[1]


def _files(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path and content of each picture's file in a folder or tar, whatever folders are around them."""
    if path.is_dir():
        for file in sorted(path.rglob("*.jpg")):
            if _belongs(place := PurePosixPath(file.as_posix())) and file.is_file():
                yield place, file.read_bytes()
        return
    if not path.is_file():
        raise NotFoundError(f"no folder or tar {path}: --jpeg takes one with train/CLASS/*.jpg and test/CLASS/*.jpg")
    try:
        with tarfile.open(path, "r|*") as stream:
            for member in stream:
                if not (_belongs(place := PurePosixPath(member.name)) and member.isfile()):
                    continue
                if member.size > MOST_BYTES:
                    raise UnsafeFileError(f"{member.name} of {path} is too large for a picture of {SIDE}x{SIDE}")
                content = stream.extractfile(member)
                assert content is not None  # it is a file
                yield place, content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnsafeFileError(f"{path} is no tar archive, or damaged: {error}; get it again") from error


def _belongs(place: PurePosixPath) -> bool:
    parts = place.parts[-3:]
    return place.suffix == ".jpg" and len(parts) == 3 and parts[0] in ("train", "test") and parts[1] in CLASSES


def _pixels(place: PurePosixPath, content: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
            if picture.size != (SIDE, SIDE):
                raise UnsafeFileError(f"{place} is {picture.width}x{picture.height}, not {SIDE}x{SIDE}")
            return np.asarray(picture.convert("RGB"))
    except UNREADABLE as error:
        raise UnsafeFileError(f"Pillow can't read {place}: {error}; get it again") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.plain_parser(
        "Builds the data pack 'cifar10' or 'cifar10-jpeg': 60,000 small pictures of ten classes.",
        FACTS,
    )
    parser.add_argument("--jpeg", type=Path, metavar="PATH", help="folder or tar of JPEG copies (default: torchvision)")
    options = parser.parse_args(arguments)
    return building.run(lambda report: [build(options.out, options.jpeg, report=report)], options.out)


if __name__ == "__main__":
    sys.exit(main())
