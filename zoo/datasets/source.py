"""What a source of pictures is, and which kinds there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from zoo.arrays import Pixels
from zoo.datasets.arrays import open_arrays
from zoo.datasets.files import open_folder, open_zip
from zoo.datasets.pack import open_pack
from zoo.datasets.torchvision_sets import open_torchvision
from zoo.errors import NotFoundError, UsageError


class Source(Protocol):
    """Pictures of one split, by position."""

    def __len__(self) -> int:
        """How many."""

    def picture(self, index: int) -> Pixels:
        """Picture as uint8 (C, H, W), C = 1 or 3 as asked for at opening."""

    def name(self, index: int) -> str:
        """What to call it in a message or table."""

    def labels(self, index: int) -> Mapping[str, str]:
        """What is known about it: its row of the csv index, or `label`, its class; empty where nothing is."""


class Changed:
    """The base of sources that change another's pictures: names and labels stay."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def name(self, index: int) -> str:
        """What the source calls it."""
        return self.source.name(index)

    def labels(self, index: int) -> Mapping[str, str]:
        """What the source knows about it."""
        return self.source.labels(index)


def data_home() -> Path:
    """Where `pack:NAME` looks: `ZOO_DATA`, else `latent-zoo/data` in the user's cache."""
    named = os.environ.get("ZOO_DATA")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "latent-zoo" / "data"


class Kind(NamedTuple):
    """One kind of sources: what follows `kind:`, what opens one split of it, and whether it is somebody's own files."""

    rest: str
    open: Callable[[str, str, int], Source]
    own: bool = False


def _of_path(open_path: Callable[[Path, str, int], Source]) -> Kind:
    """A kind that is named by a path, in which `~` is expanded."""

    def opened(rest: str, split: str, channels: int) -> Source:
        path = Path(rest).expanduser() if rest.startswith(("~/", f"~{os.sep}")) else Path(rest)
        return open_path(path, split, channels)

    return Kind("PATH", opened, own=True)


KINDS: Mapping[str, Kind] = {
    "pack": Kind("NAME", lambda name, *wanted: open_pack(data_home(), name, *wanted)),
    "folder": _of_path(open_folder),
    "zip": _of_path(open_zip),
    "npz": _of_path(open_arrays),
    "torchvision": Kind("NAME", lambda name, *wanted: open_torchvision(data_home() / "torchvision", name, *wanted)),
}


def open_source(source: str, split: str, channels: int = 3) -> Source:
    """Open one split of `pack:NAME`, `folder:PATH`, `zip:PATH`, `npz:PATH` or `torchvision:NAME`.

    `channels` is 1 (gray: luma, Pillow's mode L) or 3 (RGB). docs/data.md says how each kind is laid out and split.
    Raises NotFoundError for a missing file, key or split, or one without pictures; UsageError for an unknown kind of
    source and for a csv or array that is not laid out so; UnsafeFileError for a damaged file.
    """
    kind, _, rest = source.partition(":")
    if kind not in KINDS or not rest:
        *others, last = (f"{name}:{each.rest}" for name, each in KINDS.items())
        raise UsageError(f"data source {source!r}: write {', '.join(others)} or {last}")
    opened = KINDS[kind].open(rest, split, channels)
    if not len(opened):
        raise NotFoundError(f"data source {source} has no pictures in its split {split!r}")
    return opened
