"""What the words of a command line mean: pictures, each with the path that its result keeps below a folder."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from zoo.errors import DiskError, NotFoundError, UsageError
from zoo.jobs.shards import Shard
from zoo.pictures.files import any_hidden, has_picture_suffix, is_hidden
from zoo.stores.remote import Place, Remote, is_url, remote

STREAM = "-"
# A picture, None for standard input, and the path that its result keeps.
Found = tuple[Place | None, PurePath]


@dataclass(frozen=True)
class Results:
    """How to tell the results of an earlier run, which are no inputs: by their names, and by the folder they lie in."""

    label: str
    out: Place | None
    sheet: Place | None = None

    def holds(self, place: Place, below: Place) -> bool:
        """Whether `place`, found in the folder `below`, is one. That `out` is `below` itself does not make it one."""
        if place.stem.endswith(f".{self.label}") or (self.sheet and identity(place) == identity(self.sheet)):
            return True
        if isinstance(place, Remote) or isinstance(below, Remote):
            return self._holds_remote(str(place), str(below))
        if not isinstance(self.out, Path) or not self.out.is_dir() or self.out.samefile(below):
            return False
        parent = place.parent.resolve()
        return self.out.resolve() in (parent, *parent.parents)

    def _holds_remote(self, place: str, below: str) -> bool:
        out = f"{str(self.out).rstrip('/')}/"
        return isinstance(self.out, Remote) and out != f"{below.rstrip('/')}/" and place.startswith(out)


def place_of(text: str) -> Place:
    """What was typed as a place; a `~` that no shell has seen is expanded, but not in `~backup.jpg`."""
    if is_url(text):
        return remote(text)
    return Path(text).expanduser() if text.startswith(("~/", f"~{os.sep}")) else Path(text)


def sources(text: str, results: Results, recursive: bool) -> Iterable[Found]:
    """Each picture that a word names: a file, folder, pattern, URL, or `-`.

    Raises NotFoundError for a pattern or folder that holds no picture, UsageError for an empty word, DiskError for a
    folder that can't be listed, and what a store raises. A missing file is found out later.
    """
    if text == STREAM:
        return [(None, Path("stdin"))]
    if not text:  # else it would be the current folder: a variable of the shell that is not set looks like this
        raise UsageError("a picture's name is empty: name a picture, a folder, or - for standard input")
    place = place_of(text)
    if isinstance(place, Remote):
        return _stored(place, results, recursive)
    if place.is_dir():
        return _folder(place, results, recursive)
    if place.exists() or not glob.has_magic(text):
        return [(place, Path(place.name))]  # a missing file is reported when its turn comes, and stops no other
    return _matches(place, results)


def listed(lines: Iterable[str], folder: str | None, shard: Shard | None = None) -> Iterable[Found]:
    """The pictures of a manifest, one a line, which keep their whole path; blank lines are passed over.

    With a `folder`, a line is a path below it, and what a line repeats of the folder is not kept. With a `shard`, lines
    of other parts are passed over. Raises UsageError for a line that leads out of where results go.
    """
    base = place_of(folder) if folder else None
    head = f"{str(base).rstrip('/')}/" if base else ""
    for number, text in enumerate(lines, 1):
        line = text.rstrip("\r\n")
        if not line.strip():
            continue
        inner = line.removeprefix(head)
        alone = remote(inner) if is_url(inner) else None
        kept = str(alone.path) if alone else inner
        parts = [part for part in kept.replace(os.sep, "/").split("/") if part not in ("", ".")]
        if ".." in parts or not parts:
            raise UsageError(f"line {number} of the manifest, {line}: a picture's path may not have .. in it")
        kept = "/".join(parts)
        if shard is None or shard.has(kept):
            place = base.below(inner) if isinstance(base, Remote) else Path(base or "") / inner
            yield alone or place, PurePosixPath(kept)


def identity(place: Place | None) -> Hashable:
    """What tells files apart: through links, and on disks where upper and lower case are one."""
    if place is None:
        return None
    if isinstance(place, Remote):
        return str(place)
    with suppress(OSError):
        status = place.stat()
        return status.st_dev, status.st_ino
    return os.path.realpath(place)


def _stored(place: Remote, results: Results, recursive: bool) -> Sequence[Found]:
    """The pictures at a URL: one, those that match a pattern, or those of a folder."""
    if not place.lists:
        return [(place, PurePosixPath(place.name or "picture"))]
    head = place.url.removesuffix(place.archive)
    if glob.has_magic(head):
        fixed = re.split(r"[*?\[]", head, maxsplit=1)[0].rpartition("/")[0]
        below = Remote(f"{fixed}/{place.archive}")
        start = len(below.path.parts)
        pairs = [
            (found, PurePosixPath(*found.path.parts[start:]))
            for found in place.matches()
            if not results.holds(found, below)
        ]
        if not pairs:
            raise NotFoundError(f"no picture matches {place}")
        return pairs
    if not head.endswith("/") and has_picture_suffix(place.name):
        return [(place, PurePosixPath(place.name))]
    pairs = [
        (found, kept)
        for found, kept in place.files(recursive)
        if has_picture_suffix(kept.name) and not any_hidden(str(kept)) and not results.holds(found, place)
    ]
    return pairs or _none_in(place, recursive)


def _matches(pattern: Path, results: Results) -> Sequence[Found]:
    """The files that match. A part of the pattern that is there by that very name, brackets and all, is that."""
    below = Path()
    for part in pattern.parts:
        if glob.has_magic(part) and not (below / part).exists():
            break
        below /= part
    rest = Path(*pattern.parts[len(below.parts) :])
    # Where nothing matches, brackets further on are part of names too.
    for text in (str(rest), re.sub(r"[\[]", "[[]", str(rest))):
        place = Path(glob.escape(str(below))) / text
        paths = [Path(match) for match in sorted(glob.iglob(str(place), recursive=True))]  # noqa: PTH207 (takes absolute patterns, Path.glob does not)
        files = [path for path in paths if path.is_file() and not results.holds(path, below)]
        if files:
            return [(path, path.relative_to(below)) for path in files]
    raise NotFoundError(f"no picture matches {pattern}")


def _folder(folder: Path, results: Results, recursive: bool) -> Sequence[Found]:
    try:
        paths = sorted(folder.rglob("*") if recursive else folder.iterdir())
    except OSError as error:
        raise DiskError(f"can't list {folder}: {error.strerror}") from error
    pairs = [(path, path.relative_to(folder)) for path in paths if has_picture_suffix(path.name)]
    found: list[Found] = [
        (path, relative)
        for path, relative in pairs
        if not any(map(is_hidden, relative.parts))  # thumbnails, and what macOS leaves beside files
        and path.is_file()
        and not results.holds(path, folder)
    ]
    return found or _none_in(folder, recursive)


def _none_in(folder: Place, recursive: bool) -> Sequence[Found]:
    hint = "" if recursive else "; --recursive looks into its folders"
    raise NotFoundError(f"no pictures in {folder}{hint}")
