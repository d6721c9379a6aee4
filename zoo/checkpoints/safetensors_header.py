"""The header of a safetensors file, read more strictly than its own library does.

Source of the format: https://github.com/huggingface/safetensors#format. Beyond it: no duplicate keys, no unknown
fields, plain tensor names, at least one tensor, no empty tensors, and float16 or float32 only, beside int8 where the
reader asks for it.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from zoo.errors import UnsafeFileError

MAX_HEADER_BYTES = 25 * 1024 * 1024
MAX_TENSORS = 20_000
MAX_RANK = 8
MAX_DIMENSION = 2**31 - 1
ITEM_BYTES = {"F16": 2, "F32": 4, "I8": 1}
DTYPE_NAMES = {"F16": "float16", "F32": "float32", "I8": "int8"}
FLOATS: Final = ("F16", "F32")

_TENSOR_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of the file: `dtype` is float16, float32 or int8, `offset` counts from the file's start, in bytes."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


def read_header(data: bytes, name: str, types: Collection[str] = FLOATS) -> Mapping[str, TensorInfo]:
    """Tensor name -> where and what it is, for a whole safetensors file; `name` is the file's name in messages.

    `types` are the element types that are read, in the format's words. Raises UnsafeFileError if the file is malformed:
    the tensors must cover it from the header to its last byte.
    """
    try:
        header, start = _parse(data)
        tensors = {key: _tensor(key, entry, start, types) for key, entry in header.items()}
        _check_cover(tensors, start, len(data))
    except (ValueError, RecursionError) as error:
        raise UnsafeFileError(f"{name} is not a safetensors file that the zoo reads: {error}") from error
    return tensors


def _parse(data: bytes) -> tuple[dict[str, Any], int]:
    """The header without its metadata, and the offset at which the tensors' bytes begin."""
    if len(data) < 8:
        raise ValueError(f"it has {len(data)} bytes, too few for a header")
    (length,) = struct.unpack_from("<Q", data)
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"its header claims {length} bytes; at most {MAX_HEADER_BYTES} are read")
    if length > len(data) - 8:
        raise ValueError(f"its header claims {length} bytes, the file ends after {len(data) - 8}")
    if (8 + length) % 4:
        raise ValueError("its tensors do not begin at a multiple of 4 bytes")
    text = data[8 : 8 + length]
    if not text.startswith(b"{"):
        raise ValueError("its header does not begin with '{'")
    header = json.loads(text.decode(), object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    if not isinstance(header, dict):
        raise ValueError("its header is not an object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its __metadata__ holds something else than strings")
    if not 1 <= len(header) <= MAX_TENSORS:
        raise ValueError(f"it holds {len(header)} tensors; between 1 and {MAX_TENSORS} are read")
    return header, 8 + length


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its header says the same key twice")
    return found


def _no_constants(text: str) -> None:
    raise ValueError(f"its header holds {text}")


def _whole(value: object, largest: int) -> bool:
    """Whether this is a whole number from 0 to `largest` (True and False are none)."""
    return type(value) is int and 0 <= value <= largest


def _tensor(name: str, entry: object, start: int, types: Collection[str]) -> TensorInfo:
    if not _TENSOR_NAME.fullmatch(name):
        raise ValueError(f"tensor name {name[:60]!r} is not made of 1 to 200 letters, digits, '_' and '.'")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name} must have exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in types:
        *others, last = types
        raise ValueError(f"tensor {name} is of type {str(dtype)[:20]}; only {', '.join(others)} and {last} are read")
    if not isinstance(shape, list) or len(shape) > MAX_RANK or not all(_whole(d, MAX_DIMENSION) and d for d in shape):
        raise ValueError(f"tensor {name} has a shape that is not up to {MAX_RANK} positive numbers")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_whole(o, 2**63) for o in offsets):
        raise ValueError(f"tensor {name} has data_offsets that are not two whole numbers")
    begin, end = offsets
    if math.prod(shape) * ITEM_BYTES[dtype] != end - begin:
        raise ValueError(f"tensor {name} of shape {shape} does not fit its {end - begin} bytes")
    return TensorInfo(DTYPE_NAMES[dtype], tuple(shape), start + begin, end - begin)


def _check_cover(tensors: Mapping[str, TensorInfo], start: int, size: int) -> None:
    """Every byte after the header belongs to exactly one tensor."""
    at = start
    for name, info in sorted(tensors.items(), key=lambda item: item[1].offset):
        if info.offset != at:
            raise ValueError(f"there is {'a hole' if info.offset > at else 'an overlap'} before tensor {name}")
        at += info.length
    if at != size:
        raise ValueError(f"its tensors end at byte {at}, the file at {size}")
