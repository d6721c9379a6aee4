"""The safetensors header: what the library writes is read, what bends the format is refused."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from zoo.checkpoints.safetensors_header import read_header
from zoo.errors import UnsafeFileError

GOOD = {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}


def file(header: Any, data: bytes = bytes(12)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def test_what_the_library_writes_is_read_where_it_lies() -> None:
    arrays = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b.c_0": np.arange(4, dtype=np.float32)}
    data = save(arrays, metadata={"made": "here"})
    tensors = read_header(data, "w")
    assert set(tensors) == set(arrays)
    for name, info in tensors.items():
        assert (info.dtype, info.shape) == (str(arrays[name].dtype), arrays[name].shape)
        assert data[info.offset : info.offset + info.length] == arrays[name].tobytes()


def test_the_plain_file_of_this_test_is_good() -> None:
    assert read_header(file({"a": GOOD}), "w")["a"].shape == (2, 3)


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "too few"),
    "short": (b"\0" * 7, "too few"),
    "header longer than file": (struct.pack("<Q", 1000) + b"{}", "the file ends after"),
    "header beyond the cap": (struct.pack("<Q", 2**40) + b"{}", "at most 26214400"),
    "header of all ones": (b"\xff" * 16, "at most"),
    "not UTF-8": (file(b'{"\xff": 1}'), "utf-8"),
    "not JSON": (file(b"{a}"), "Expecting"),
    "a list": (file(b"[]"), "begin with '{'"),
    "leading space": (file(b'  {"a": 1}'), "begin with '{'"),
    "odd start": (struct.pack("<Q", 3) + b"{} ", "multiple of 4"),
    "two values": (file(b"{}{}"), "Extra data"),
    "duplicate tensor": (file(b'{"a": %b, "a": %b}' % ((json.dumps(GOOD).encode(),) * 2)), "same key twice"),
    "duplicate field": (file(b'{"a": {"dtype": "F32", "dtype": "F16"}}'), "same key twice"),
    "NaN": (file(b'{"a": {"dtype": "F16", "shape": [NaN], "data_offsets": [0, 2]}}'), "holds NaN"),
    "deep": (file(b'{"a":' * 100_000), "recursion"),
    "endless number": (file(b'{"a": %b}' % (b"9" * 10_000)), "digits"),
    "metadata not text": (file({"__metadata__": {"a": 1}, "a": GOOD}), "__metadata__"),
    "metadata a list": (file({"__metadata__": [], "a": GOOD}), "__metadata__"),
    "no tensors": (file({}, b""), "holds 0 tensors"),
    "no tensors but data": (file({}), "holds 0 tensors"),
    "name with slash": (file({"../a": GOOD}), "tensor name"),
    "name with NUL": (file({"a\0": GOOD}), "tensor name"),
    "no name": (file({"": GOOD}), "tensor name"),
    "long name": (file({"a" * 201: GOOD}), "tensor name"),
    "extra field": (file({"a": GOOD | {"strides": [3, 1]}}), "exactly dtype"),
    "missing field": (file({"a": {"dtype": "F16", "shape": [6]}}), "exactly dtype"),
    "entry a number": (file({"a": 1}), "exactly dtype"),
    "whole numbers": (file({"a": GOOD | {"dtype": "I16"}}), "type I16"),
    "unknown type": (file({"a": GOOD | {"dtype": ["F16"]}}), "only F16 and F32"),
    "shape no list": (file({"a": GOOD | {"shape": 6}}), "has a shape"),
    "shape of text": (file({"a": GOOD | {"shape": ["6"]}}), "has a shape"),
    "shape of fractions": (file({"a": GOOD | {"shape": [6.0]}}), "has a shape"),
    "shape of booleans": (file({"a": GOOD | {"shape": [True, 6]}}), "has a shape"),
    "negative shape": (file({"a": GOOD | {"shape": [-2, -3]}}), "has a shape"),
    "huge empty shape": (file({"a": GOOD | {"shape": [2**62, 0], "data_offsets": [0, 0]}}), "has a shape"),
    "empty tensor": (file({"a": GOOD | {"shape": [0], "data_offsets": [0, 0]}}, b""), "has a shape"),
    "many axes": (file({"a": GOOD | {"shape": [1] * 7 + [2, 3]}}), "has a shape"),
    "shape that wraps": (file({"a": GOOD | {"shape": [2**31 - 1] * 8}}), "does not fit"),
    "wrong shape": (file({"a": GOOD | {"shape": [7]}}), "does not fit"),
    "negative offsets": (file({"a": GOOD | {"data_offsets": [-12, 0]}}), "data_offsets"),
    "three offsets": (file({"a": GOOD | {"data_offsets": [0, 6, 12]}}), "data_offsets"),
    "backward offsets": (file({"a": GOOD | {"data_offsets": [12, 0]}}), "does not fit"),
    "hole": (file({"a": GOOD | {"data_offsets": [2, 14]}}, bytes(14)), "a hole before"),
    "overlap": (file({"a": GOOD, "b": GOOD}), "an overlap before"),
    "beyond the end": (file({"a": GOOD}, bytes(11)), "the file at"),
    "bytes left over": (file({"a": GOOD}, bytes(13)), "the file at"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_file_is_refused(name: str) -> None:
    data, word = BAD[name]
    with pytest.raises(UnsafeFileError) as caught:
        read_header(data, "dir:x: model.safetensors")
    assert str(caught.value).startswith("dir:x: model.safetensors is not a safetensors file")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
