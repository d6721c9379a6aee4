"""The part of the ONNX file format that the zoo reads; what is not here is refused wherever it stands.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Left out on purpose: functions, subgraphs, sparse
tensors, sequences, maps, training information, quantization. "skip" is text for people, which nobody here looks at.
"""

from __future__ import annotations

from zoo.checkpoints.onnx.protobuf import Field, Message

MAX_NODES = 5_000
MAX_RANK = 8
MAX_INLINE_BYTES = 64 * 1024

_NOTES = Field("notes", "skip", MAX_NODES)
_ENTRY = Message("an entry", {1: Field("key", "text"), 2: Field("value", "text")})
_TENSOR = Message(
    "a tensor",
    {
        1: Field("dims", "int", MAX_RANK),
        2: Field("data_type", "int"),
        4: Field("float_data", "float", MAX_INLINE_BYTES // 4),
        5: Field("int32_data", "int", MAX_INLINE_BYTES // 4),
        7: Field("int64_data", "int", MAX_INLINE_BYTES // 8),
        8: Field("name", "text"),
        9: Field("raw_data", "bytes"),
        12: Field("doc", "skip"),
        13: Field("external_data", _ENTRY, 3),
        14: Field("data_location", "int"),
        16: _NOTES,
    },
)
_ATTRIBUTE = Message(
    "an attribute",
    {
        1: Field("name", "text"),
        2: Field("f", "float"),
        3: Field("i", "int"),
        4: Field("s", "text"),
        5: Field("t", _TENSOR),
        7: Field("floats", "float", 1024),
        8: Field("ints", "int", 1024),
        13: Field("doc", "skip"),
        20: Field("type", "int"),
    },
)
_NODE = Message(
    "a node",
    {
        1: Field("inputs", "text", 256),
        2: Field("outputs", "text", 256),
        3: Field("name", "text"),
        4: Field("operator", "text"),
        5: Field("attributes", _ATTRIBUTE, 32),
        6: Field("doc", "skip"),
        7: Field("domain", "text"),
        9: _NOTES,
    },
)
_DIMENSION = Message("a dimension", {1: Field("value", "int"), 2: Field("symbol", "text")})
_SHAPE = Message("a shape", {1: Field("dims", _DIMENSION, MAX_RANK)})
_TENSOR_TYPE = Message("a tensor type", {1: Field("dtype", "int"), 2: Field("shape", _SHAPE)})
_TYPE = Message("a type", {1: Field("tensor", _TENSOR_TYPE)})
_PORT = Message("a value", {1: Field("name", "text"), 2: Field("type", _TYPE), 3: Field("doc", "skip"), 4: _NOTES})
_GRAPH = Message(
    "the graph",
    {
        1: Field("nodes", _NODE, MAX_NODES),
        2: Field("name", "text"),
        5: Field("initializers", _TENSOR, MAX_NODES),
        10: Field("doc", "skip"),
        11: Field("inputs", _PORT, MAX_NODES),
        12: Field("outputs", _PORT, MAX_NODES),
        13: Field("declared", _PORT, 2 * MAX_NODES),
        16: _NOTES,
    },
)
_OPSET = Message("an opset", {1: Field("domain", "text"), 2: Field("version", "int")})
MODEL = Message(
    "the model",
    {
        1: Field("ir_version", "int"),
        2: Field("producer", "skip"),
        3: Field("producer_version", "skip"),
        4: Field("domain", "skip"),
        5: Field("model_version", "int"),
        6: Field("doc", "skip"),
        7: Field("graph", _GRAPH),
        8: Field("opsets", _OPSET, 4),
        14: _NOTES,
    },
)
