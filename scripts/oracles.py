"""What the packages protobuf, onnx and safetensors say about files that the zoo's own readers took.

The zoo reads these files itself, since it has to be stricter; but what it takes, the others must take too, and find the
same in it: else a file is one thing to the zoo, and another to the runtime that executes it. Used by the tests of the
readers and by the fuzzer. Whatever differs raises AssertionError.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import safetensors

from zoo.checkpoints.format import Checkpoint
from zoo.checkpoints.onnx.file import Graph
from zoo.checkpoints.onnx.graphs import trace
from zoo.checkpoints.safetensors_header import DTYPE_NAMES, TensorInfo
from zoo.errors import UnsafeFileError

FREE_SIZE = 8


def check_checkpoint(checkpoint: Checkpoint) -> None:
    """All of it: weights, graphs, and the weights as the graphs point at them."""
    check_weights(checkpoint.weights, checkpoint.tensors)
    for name, graph in checkpoint.graphs.items():
        check_graph(graph, checkpoint.plans[name])
        check_shapes(graph, checkpoint.plans[name])
        check_external(checkpoint.folder / name, graph, checkpoint.weights)


def check_weights(data: bytes, tensors: Mapping[str, TensorInfo]) -> None:
    """The package safetensors finds the same tensors, with the same bytes."""
    deserialize: Any = safetensors.deserialize  # it has no types
    found = {
        name: (DTYPE_NAMES[info["dtype"]], tuple(info["shape"]), bytes(info["data"]))
        for name, info in deserialize(data)
    }
    ours = {
        name: (info.dtype, info.shape, data[info.offset : info.offset + info.length]) for name, info in tensors.items()
    }
    assert found == ours, "safetensors reads other tensors"


def check_graph(data: bytes, graph: Graph) -> None:
    """Protobuf finds the same nodes, constants, inputs and outputs."""
    model = onnx.load_model_from_string(data)
    assert not model.functions, "protobuf finds functions"
    theirs = model.graph
    nodes = [(node.op_type, tuple(node.input), tuple(node.output)) for node in theirs.node]
    assert nodes == [(node.operator, node.inputs, node.outputs) for node in graph.nodes], "protobuf reads other nodes"
    for node, ours in zip(theirs.node, graph.nodes, strict=True):
        assert {attribute.name for attribute in node.attribute} == set(ours.attributes), "other attributes"
        for attribute in node.attribute:
            _check_attribute(attribute, ours.attributes[attribute.name])
    constants = {tensor.name: (tensor.data_type, tuple(tensor.dims)) for tensor in theirs.initializer}
    assert constants == {name: (value.dtype, value.shape) for name, value in graph.constants.items()}, "other constants"
    for tensor in theirs.initializer:
        known = graph.constants[tensor.name].known
        if known is not None:
            _check_numbers(tensor, known)
    for records, ports in ((theirs.input, graph.inputs), (theirs.output, graph.outputs)):
        found = [(record.name, record.type.tensor_type.elem_type, _dims(record)) for record in records]
        assert found == [(port.name, port.dtype, port.dims) for port in ports], "other inputs or outputs"


def check_shapes(data: bytes, graph: Graph) -> None:
    """For an input of fixed size, onnx infers the outputs' shapes that the zoo does, where it knows them."""
    (port,) = graph.inputs
    shape = tuple(FREE_SIZE if size is None else size for size in port.dims)
    try:
        found = trace(graph, shape)
    except UnsafeFileError:
        return  # a size that this graph does not take
    model = onnx.load_model_from_string(data)
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dim.dim_value = size
    for output in model.graph.output:  # what they declare is not to be repeated, but found
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for output, ours in zip(inferred.graph.output, found.outputs, strict=True):
        theirs = _dims(output)
        assert len(theirs) == len(ours), f"onnx infers {theirs}, the zoo {ours}"
        agree = all(size in (None, mine) for size, mine in zip(theirs, ours, strict=True))
        assert agree, f"onnx infers {theirs}, the zoo {ours}"


def check_external(file: Path, data: bytes, weights: bytes) -> None:
    """`onnx.load` finds the external data, and it is the range of the weights that the graph names."""
    plain = onnx.load_model_from_string(data)
    loaded = onnx.load(file)
    for bare, full in zip(plain.graph.initializer, loaded.graph.initializer, strict=True):
        places = {entry.key: entry.value for entry in bare.external_data}
        if places:
            offset, length = int(places["offset"]), int(places["length"])
            assert full.raw_data == weights[offset : offset + length], f"onnx loads other numbers of {bare.name}"


def _check_attribute(attribute: onnx.AttributeProto, ours: object) -> None:
    theirs = onnx.helper.get_attribute_value(attribute)
    if isinstance(theirs, onnx.TensorProto):
        known = getattr(ours, "known", None)
        assert tuple(theirs.dims) == getattr(ours, "shape", None), "other shape of an attribute"
        if known is not None:
            _check_numbers(theirs, known)
        return
    value = tuple(theirs) if isinstance(theirs, list) else theirs.decode() if isinstance(theirs, bytes) else theirs
    assert repr(value) == repr(ours), f"{attribute.name} is {value!r} to protobuf, {ours!r} to the zoo"


def _check_numbers(tensor: onnx.TensorProto, known: tuple[int | float, ...]) -> None:
    numbers = tuple(onnx.numpy_helper.to_array(tensor).ravel().tolist())
    assert repr(numbers) == repr(known), f"{tensor.name} is {numbers} to onnx, {known} to the zoo"


def _dims(record: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    dims = record.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)
