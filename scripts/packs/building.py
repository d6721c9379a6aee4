"""What every script here does alike: a folder that appears whole or not at all, and the command around it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from packages import Package, download, find

from zoo.errors import DiskError, UsageError, ZooError

# Told what is being done, one line at a time.
Report = Callable[[str], None]
# The folder that was made, and whether it is new.
Built = tuple[Path, bool]


def quiet(line: str) -> None:
    """A report that goes nowhere."""


def stands(pack: Path, files: Iterable[str], same: bool = True) -> bool:
    """Whether `pack` is there with all its files; raises UsageError where something else has its place."""
    if not pack.exists():
        return False
    if same and all((pack / name).is_file() for name in files):
        return True
    raise UsageError(f"{pack} exists and is not this pack, or not all of it: move it away, then run this again")


@contextmanager
def whole(pack: Path) -> Iterator[Path]:
    """A folder to fill, which then becomes `pack`; after an error nothing of it is left.

    Beside it, in its parent, is room for what is only needed on the way.
    """
    # On the same disk, so that the finished folder only has to be renamed.
    with room(pack.parent) as temporary:
        made = temporary / pack.name
        made.mkdir()
        yield made
        made.rename(pack)


@contextmanager
def room(folder: Path) -> Iterator[Path]:
    """A folder in `folder` that is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as temporary:
        yield Path(temporary)


def obtain(package: Package, given: Path | None, folder: Path, report: Report) -> Path:
    """The package's file: at or in `given`, or else downloaded into `folder`."""
    report(f"reading {package.label}")
    return find(package, given) if given else download(package, folder)


def plain_parser(description: str, facts: str) -> argparse.ArgumentParser:
    """The option of every script, OUT; `facts` are below it in the help."""
    made = argparse.ArgumentParser(
        description=description, epilog=facts, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("out", type=Path, metavar="OUT", help="folder of the packs, say ~/.cache/latent-zoo/data")
    return made


def parser(description: str, packages: Sequence[Package], facts: str) -> argparse.ArgumentParser:
    """The options of scripts that take packages; `facts` are below them in the help."""
    sources = "\n".join(f"  {package.label}\n    {package.registry.root}{package.place}" for package in packages)
    clients = " and ".join(sorted({package.registry.client for package in packages}))
    made = plain_parser(description, f"{facts}\n\nmade from\n{sources}")
    made.add_argument(
        "--packages",
        type=Path,
        metavar="PATH",
        help=f"the package, or a folder with it, already on this disk (default: downloaded by {clients})",
    )
    return made


def run(build: Callable[[Report], Iterable[Built]], out: Path) -> int:
    """Build and say so; trouble becomes one line. Returns the exit code."""
    try:
        for pack, new in build(_say):
            print(f"{pack}: {'built' if new else 'already there'}")
    except ZooError as error:
        return _fail(error)
    except OSError as error:
        return _fail(DiskError(f"{error.filename or out}: {error.strerror or error}"))
    except KeyboardInterrupt:
        return 130
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _fail(error: ZooError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code
