"""Protocol buffers on the wire, read strictly against a schema that is plain data.

Source of the format: https://protobuf.dev/programming-guides/encoding/. This reader is narrower than the format, so
that no other reader can understand the same bytes in another way: every field must be in the schema, a field that may
occur once occurs once, numbers are in their shortest form, groups are refused. A schema has no cycles, so nesting is
bounded by the schema and never by the file; every repeated field has a largest count.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_TEXT = 256

Record = dict[str, Any]


class MalformedError(ValueError):
    """The bytes are not what the schema asks for."""


@dataclass(frozen=True)
class Field:
    """One field: its name, what it holds, and how often it may occur (`many` = 0: at most once).

    "text" is a short printable string, "bytes" any bytes, "skip" bytes nobody looks at.
    """

    name: str
    kind: Literal["int", "float", "text", "bytes", "skip"] | Message
    many: int = 0


@dataclass(frozen=True)
class Message:
    """A kind of message: its name and its fields by number."""

    name: str
    fields: Mapping[int, Field]


def decode(data: bytes, message: Message) -> Record:
    """Field name -> value; a repeated field is a list, a field that does not occur is absent.

    Raises MalformedError with what is wrong.
    """
    record: Record = {field.name: [] for field in message.fields.values() if field.many}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field = message.fields.get(key >> 3)
        if field is None:
            raise MalformedError(f"{message.name} has a field {key >> 3}, which is not allowed here")
        values, at = _values(data, at, key & 7, field)
        if not field.many:
            if field.name in record:
                raise MalformedError(f"{message.name} says its {field.name} twice")
            record[field.name] = values[0]
            continue
        record[field.name] += values
        if len(record[field.name]) > field.many:
            raise MalformedError(f"{message.name} has more than {field.many} of {field.name}")
    return record


def _values(data: bytes, at: int, wire: int, field: Field) -> tuple[list[Any], int]:
    """The value at `at`, or the values if they are packed, and where they end."""
    if wire == BYTES and field.kind not in ("int", "float"):
        block, end = _block(data, at)
        return [_block_value(block, field)], end
    if wire == BYTES and field.many:
        block, end = _block(data, at)
        if len(block) > 10 * field.many:
            raise MalformedError(f"{field.name} has more than {field.many} numbers")
        return _packed(block, field), end
    if wire == VARINT and field.kind == "int":
        value, end = _varint(data, at)
        return [_signed(value)], end
    if wire == FIXED32 and field.kind == "float":
        if at + 4 > len(data):
            raise MalformedError("the file ends inside a number")
        return [struct.unpack_from("<f", data, at)[0]], at + 4
    raise MalformedError(f"{field.name} is written as wire type {wire}")


def _block_value(block: bytes, field: Field) -> Any:
    if isinstance(field.kind, Message):
        return decode(block, field.kind)
    if field.kind != "text":
        return block
    if len(block) > MAX_TEXT:
        raise MalformedError(f"{field.name} is longer than {MAX_TEXT} bytes")
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"{field.name} is not UTF-8") from error
    if not text.isprintable():
        raise MalformedError(f"{field.name} holds control characters")
    return text


def _packed(block: bytes, field: Field) -> list[Any]:
    if field.kind == "float":
        if len(block) % 4:
            raise MalformedError(f"{field.name} ends inside a number")
        return list(struct.unpack(f"<{len(block) // 4}f", block))
    numbers, at = [], 0
    while at < len(block):
        value, at = _varint(block, at)
        numbers.append(_signed(value))
    return numbers


def _block(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = _varint(data, at)
    if length > len(data) - at:
        raise MalformedError("the file ends inside a field")
    return data[at : at + length], at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned number of up to 64 bits at `at`, and where it ends."""
    value = 0
    for place in range(10):
        if at + place >= len(data):
            raise MalformedError("the file ends inside a number")
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if value >= 1 << 64 or (place and not byte):
                raise MalformedError("a number is not in its shortest form")
            return value, at + place + 1
    raise MalformedError("a number has more than 64 bits")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
