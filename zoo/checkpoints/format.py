"""A checkpoint's folder, read strictly: config.json, model.safetensors and its graphs.

Everything is read into memory once, and the bytes that were hashed are the bytes that run: a file that changes later
changes nothing, and one that shrinks can't kill the process, as it would under a memory map. Files that config.json
does not name (pictures, code) are never opened, but for README.md, the card, and expects.json, a hint.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.catalog.expects import MAX_EXPECTS_BYTES, Expects, format_expects, parse_expects
from zoo.catalog.spec import MAX_CONFIG_BYTES, CheckpointConfig, format_config, parse_config
from zoo.checkpoints.eight_bits import check_scales, multiplied
from zoo.checkpoints.onnx.file import MAX_GRAPH_BYTES, WEIGHTS_FILE, Graph
from zoo.checkpoints.onnx.graphs import check_graph
from zoo.checkpoints.safetensors_header import FLOATS, TensorInfo, read_header
from zoo.errors import DiskError, IntegrityError, NotFoundError, UnsafeFileError, UnsupportedCapability, UsageError
from zoo.files import read_regular, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from zoo.catalog.interface import RoleName

CONFIG_FILE = "config.json"
# A hint that a checkpoint may lack: which pictures the model expects.
EXPECTS_FILE = "expects.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
GET_AGAIN = "get the checkpoint again"

# What people put where weights should be -> how their bytes begin.
_FOREIGN = {
    "a pickle file, which can run code: refused": (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
    "a zip archive, as PyTorch writes around pickles: refused": (b"PK\x03\x04",),
    "a Git LFS pointer; fetch the real file with `git lfs pull`": (b"version https://git-lfs",),
    "a web page; the download went wrong, get the checkpoint again": (b"<!doctype html", b"<html"),
    "a gzip archive: unpack it": (b"\x1f\x8b",),
    "an HDF5 file: refused": (b"\x89HDF",),
}


@dataclass(frozen=True)
class Checkpoint:
    """A model at rest, read and verified; `origin` is its name in messages, `config_sha256` the hash of config.json.

    `name` is how it was named where its id would not be found (`dir:PATH`, `hub:ORG/NAME`), quoted for a command line.

    By file name, `graphs` are the bytes of each graph and `plans` what was read in them; `tensors` says where in
    `weights`, the whole weights file, each tensor lies.
    """

    folder: Path
    origin: str
    config: CheckpointConfig
    weights: bytes = field(repr=False)
    graphs: Mapping[str, bytes] = field(repr=False)
    tensors: Mapping[str, TensorInfo] = field(repr=False)
    plans: Mapping[str, Graph] = field(repr=False)
    config_sha256: str = ""
    name: str = ""
    expects: Expects | None = None

    def arrays(self) -> dict[str, NDArray[np.floating]]:
        """Every weight by name, read-only views on the bytes, in the type they are stored in; int8 ones as the float32
        numbers that they stand for, with their scales.
        """
        return multiplied(self._stored())

    def require_finite(self) -> None:
        """Raise UnsafeFileError, naming the tensor, for weights that hold NaN or infinity."""
        import numpy as np

        for name, array in self._stored().items():
            if not np.isfinite(array).all():
                raise UnsafeFileError(
                    f"{self.origin}: tensor {name} holds NaN or infinity: {GET_AGAIN}, or train the model again"
                )

    def _stored(self) -> dict[str, NDArray[np.floating]]:
        """Every tensor of the weights file, in its own type."""
        import numpy as np

        arrays = {}
        for name, info in self.tensors.items():
            dtype = np.dtype(info.dtype).newbyteorder("<")
            flat = np.frombuffer(self.weights, dtype, math.prod(info.shape), info.offset)
            arrays[name] = flat.reshape(info.shape)
        return arrays

    def graph(self, role: RoleName) -> tuple[bytes, Graph]:
        """The graph of a role as bytes, and what was read in them.

        Raises UnsupportedCapability if the checkpoint has none.
        """
        specs = self.config.graph_specs()
        if role not in specs:
            able = ", ".join(self.config.can())
            raise UnsupportedCapability(f"{self.config.id} has no graph for {role!r}; it can: {able}")
        name = specs[role].graph
        return self.graphs[name], self.plans[name]


def read_checkpoint(folder: Path, origin: str, check: Callable[[bytes], None] | None = None) -> Checkpoint:
    """Read and verify the checkpoint in `folder`; `origin` is its name in messages.

    `check` is given the bytes of config.json before they are believed; it raises if they are not those it expects.

    What kind of file it is comes before its hash: told that it is a pickle or a Git LFS pointer, a person knows more
    than that a hash differs. Raises NotFoundError (no folder, or no config.json in it), UsageError (a file, not a
    folder), IntegrityError (a file that config.json promises is missing, cut or changed), UnsafeFileError (pickles,
    shards, malformed files, graphs that do what a graph must not) and DiskError (the disk refuses).
    """
    if not folder.exists():
        raise NotFoundError(f"{origin}: there is no folder {folder}")
    if not folder.is_dir():
        raise UsageError(f"{origin}: {folder} is a file; give the folder that holds {CONFIG_FILE}")
    data = _read_config(folder, origin)
    if check:
        check(data)
    config = parse_config(data, f"{origin}: {CONFIG_FILE}")
    refuse_other_weights(_listed(folder, origin), origin, f"the zoo reads {WEIGHTS_FILE} only")
    weights = _promised(folder / WEIGHTS_FILE, config.weights.sha256, origin, config.weights.bytes)
    types = (*FLOATS, "I8") if config.weights.dtype == "int8" else FLOATS
    tensors = read_header(weights, f"{origin}: {WEIGHTS_FILE}", types)
    _check_counts(tensors, config, origin)
    graphs, plans, interface = {}, {}, config.interface
    for role, spec in config.graph_specs().items():
        graphs[spec.graph] = _promised(folder / spec.graph, spec.sha256, origin)
        plans[spec.graph] = check_graph(f"{origin}: {spec.graph}", graphs[spec.graph], tensors, role, interface)
    digest, expects = hashlib.sha256(data).hexdigest(), read_expects(folder, origin)
    return Checkpoint(folder, origin, config, weights, graphs, tensors, plans, digest, expects=expects)


def write_config(folder: Path, config: CheckpointConfig) -> None:
    """Write `config.json`: the old one or the new one is there, never half of one. Raises DiskError."""
    write_whole(folder / CONFIG_FILE, format_config(config), force=True)


def read_expects(folder: Path, origin: str) -> Expects | None:
    """What `expects.json` of a checkpoint's folder says, None where there is none. Raises UnsafeFileError."""
    data = _read(folder / EXPECTS_FILE, MAX_EXPECTS_BYTES, f"{origin}: {EXPECTS_FILE}")
    return None if data is None else parse_expects(data, f"{origin}: {EXPECTS_FILE}")


