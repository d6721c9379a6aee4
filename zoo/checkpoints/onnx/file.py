"""An untrusted ONNX file, read into plain data: what is in it, but not yet what it computes.

It must hold what the zoo's own export writes and no more: one graph of nodes from the standard operators, numbers and
small tensors as attributes, and weights that are exactly a tensor of `model.safetensors`. An int8 weight goes to
DequantizeLinear with its own scales, and nowhere else.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from zoo.checkpoints.eight_bits import scale_names
from zoo.checkpoints.onnx.operators import RULES
from zoo.checkpoints.onnx.operators.values import (
    BOOL,
    FLOAT,
    FLOAT16,
    INT8,
    INT32,
    INT64,
    ITEM_BYTES,
    MAX_KNOWN,
    Attribute,
    Node,
    Value,
)
from zoo.checkpoints.onnx.protobuf import MalformedError, Record, decode
from zoo.checkpoints.onnx.schema import MAX_INLINE_BYTES, MODEL
from zoo.checkpoints.safetensors_header import TensorInfo
from zoo.errors import UnsafeFileError

MAX_GRAPH_BYTES = 4 * 1024 * 1024
IR_VERSIONS = range(8, 14)
OPSETS = range(18, 25)
STANDARD_DOMAINS = ("", "ai.onnx")
WEIGHTS_FILE = "model.safetensors"
WEIGHT_TYPES = {"float16": FLOAT16, "float32": FLOAT, "int8": INT8}
DEQUANTIZE = "DequantizeLinear"

# Attribute type of ONNX -> the one field that holds the value, and its default.
_ATTRIBUTE_FIELDS: Mapping[int, tuple[str, Attribute | None]] = {
    1: ("f", 0.0),
    2: ("i", 0),
    3: ("s", ""),
    4: ("t", None),
    6: ("floats", ()),
    7: ("ints", ()),
}
_NUMBER_FIELDS = {
    FLOAT: "float_data",
    INT32: "int32_data",
    INT64: "int64_data",
    BOOL: "int32_data",
    FLOAT16: "int32_data",
}
_DATA_FIELDS = ("raw_data", "float_data", "int32_data", "int64_data")
_PLACE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Port:
    """A value with its declared element type and sizes; None where a size is a symbol."""

    name: str
    dtype: int
    dims: tuple[int | None, ...]

    def fits(self, value: Value) -> bool:
        """Whether a value is what is declared."""
        sizes = zip(self.dims, value.shape, strict=False)
        return (
            self.dtype == value.dtype
            and len(self.dims) == len(value.shape)
            and all(declared in (None, size) for declared, size in sizes)
        )


@dataclass(frozen=True)
class Graph:
    """What a graph file holds. `constants` are weights and small tensors; nodes are in the order they run."""

    file: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, Value]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    declared: tuple[Port, ...]


def read_graph(file: str, data: bytes, tensors: Mapping[str, TensorInfo]) -> Graph:
    """Read the bytes of a graph whose weights lie in a file with these tensors; `file` is its name in messages.

    Raises UnsafeFileError if it is malformed, holds anything beyond the schema, uses an operator without a rule, or
    points anywhere else than at one whole tensor.
    """
    if len(data) > MAX_GRAPH_BYTES:
        raise UnsafeFileError(f"{file} has {len(data)} bytes; a graph has at most {MAX_GRAPH_BYTES}")
    try:
        model = decode(data, MODEL)
        _check_versions(model)
        graph = _graph(file, model.get("graph", {}), {info.offset: info for info in tensors.values()})
        _check_int8(graph.nodes, _names_of_weights(model.get("graph", {}), tensors), tensors)
    except ValueError as error:
        raise UnsafeFileError(f"{file} is not a graph that the zoo runs: {error}") from error
    return graph


def _check_versions(model: Record) -> None:
    opsets = {opset.get("domain", ""): opset.get("version", 0) for opset in model["opsets"]}
    if len(model["opsets"]) != 1 or not set(opsets) <= set(STANDARD_DOMAINS):
        raise MalformedError(f"it uses operator sets {sorted(opsets)}; only the standard one is run")
    (version,) = opsets.values()
    if version not in OPSETS or model.get("ir_version", 0) not in IR_VERSIONS:
        raise MalformedError(f"opset {version} of format {model.get('ir_version', 0)} is not among those the zoo runs")


def _graph(file: str, graph: Record, weights: Mapping[int, TensorInfo]) -> Graph:
    inputs, outputs, declared = (_ports(graph.get(key, [])) for key in ("inputs", "outputs", "declared"))
    _check_ties(graph.get("initializers", []))
    constants = {record.get("name", ""): _initializer(record, weights) for record in graph.get("initializers", [])}
    nodes = tuple(_node(record) for record in graph.get("nodes", []))
    names = [port.name for port in inputs] + [record.get("name", "") for record in graph.get("initializers", [])]
    _check_names(nodes, names, outputs)
    return Graph(file, nodes, constants, inputs, outputs, declared)


def _check_ties(initializers: Iterable[Record]) -> None:
    """A tensor of the weights is one value at most: the runtime would copy it for each, and thousands fit in a file."""
    places = [
        entry.get("value")
        for record in initializers
        for entry in record["external_data"]
        if entry.get("key") == "offset"
    ]
    if len(set(places)) < len(places):
        raise MalformedError("two weights are the same tensor; one value must serve for both")


def _names_of_weights(graph: Record, tensors: Mapping[str, TensorInfo]) -> dict[str, str]:
    """Name of each weight in the graph -> name of the tensor it points at."""
    at = {str(info.offset): name for name, info in tensors.items()}
    return {
        record.get("name", ""): at[entry["value"]]
        for record in graph.get("initializers", [])
        for entry in record["external_data"]
        if entry["key"] == "offset"
    }


def _check_int8(nodes: Iterable[Node], weights: Mapping[str, str], tensors: Mapping[str, TensorInfo]) -> None:
    """Int8 weights and their scales meet in DequantizeLinear: elsewhere they would not be what they stand for."""
    scales = scale_names(name for name, info in tensors.items() if info.dtype == "int8")
    bound = scales.keys() | set(scales.values())
    for node in nodes:
        given = [weights.get(name, "") for name in node.inputs]
        if node.operator == DEQUANTIZE:
            if len(given) != 2 or given[0] not in scales or given[1] != scales[given[0]]:
                raise MalformedError(f"{DEQUANTIZE} of something else than an int8 weight and its scales")
        elif strays := bound.intersection(given):
            raise MalformedError(f"{node.operator} uses {min(strays)}, which only {DEQUANTIZE} may")


def _check_names(nodes: Iterable[Node], given: list[str], outputs: Iterable[Port]) -> None:
    """Every name is given once, and before it is used."""
    known: set[str] = set()
    for name in given:
        _define(name, known)
    for node in nodes:
        for name in node.inputs:
            if name and name not in known:
                raise MalformedError(f"{node.operator} uses {name!r} before it is made")
        for name in node.outputs:
            _define(name, known)
    for port in outputs:
        if port.name not in known:
            raise MalformedError(f"output {port.name!r} is never made")


def _define(name: str, known: set[str]) -> None:
    if not name or name in known:
        raise MalformedError(f"two values are called {name!r}" if name else "a value has no name")
    known.add(name)


def _ports(records: Iterable[Record]) -> tuple[Port, ...]:
    ports = []
    for record in records:
        tensor = record.get("type", {}).get("tensor", {})
        if "shape" not in tensor:
            raise MalformedError(f"{record.get('name', '')!r} is not a tensor of declared shape")
        if any(len(dim) > 1 for dim in tensor["shape"]["dims"]):
            raise MalformedError(f"{record.get('name', '')!r} has a size that is both a number and a symbol")
        dims = tuple(dim.get("value") for dim in tensor["shape"]["dims"])
        ports.append(Port(record.get("name", ""), tensor.get("dtype", 0), dims))
    return tuple(ports)


def _node(record: Record) -> Node:
    name = record.get("operator", "")
    if record.get("domain", "") not in STANDARD_DOMAINS:
        raise MalformedError(f"operator {name!r} is of domain {record['domain']!r}; only standard operators are run")
    if name not in RULES:
        raise MalformedError(f"operator {name!r} is not among those the zoo runs")
    attributes = {attribute.get("name", ""): _attribute(attribute) for attribute in record["attributes"]}
    if len(attributes) != len(record["attributes"]):
        raise MalformedError(f"{name} has an attribute twice")
    return Node(name, tuple(record["inputs"]), tuple(record["outputs"]), attributes)


def _attribute(record: Record) -> Attribute:
    kind = record.get("type", 0)
    if kind not in _ATTRIBUTE_FIELDS:
        raise MalformedError(
            f"attribute {record.get('name', '')!r} is of type {kind}; only numbers, text and tensors are read"
        )
    field, default = _ATTRIBUTE_FIELDS[kind]
    if any(record.get(other) for other, _ in _ATTRIBUTE_FIELDS.values() if other != field):
        raise MalformedError(f"attribute {record.get('name', '')!r} holds more than one value")
    value = record.get(field, default)
    if isinstance(value, dict):
        return _inline(value)
    if value is None:
        raise MalformedError(f"attribute {record.get('name', '')!r} has no value")
    return tuple(value) if isinstance(value, list) else value


def _dims(record: Record, types: Collection[int] = ITEM_BYTES) -> tuple[int, ...]:
    dims = tuple(record["dims"])
    if record.get("data_type", 0) not in types:
        raise MalformedError(f"tensor {record.get('name', '')!r} has elements of type {record.get('data_type', 0)}")
    if any(not 0 <= size < 2**31 for size in dims):
        raise MalformedError(f"tensor {record.get('name', '')!r} has a size out of bounds")
    return dims


def _initializer(record: Record, weights: Mapping[int, TensorInfo]) -> Value:
    """A small tensor in the file itself, or exactly one tensor of the weights."""
    if not record.get("data_location", 0) and not record["external_data"]:
        return _inline(record)
    name, dims = record.get("name", ""), _dims(record, (*ITEM_BYTES, INT8))
    places = {entry.get("key", ""): entry.get("value", "") for entry in record["external_data"]}
    if record.get("data_location", 0) != 1 or set(places) != {"location", "offset", "length"}:
        raise MalformedError(f"weight {name!r} must say location, offset and length, and nothing else")
    if places["location"] != WEIGHTS_FILE:
        raise MalformedError(f"weight {name!r} points at {places['location']!r}, outside {WEIGHTS_FILE}")
    if any(record.get(field) for field in _DATA_FIELDS):
        raise MalformedError(f"weight {name!r} holds data of its own")
    offset, length = (int(places[key]) if _PLACE.fullmatch(places[key]) else -1 for key in ("offset", "length"))
    info = weights.get(offset)
    if info is None or info.length != length:
        raise MalformedError(
            f"weight {name!r} points at {length} bytes from {offset}, where {WEIGHTS_FILE} has no such tensor"
        )
    if dims != info.shape or record["data_type"] != WEIGHT_TYPES[info.dtype]:
        raise MalformedError(f"weight {name!r} of shape {dims} points at a {info.dtype} tensor of shape {info.shape}")
    return Value(record["data_type"], dims)


def _inline(record: Record) -> Value:
    """A tensor whose numbers are in the graph file."""
    name, dims, dtype = record.get("name", ""), _dims(record), record["data_type"]
    if record.get("data_location", 0) or record["external_data"]:
        raise MalformedError(f"tensor {name!r} of an attribute points outside the graph")
    count = math.prod(dims)
    if count * ITEM_BYTES[dtype] > MAX_INLINE_BYTES:
        raise MalformedError(
            f"tensor {name!r} of shape {dims} is too large to be in a graph; weights go to {WEIGHTS_FILE}"
        )
    numbers = _numbers(record, count)
    if numbers is None:
        raise MalformedError(f"tensor {name!r} of shape {dims} does not hold exactly its numbers")
    known = len(dims) <= 1 and len(numbers) == count <= MAX_KNOWN and dtype in (FLOAT, INT32, INT64)
    return Value(dtype, dims, numbers if known else None)


def _numbers(record: Record, count: int) -> tuple[int | float, ...] | None:
    """The numbers of a small tensor, () where they are of no interest, None if there are not `count` of them."""
    dtype = record["data_type"]
    field = _NUMBER_FIELDS.get(dtype, "")
    filled = [key for key in _DATA_FIELDS if record.get(key)]
    if filled == ["raw_data"]:
        if len(record["raw_data"]) != count * ITEM_BYTES[dtype]:
            return None
        code = {FLOAT: "f", INT32: "i", INT64: "q"}.get(dtype)
        return struct.unpack(f"<{count}{code}", record["raw_data"]) if code and count <= MAX_KNOWN else ()
    numbers = tuple(record.get(field, ()))
    if filled not in ([], [field]) or len(numbers) != count:
        return None
    # Another reader would cut longer numbers to 32 bits.
    return None if field == "int32_data" and any(not -(2**31) <= number < 2**31 for number in numbers) else numbers
