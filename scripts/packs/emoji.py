"""Builds the data pack `emoji` from the npm package `@lobehub/fluent-emoji-3d`.

`python scripts/packs/emoji.py OUT [--packages PATH]`. `emoji.csv`, beside this script, says which emoji are in it, what
they are called and which split each belongs to.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import building
from licences import mit
from packages import NPM, Package, archive, content
from PIL import Image

from zoo.errors import IntegrityError, UnsafeFileError

INDEX = Path(__file__).with_name("emoji.csv")
PACKAGE = Package(
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "@lobehub/fluent-emoji-3d/-/fluent-emoji-3d-1.1.0.tgz",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    NPM,
)
COPYRIGHT = "Copyright (c) Microsoft Corporation."
SIDE = 256
QUALITY, EFFORT = 95, 5
WHITE = (255, 255, 255, 255)
FACTS = """makes OUT/emoji: 1,456 WebP files of 256x256 on white, emoji.csv and LICENSE (8 MB)
  train 1,294, val 162; near copies of one emoji are in one split
Flags and skin tones are left out.
Licence: MIT (art by Microsoft, packed by LobeHub)."""


def build(
    out: Path,
    given: Path | None = None,
    package: Package = PACKAGE,
    index: Path = INDEX,
    report: building.Report = building.quiet,
) -> building.Built:
    """Make `out/emoji` from the .tgz at or in `given`, or else by npm; returns it, and whether it is new.

    Raises UsageError where `out/emoji` is something else; NotFoundError, NetworkError or IntegrityError for a package
    that can't be had or is not the pinned one; UnsafeFileError for a picture that can't be read.
    """
    with index.open(newline="", encoding="utf-8") as file:
        names = {f"package/assets/{row['codepoints']}.webp": row["file"] for row in csv.DictReader(file)}
    pack = out / "emoji"
    copy = pack / index.name
    if building.stands(pack, names.values(), same=copy.is_file() and copy.read_bytes() == index.read_bytes()):
        return pack, False
    with building.whole(pack) as made:
        tgz = building.obtain(package, given, made.parent, report)
        report(f"drawing {len(names)} emoji, which takes a minute")
        draw(tgz, names, made)
        shutil.copyfile(index, made / index.name)
        (made / "LICENSE").write_text(mit(COPYRIGHT))
    return pack, True


def draw(tgz: Path, names: dict[str, str], folder: Path) -> None:
    """Write each emoji of the package (keys) to its file in `folder` (values)."""
    missing = set(names)
    with archive(tgz) as stream:
        for member in stream:
            if member.name in missing:
                target = folder / names[member.name]
                target.parent.mkdir(exist_ok=True)
                picture = on_white(content(stream, member), member.name)
                picture.save(target, "WEBP", quality=QUALITY, method=EFFORT)
                missing.remove(member.name)
    if missing:
        raise IntegrityError(f"{tgz} has no {min(missing)}: the index names another version")


def on_white(picture: bytes, name: str) -> Image.Image:
    """The picture in RGB, 256x256, on white; a larger one is made smaller first, keeping its shape."""
    try:
        emoji = Image.open(io.BytesIO(picture)).convert("RGBA")
    except OSError as error:
        raise UnsafeFileError(f"Pillow can't read {name}: {error}; it takes a Pillow with WebP") from error
    emoji.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", (SIDE, SIDE), WHITE)
    ground.alpha_composite(emoji, ((SIDE - emoji.width) // 2, (SIDE - emoji.height) // 2))
    return ground.convert("RGB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.parser("Builds the data pack 'emoji': 1,456 emoji with depth and shade.", [PACKAGE], FACTS)
    options = parser.parse_args(arguments)
    return building.run(lambda report: [build(options.out, options.packages, report=report)], options.out)


if __name__ == "__main__":
    sys.exit(main())
