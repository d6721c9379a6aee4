"""One method of a network as an ONNX graph whose weights are ranges of the weights file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from zoo.catalog.interface import Interface, RoleName
from zoo.checkpoints.eight_bits import SUFFIX
from zoo.checkpoints.onnx.schema import MAX_INLINE_BYTES
from zoo.errors import TrainingError
from zoo.inference.backends.mixture import method

OPSET = 20


class Capability(nn.Module):
    """One method of a network as a module of its own, so that it can be exported."""

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network, self.method = network, name

    def forward(self, x: Tensor, *others: Tensor) -> Any:
        """Call the method."""
        return method(self.network, self.method)(x, *others)


def answers_of(network: nn.Module, name: str, *example: Tensor) -> tuple[Tensor, ...]:
    """What a method answers, without gradients."""
    with torch.no_grad():
        answer = method(network, name)(*example)
    return answer if isinstance(answer, tuple) else (answer,)


def write_graph(
    network: nn.Module, name: RoleName, interface: Interface, example: tuple[Tensor, ...], weights: Path
) -> str:
    """Export the method of a role as NAME.onnx beside its weights file; returns the sha256 of the graph's file.

    `example` are inputs of it. Raises TrainingError for a method that can't be a graph.
    """
    first, *others = (dict.fromkeys(axes, torch.export.Dim.DYNAMIC) for axes in interface.free_axes(name))
    count = len(answers_of(network, name, *example))
    try:
        with _quiet():
            program = torch.onnx.export(
                Capability(network, name).eval(),
                example,
                input_names=[port.name for port in interface.inputs(name)],
                output_names=[port.name for port in interface.outputs(name, count)],
                dynamic_shapes=(first, tuple(others)) if others else (first,),
                opset_version=OPSET,
                external_data=False,
                dynamo=True,
                optimize=False,
                verbose=False,
            )
            assert program is not None
            _optimize(program)
    except Exception as error:  # the exporter's errors share no base class
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise TrainingError(f"{name} can't be written as an ONNX graph: {reason}") from error
    graph = program.model_proto
    _point_at_weights(graph, weights)
    _require_small_constants(graph, name)
    data = graph.SerializeToString()
    weights.with_name(f"{name}.onnx").write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _optimize(program: Any) -> None:
    """The exporter's optimisation, with every weight left as it is.

    It would merge norms into the convolutions beside them, whose weights would then no longer be those of the weights
    file; what is an input of the graph as well, it leaves alone.
    """
    graph = program.model.graph
    given = len(graph.inputs)
    graph.inputs.extend(graph.initializers.values())
    program.optimize()
    del graph.inputs[given:]


def _point_at_weights(model: onnx.ModelProto, weights: Path) -> None:
    """Replace each weight in the graph by its range of the weights file, made float32 where it is stored in fewer bits.

    Weights that the exporter folded away from their stored values would be missing from the table, so what is left
    inline must be small: shapes and scalars.
    """
    table = _places(weights)
    made = []
    for tensor in list(model.graph.initializer):
        name, full = tensor.name.removeprefix("network."), tensor.name
        dtype = _point(tensor, weights.name, table[name]) if name in table else ""
        if dtype == "F16":
            tensor.name, tensor.data_type = f"{full}.half", onnx.TensorProto.FLOAT16
            made.append(onnx.helper.make_node("Cast", [tensor.name], [full], to=onnx.TensorProto.FLOAT))
        if dtype == "I8":
            tensor.name, tensor.data_type = f"{full}.int8", onnx.TensorProto.INT8
            scale = model.graph.initializer.add(name=f"{full}{SUFFIX}", data_type=onnx.TensorProto.FLOAT)
            scale.dims.append(tensor.dims[0])
            _point(scale, weights.name, table[f"{name}{SUFFIX}"])
            made.append(onnx.helper.make_node("DequantizeLinear", [tensor.name, scale.name], [full], axis=0))
    for node in reversed(made):
        model.graph.node.insert(0, node)
    # Where each operator came from in the source, with paths of the machine that exported: of no use to a reader.
    del model.metadata_props[:]
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]


def _places(weights: Path) -> dict[str, tuple[str, int, int]]:
    """Name -> element type, offset in the file and length of each tensor."""
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        table = json.loads(file.read(length))
    ranges = {name: (entry["dtype"], *entry["data_offsets"]) for name, entry in table.items() if name != "__metadata__"}
    return {name: (dtype, 8 + length + begin, end - begin) for name, (dtype, begin, end) in ranges.items()}


def _point(tensor: onnx.TensorProto, file: str, place: tuple[str, int, int]) -> str:
    """Leave the numbers to a range of the weights file; returns the type they are stored in."""
    dtype, offset, length = place
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": file, "offset": offset, "length": length}.items():
        tensor.external_data.add(key=key, value=str(value))
    return dtype


def _require_small_constants(model: onnx.ModelProto, name: str) -> None:
    """Raise TrainingError for a table that is no weight, yet too large to be in a graph."""
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) > MAX_INLINE_BYTES:
            shape = tuple(tensor.dims)
            raise TrainingError(
                f"{name} needs {tensor.name.removeprefix('network.')} of shape {shape}, which is not among the weights "
                "and too large for a graph: make it a parameter, or a buffer of floating point that is persistent"
            )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter talks on stdout, through warnings and through logging; none of it is for the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