def write_expects(folder: Path, expects: Expects) -> None:
    """Write `expects.json`, whole or not at all. Raises DiskError."""
    write_whole(folder / EXPECTS_FILE, format_expects(expects), force=True)


def _read_config(folder: Path, origin: str) -> bytes:
    data = _read(folder / CONFIG_FILE, MAX_CONFIG_BYTES, f"{origin}: {CONFIG_FILE}")
    if data is None:
        raise NotFoundError(f"{origin}: {folder} has no {CONFIG_FILE}, so it is no checkpoint")
    return data


def _listed(folder: Path, origin: str) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise DiskError(f"{origin}: can't list {folder}: {error.strerror}") from error


def refuse_other_weights(names: Sequence[str], origin: str, advice: str) -> None:
    """Raise UnsafeFileError for shards, and for pickles in place of the weights; none of them is opened."""
    for name in names:
        if name.lower().endswith(".index.json"):
            raise UnsafeFileError(
                f"{origin}: {name} splits the weights over files; a checkpoint has one {WEIGHTS_FILE}"
            )
    pickles = [name for name in names if name.lower().endswith(PICKLE_SUFFIXES)]
    if WEIGHTS_FILE not in names and pickles:
        raise UnsafeFileError(f"{origin}: pickle refused: {pickles[0]} can run code; {advice}")


def _promised(path: Path, sha256: str, origin: str, size: int | None = None) -> bytes:
    """A file of the hash and, if given, the size that config.json promises. Raises IntegrityError."""
    name = f"{origin}: {path.name}"
    data = _read(path, MAX_GRAPH_BYTES if size is None else size, name)
    if data is None:
        raise IntegrityError(f"{name} is missing, the checkpoint is not whole: {GET_AGAIN}")
    if size not in (None, len(data)):
        found = "is too long" if size and len(data) > size else f"is cut to {len(data)} bytes"
        raise IntegrityError(f"{name} {found}, config.json promises {size}: {GET_AGAIN}")
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise IntegrityError(
            f"{name} is damaged: its sha256 is {found[:12]}…, config.json promises {sha256[:12]}…: {GET_AGAIN}"
        )
    return data


def _read(path: Path, limit: int, name: str) -> bytes | None:
    """A regular file, at most `limit` bytes and one more of it; None if it is missing."""
    refuse_foreign(read_regular(path, 64, name) or b"", name)
    return read_regular(path, limit + 1, name)


def refuse_foreign(head: bytes, name: str) -> None:
    """Raise UnsafeFileError for a file that begins as one of those that people mistake for weights."""
    if head[4:9] == b"\0\0\0\0{":
        return  # the header of a safetensors file, whose length may begin like a pickle
    text = head.lstrip().lower()
    for kind, beginnings in _FOREIGN.items():
        if any(head.startswith(begin) or text.startswith(begin) for begin in beginnings):
            raise UnsafeFileError(f"{name} is {kind}")


def _check_counts(tensors: Mapping[str, TensorInfo], config: CheckpointConfig, origin: str) -> None:
    """The tensors are of the type, and as many numbers, as config.json says; scales count as none."""
    promised = config.weights
    eight = promised.dtype == "int8"
    scales = check_scales(tensors, f"{origin}: {WEIGHTS_FILE}") if eight else frozenset()
    for name, info in tensors.items():
        if info.dtype != promised.dtype and not eight:
            raise UnsafeFileError(f"{origin}: tensor {name} is {info.dtype}, config.json says {promised.dtype}")
    count = sum(math.prod(info.shape) for name, info in tensors.items() if name not in scales)
    fitted = config.latent.sampler.numbers if config.latent and config.latent.sampler else 0
    if count != promised.parameters + promised.buffers + fitted:
        raise UnsafeFileError(
            f"{origin}: {WEIGHTS_FILE} holds {count} numbers, config.json says {promised.parameters} parameters, "
            f"{promised.buffers} buffers and {fitted} of a fitted prior"
        )
