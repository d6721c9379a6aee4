"""Builds the data pack `photos` from Debian packages: `python scripts/packs/photos.py OUT [--packages PATH]`.

`photos.csv`, beside this script, says which picture of which package becomes which file. Packages are pinned by hash.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import building
from packages import Package, archive, content
from PIL import Image
from rcc import ResourceFile

from zoo.errors import IntegrityError, UnsafeFileError

INDEX = Path(__file__).with_name("photos.csv")
# In a path of the index, what parts the folder of resource files from the path inside one of them.
RESOURCE = " (Qt resource): "
SHORT_SIDE = 384
QUALITY = 92


PACKAGES = (
    Package(
        "gcompris-qt-data",
        "3.1-2",
        "g/gcompris-qt/gcompris-qt-data_3.1-2_all.deb",
        "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
    ),
    Package(
        "lomiri-wallpapers-16.04",
        "20.04.0-2",
        "l/lomiri-wallpapers/lomiri-wallpapers-16.04_20.04.0-2_all.deb",
        "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
    ),
    Package(
        "lomiri-wallpapers-20.04",
        "20.04.0-2",
        "l/lomiri-wallpapers/lomiri-wallpapers-20.04_20.04.0-2_all.deb",
        "d44e89b8473aafe64a5b678f014862dc31335aaaf18665c544d985d854f1a709",
    ),
    Package(
        "mate-backgrounds",
        "1.26.0-1",
        "m/mate-backgrounds/mate-backgrounds_1.26.0-1_all.deb",
        "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
    ),
    Package(
        "plasma-workspace-wallpapers",
        "4:5.27.5-2",
        "p/plasma-workspace-wallpapers/plasma-workspace-wallpapers_5.27.5-2_all.deb",
        "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
    ),
)


FACTS = """makes OUT/photos: 226 JPEG files, short side at most 384, and photos.csv (11 MB)
  train 203, val 23
The packages are 212 MB. Licence: differs by picture, see photos.csv."""


def build(
    out: Path,
    given: Path | None = None,
    packages: Sequence[Package] = PACKAGES,
    index: Path = INDEX,
    report: building.Report = building.quiet,
) -> building.Built:
    """Make `out/photos`, from the .deb files in `given` or else by apt-get; returns it, and whether it is new.

    A pack that is already complete is left alone. The new one appears whole or not at all. Raises UsageError where
    `out/photos` is something else, NotFoundError, NetworkError or IntegrityError for packages that can't be had or are
    not the pinned ones, UnsafeFileError for a picture that can't be read. `report` is told what is being done.
    """
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pack = out / "photos"
    copy = pack / index.name
    same = copy.is_file() and copy.read_bytes() == index.read_bytes()
    if building.stands(pack, (row["file"] for row in rows), same):
        return pack, False
    with building.whole(pack) as made:
        for package in packages:
            deb = building.obtain(package, given, made.parent, report)
            names = {row["path_in_package"]: row["file"] for row in rows if row["source_package"] == package.label}
            for path, picture in pictures(deb, set(names)):
                shrink(picture, path).save(made / names[path], "JPEG", quality=QUALITY, optimize=True)
        shutil.copyfile(index, made / index.name)
    return pack, True


def pictures(deb: Path, paths: set[str]) -> Iterator[tuple[str, bytes]]:
    """Path and content of each wanted picture, read from the archive without unpacking it to the disk.

    A picture in a resource file has the path `FOLDER (Qt resource): PATH`; any `*.rcc` in FOLDER may hold it.
    """
    missing = set(paths)
    resources = {path.partition(RESOURCE)[0] for path in paths if RESOURCE in path}
    with archive(deb) as stream:
        for member in stream:
            path = PurePosixPath(member.name)
            if path.suffix == ".rcc" and str(path.parent) in resources:
                resource = ResourceFile(content(stream, member), f"{path} of {deb}")
                prefix = f"{path.parent}{RESOURCE}"
                wanted = [inner for inner in resource if prefix + inner in missing]
                yield from ((prefix + inner, resource.read(inner)) for inner in wanted)
                missing.difference_update(prefix + inner for inner in wanted)
            elif str(path) in missing:
                yield str(path), content(stream, member)
                missing.remove(str(path))
    if missing:
        raise IntegrityError(
            f"{deb} has no {min(missing)}: the index names another version; see scripts/packs/README.md"
        )


def shrink(content: bytes, name: str) -> Image.Image:
    """The picture in RGB, its short side at most 384 pixels, never enlarged."""
    try:
        picture = Image.open(io.BytesIO(content)).convert("RGB")
    except OSError as error:
        raise UnsafeFileError(f"Pillow can't read {name}: {error}; it takes a Pillow with JPEG and WebP") from error
    scale = SHORT_SIDE / min(picture.size)
    if scale >= 1:
        return picture
    width, height = (round(side * scale) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the pack; returns the exit code."""
    parser = building.parser("Builds the data pack 'photos': 226 photographs in colour.", PACKAGES, FACTS)
    options = parser.parse_args(arguments)
    return building.run(lambda report: [build(options.out, options.packages, report=report)], options.out)


if __name__ == "__main__":
    sys.exit(main())
