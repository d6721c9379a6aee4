"""Graphs of a node or a few, and what the rules of the operators and the runtime say of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from tiny import make_model, port

from zoo.checkpoints.onnx.file import read_graph
from zoo.checkpoints.onnx.graphs import Trace, trace

onnxruntime.set_default_logger_severity(4)
N = helper.make_node
I64 = np.int64
MAX = 2**63 - 1


def model(nodes: list[onnx.NodeProto], shape: tuple[int, ...], constants: dict[str, Any], rank: int) -> onnx.ModelProto:
    """Input `x`, output `y` cast to float."""
    inputs = [port("x", [f"x{axis}" for axis in range(len(shape))])]
    outputs = [port("out", [f"y{axis}" for axis in range(rank)])]
    return make_model([*nodes, N("Cast", ["y"], ["out"], to=1)], constants, inputs, outputs, weights={})


def run(nodes: list[onnx.NodeProto], shape: tuple[int, ...], constants: dict[str, Any]) -> tuple[int, ...]:
    """The shape the runtime gives."""
    onnx_model = model(nodes, shape, constants, 0)
    onnx_model.graph.output[0].type.tensor_type.ClearField("shape")
    session = onnxruntime.InferenceSession(onnx_model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.linspace(0.1, 0.9, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    return tuple(session.run(None, {"x": x})[0].shape)


def follow(nodes: list[onnx.NodeProto], shape: tuple[int, ...], constants: dict[str, Any], rank: int = 4) -> Trace:
    """What the rules say."""
    data = model(nodes, shape, constants, rank).SerializeToString()
    return trace(read_graph("t.onnx", data, {}), shape)


def one(
    operator: str, *constants: Any, outputs: int = 1, **attributes: Any
) -> tuple[list[onnx.NodeProto], dict[str, Any]]:
    """One node on `x` and constants; None leaves an input out. Of several outputs the last is `y`."""
    names = ["x"] + [f"c{place}" if value is not None else "" for place, value in enumerate(constants)]
    values = {f"c{place}": np.asarray(value) for place, value in enumerate(constants) if value is not None}
    results = [*(f"o{place}" for place in range(outputs - 1)), "y"]
    return [N(operator, names, results, **attributes)], values


def w(*shape: int) -> np.ndarray:
    return np.full(shape, 0.1, np.float32)


X4 = (2, 4, 6, 8)
