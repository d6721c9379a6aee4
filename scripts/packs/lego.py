"""Builds the data pack `lego` from a clone of the public repository cm-burgos/lego_minifigures_features.

`python scripts/packs/lego.py OUT CLONE`. `lego.csv`, beside this script, says which of its photographs are in the pack,
which figure each shows, which were taken at one moment, and which split each belongs to.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import building
from PIL import Image

from zoo.errors import NotFoundError, UnsafeFileError

INDEX = Path(__file__).with_name("lego.csv")
REPOSITORY = "https://github.com/cm-burgos/lego_minifigures_features"
FACTS = f"""makes OUT/lego: 108 photographs of nine minifigures as JPEG in lego.zip, and lego.csv (2 MB)
  train 89, val 11, test 8; photographs of one moment are in one split
The 13 of harry-potter/0002 are left out: they are those of harry-potter/0001 once more.
Licence: CC BY 4.0, by the repository's README.

made from
  git clone {REPOSITORY}"""


def build(out: Path, clone: Path, index: Path = INDEX, report: building.Report = building.quiet) -> building.Built:
    """Make `out/lego` from the repository at `clone`; returns it, and whether it is new.

    Raises UsageError where `out/lego` is something else, NotFoundError for a folder that is not the repository, and
    UnsafeFileError for a picture that can't be read.
    """
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pack = out / "lego"
    copy = pack / index.name
    if building.stands(pack, ["lego.zip"], same=copy.is_file() and copy.read_bytes() == index.read_bytes()):
        return pack, False
    report(f"packing {len(rows)} photographs")
    with building.whole(pack) as made:
        with zipfile.ZipFile(made / "lego.zip", "w", zipfile.ZIP_STORED) as archive:
            for row in rows:
                # A ZipInfo of its own has no date of today.
                archive.writestr(zipfile.ZipInfo(row["file"]), photograph(clone, row["original_path"]))
        shutil.copyfile(index, made / index.name)
    return pack, True


def photograph(clone: Path, name: str) -> bytes:
    """The bytes of one file of the repository, which is a picture that can be decoded."""
    path = clone / name
    if not path.is_file():
        raise NotFoundError(f"{clone} has no {name}: give the folder of a clone of {REPOSITORY}")
    content = path.read_bytes()
    try:
        Image.open(io.BytesIO(content)).load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnsafeFileError(f"Pillow can't read {path}: {error}; clone the repository again") from error
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.plain_parser(
        "Builds the data pack 'lego': 108 photographs of minifigures.",
        FACTS,
    )
    parser.add_argument("clone", type=Path, metavar="CLONE", help="folder of the cloned repository")
    options = parser.parse_args(arguments)
    return building.run(lambda report: [build(options.out, options.clone, report=report)], options.out)


if __name__ == "__main__":
    sys.exit(main())
