"""A file of directions: safetensors, small enough to be sent to a friend, read as strictly as any untrusted file.

The tensors are `vectors` (K, *latent_shape), `center` (*latent_shape), `means` (K,) and `shares` (K,), all float32; the
header's metadata holds one entry, `directions`, with the rest as JSON.
"""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from safetensors.numpy import save

from zoo.arrays import Floats
from zoo.catalog.spec import Count, Line, ModelId, Sha256
from zoo.checkpoints.safetensors_header import TensorInfo, read_header
from zoo.errors import NotFoundError, UnsafeFileError
from zoo.files import read_regular, refuse_existing, write_whole
from zoo.inference.directions import Directions

SUFFIX = ".directions.safetensors"
MAX_BYTES = 256 * 1024 * 1024
MAX_NAMES = 1000


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is no tensor."""

    format: Literal[1]
    model: ModelId
    weights: Sha256
    names: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=MAX_NAMES)]
    n: Count
    r2: Annotated[float, Meta(ge=-1, le=2)]


def write_directions(path: str | Path, directions: Directions, *, force: bool = False) -> None:
    """Write a file of directions: it appears complete or not at all.

    Raises UsageError if the file exists and no `force`, NotFoundError for a missing folder, DiskError.
    """
    path = Path(path)
    refuse_existing(path, force)
    facts = {name: getattr(directions, name) for name in ("model", "weights", "names", "n", "r2")}
    header = _Header(format=1, **facts)
    tensors = {name: np.ascontiguousarray(getattr(directions, name)) for name in _shapes(directions)}
    data = save(tensors, {"directions": msgspec.json.encode(header).decode()})
    write_whole(path, BytesIO(data), force)


def read_directions(path: str | Path) -> Directions:
    """Read a file of directions.

    Raises NotFoundError if there is none, DiskError if the disk refuses, UnsafeFileError for any other file.
    """
    data = _read(Path(path))
    tensors = read_header(data, str(path))
    try:
        header = _header(data)
        arrays = {name: _array(data, info) for name, info in tensors.items()}
        if set(arrays) != {"vectors", "center", "means", "shares"}:
            raise ValueError(f"its tensors are {', '.join(sorted(arrays))[:100]}")
        directions = Directions(
            model=header.model, weights=header.weights, names=header.names, n=header.n, r2=header.r2, **arrays
        )
        _check(directions)
    except (ValueError, msgspec.MsgspecError) as error:
        raise UnsafeFileError(f"{path} is no file of directions: {error}") from error
    return directions


def _read(path: Path) -> bytes:
    data = read_regular(path, MAX_BYTES + 1, str(path))
    if data is None:
        raise NotFoundError(f"there is no file {path}; `zoo attribute learn` makes one")
    if len(data) > MAX_BYTES:
        raise UnsafeFileError(f"{path} has more bytes than the {MAX_BYTES} that a file of directions has at most")
    return data


def _header(data: bytes) -> _Header:
    """The metadata of a file whose header has been checked."""
    length = int.from_bytes(data[:8], "little")
    metadata = msgspec.json.decode(data[8 : 8 + length]).get("__metadata__", {})
    if set(metadata) != {"directions"}:
        raise ValueError("its metadata does not say directions")
    return msgspec.json.decode(metadata["directions"].encode(), type=_Header)


def _array(data: bytes, info: TensorInfo) -> Floats:
    dtype = np.dtype(info.dtype).newbyteorder("<")
    array = np.frombuffer(data, dtype, math.prod(info.shape), info.offset).reshape(info.shape).astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("it holds numbers that are not finite")
    return array


def _shapes(directions: Directions) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor, as the names and the center would have it."""
    k, shape = len(directions.names), directions.center.shape
    return {"vectors": (k, *shape), "center": shape, "means": (k,), "shares": (k,)}


def _check(directions: Directions) -> None:
    if not 1 <= len(directions.latent_shape) <= 4:
        raise ValueError(f"a latent has 1 to 4 axes, not {len(directions.latent_shape)}")
    if len(set(directions.names)) != len(directions.names):
        raise ValueError("two directions have one name")
    for name, shape in _shapes(directions).items():
        if getattr(directions, name).shape != shape:
            raise ValueError(f"{name} has the shape {getattr(directions, name).shape}, not {shape}")
