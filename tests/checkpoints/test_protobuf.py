"""The wire reader: one way to read the bytes, and a bound on everything."""

from __future__ import annotations

import struct

import pytest

from zoo.checkpoints.onnx.protobuf import Field, MalformedError, Message, decode

INNER = Message("an inner message", {1: Field("number", "int")})
OUTER = Message(
    "a message",
    {
        1: Field("number", "int"),
        2: Field("text", "text"),
        3: Field("numbers", "int", 4),
        4: Field("inner", INNER, 3),
        5: Field("share", "float"),
        6: Field("shares", "float", 4),
        7: Field("block", "bytes"),
    },
)


def block(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def test_every_kind_of_field_is_read() -> None:
    data = b"\x08\x96\x01" + block(2, b"name") + b"\x18\x01" + block(3, b"\x02\x03") + block(4, b"\x08\x07")
    data += b"\x2d" + struct.pack("<f", 0.5) + block(6, struct.pack("<2f", 1.0, 2.0)) + block(7, b"\0\xff")
    assert decode(data, OUTER) == {
        "number": 150,
        "text": "name",
        "numbers": [1, 2, 3],
        "inner": [{"number": 7}],
        "share": 0.5,
        "shares": [1.0, 2.0],
        "block": b"\0\xff",
    }


def test_nothing_is_a_message_without_fields() -> None:
    assert decode(b"", OUTER) == {"numbers": [], "inner": [], "shares": []}


def test_a_negative_number_takes_ten_bytes() -> None:
    assert decode(b"\x08" + b"\xff" * 9 + b"\x01", OUTER)["number"] == -1


BAD: dict[str, tuple[bytes, str]] = {
    "unknown field": (block(9, b""), "field 9"),
    "field number zero": (b"\x00\x01", "field 0"),
    "singular twice": (b"\x08\x01\x08\x01", "number twice"),
    "group": (b"\x0b\x0c", "wire type 3"),
    "other wire type": (b"\x0d\0\0\0\0", "wire type 5"),
    "long float": (b"\x29" + bytes(8), "wire type 1"),
    "number for text": (b"\x10\x01", "wire type 0"),
    "packed singular": (block(1, b"\x01"), "wire type 2"),
    "number cut": (b"\x08\x96", "ends inside a number"),
    "key cut": (b"\x80", "ends inside a number"),
    "float cut": (b"\x2d\0\0", "ends inside a number"),
    "floats cut": (block(6, b"\0" * 6), "ends inside a number"),
    "block cut": (b"\x12\x05abc", "ends inside a field"),
    "block of many gigabytes": (b"\x12\xff\xff\xff\xff\xff\xff\xff\x7f", "ends inside a field"),
    "not the shortest form": (b"\x08\x96\x00", "shortest form"),
    "65 bits": (b"\x08" + b"\xff" * 9 + b"\x03", "shortest form"),
    "eleven bytes": (b"\x08" + b"\xff" * 10 + b"\x01", "64 bits"),
    "too many": (b"\x18\x01" * 5, "more than 4 of numbers"),
    "too many packed": (block(3, b"\x01" * 5), "more than 4 of numbers"),
    "far too many packed": (block(3, b"\x01" * 50), "more than 4 numbers"),
    "too many messages": (block(4, b"") * 4, "more than 3 of inner"),
    "inner cut": (block(4, b"\x08"), "ends inside a number"),
    "deeper than the schema": (block(4, block(4, b"")), "an inner message has a field 4"),
    "text not UTF-8": (block(2, b"\xff"), "UTF-8"),
    "text of control characters": (block(2, b"a\x1b[2J"), "control characters"),
    "long text": (b"\x12\x81\x02" + b"a" * 257, "longer than 256"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_bends_the_format_is_refused(name: str) -> None:
    data, word = BAD[name]
    with pytest.raises(MalformedError, match=word):
        decode(data, OUTER)
