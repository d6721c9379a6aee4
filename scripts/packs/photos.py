"""Builds the data pack `photos` from Debian packages: `python scripts/packs/photos.py OUT [--packages FOLDER]`.

`photos.csv`, beside this script, says which picture of which package becomes which file. Packages are pinned by hash.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from PIL import Image
from rcc import ResourceFile

from zoo.errors import DiskError, IntegrityError, NetworkError, NotFoundError, UnsafeFileError, UsageError, ZooError

INDEX = Path(__file__).with_name("photos.csv")
# In a path of the index, what parts the folder of resource files from the path inside one of them.
RESOURCE = " (Qt resource): "
SHORT_SIDE = 384
QUALITY = 92


class Package(NamedTuple):
    """One Debian package: name, version, place under https://deb.debian.org/debian/pool/main/, and hash."""

    name: str
    version: str
    place: str
    sha256: str


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


def build(
    out: Path,
    folder: Path | None = None,
    packages: Sequence[Package] = PACKAGES,
    index: Path = INDEX,
    report: Callable[[str], None] = lambda line: None,
) -> tuple[Path, bool]:
    """Make `out/photos`, from the .deb files in `folder` or else by apt-get; returns it, and whether it is new.

    A pack that is already complete is left alone. The new one appears whole or not at all. Raises UsageError where
    `out/photos` is something else, NotFoundError, NetworkError or IntegrityError for packages that can't be had or are
    not the pinned ones, UnsafeFileError for a picture that can't be read. `report` is told what is being done.
    """
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pack = out / "photos"
    if pack.exists():
        if _complete(pack, rows, index):
            return pack, False
        raise UsageError(f"{pack} exists and is not this pack, or not all of it: move it away, then run this again")
    out.mkdir(parents=True, exist_ok=True)
    # In `out`, so that the finished folder only has to be renamed.
    with tempfile.TemporaryDirectory(prefix=".photos-", dir=out) as temporary:
        made = Path(temporary, "photos")
        made.mkdir()
        for package in packages:
            report(f"reading {_label(package)}")
            deb = find(package, folder) if folder else download(package, Path(temporary))
            names = {row["path_in_package"]: row["file"] for row in rows if row["source_package"] == _label(package)}
            for path, content in pictures(deb, set(names)):
                shrink(content, path).save(made / names[path], "JPEG", quality=QUALITY, optimize=True)
        shutil.copyfile(index, made / index.name)
        made.rename(pack)
    return pack, True


def _label(package: Package) -> str:
    return f"{package.name} {package.version}"


def _complete(pack: Path, rows: Sequence[dict[str, str]], index: Path) -> bool:
    copy = pack / index.name
    same = copy.is_file() and copy.read_bytes() == index.read_bytes()
    return same and all((pack / row["file"]).is_file() for row in rows)


def find(package: Package, folder: Path) -> Path:
    """The package's .deb in `folder`, known by its hash; a name only has to begin with the package's."""
    found = sorted(folder.glob(f"{package.name}_*.deb"))
    for deb in found:
        with deb.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == package.sha256:
                return deb
    if found:
        raise IntegrityError(f"{found[0]} is not {_label(package)}: its hash differs; {_where(package)}")
    raise NotFoundError(f"no {package.name}_*.deb in {folder}; {_where(package)}")


def download(package: Package, folder: Path) -> Path:
    """Get the package into `folder` by apt-get, which knows the mirrors and the keys of Debian."""
    apt = shutil.which("apt-get")
    if apt is None:
        raise NotFoundError(f"no apt-get here: give the folder with the packages by --packages; {_where(package)}")
    command = [apt, "download", f"{package.name}={package.version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("E: ")), "E: no reason given")[3:]
        raise NetworkError(
            f"apt-get can't download {_label(package)} ({reason}): try apt-get update, or use --packages; "
            f"{_where(package)}"
        )
    return find(package, folder)


def _where(package: Package) -> str:
    return f"download https://deb.debian.org/debian/pool/main/{package.place}"


def pictures(deb: Path, paths: set[str]) -> Iterator[tuple[str, bytes]]:
    """Path and content of each wanted picture, read from the archive without unpacking it to the disk.

    A picture in a resource file has the path `FOLDER (Qt resource): PATH`; any `*.rcc` in FOLDER may hold it.
    """
    missing = set(paths)
    resources = {path.partition(RESOURCE)[0] for path in paths if RESOURCE in path}
    with deb.open("rb") as file:
        _seek_data(file, deb)
        # As a stream: decompressed once and never held whole.
        with tarfile.open(fileobj=file, mode="r|*") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if path.suffix == ".rcc" and str(path.parent) in resources:
                    resource = ResourceFile(_content(archive, member), f"{path} of {deb}")
                    prefix = f"{path.parent}{RESOURCE}"
                    wanted = [inner for inner in resource if prefix + inner in missing]
                    yield from ((prefix + inner, resource.read(inner)) for inner in wanted)
                    missing.difference_update(prefix + inner for inner in wanted)
                elif str(path) in missing:
                    yield str(path), _content(archive, member)
                    missing.remove(str(path))
    if missing:
        raise IntegrityError(
            f"{deb} has no {min(missing)}: the index names another version; see scripts/packs/README.md"
        )


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member) if member.isfile() else None
    return file.read() if file else b""


def _seek_data(file: BinaryIO, deb: Path) -> None:
    """Move to the member `data.tar.*` of a .deb, an archive of the kind `ar` makes."""
    if file.read(8) != b"!<arch>\n":
        raise UnsafeFileError(f"{deb} is no Debian package")
    while len(header := file.read(60)) == 60:
        if header.startswith(b"data.tar"):
            return
        size = int(header[48:58])
        # Members begin at even places.
        file.seek(size + size % 2, io.SEEK_CUR)
    raise UnsafeFileError(f"{deb} holds no data.tar")


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
    parser = argparse.ArgumentParser(description="Builds the data pack 'photos' from packages of Debian 12.")
    parser.add_argument("out", type=Path, help="where to make the folder photos, say ~/.cache/latent-zoo/data")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="the .deb files, if there is no apt-get")
    options = parser.parse_args(arguments)
    try:
        pack, new = build(options.out, options.packages, report=lambda line: print(line, file=sys.stderr))
    except ZooError as error:
        return _fail(error)
    except OSError as error:
        return _fail(DiskError(f"{error.filename or options.out}: {error.strerror or error}"))
    except KeyboardInterrupt:
        return 130
    print(f"{pack}: {'built' if new else 'already there'}")
    return 0


def _fail(error: ZooError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
