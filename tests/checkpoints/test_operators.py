"""The rules of the operators against the runtime itself: the same shapes, or the rule is the stricter one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from tiny import make_model, port

from zoo.checkpoints.graph_file import read_graph
from zoo.checkpoints.graphs import Trace, trace
from zoo.checkpoints.operators import RULES
from zoo.errors import UnsafeFileError

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
CASES: dict[str, tuple[tuple[int, ...], tuple[list[onnx.NodeProto], dict[str, Any]]]] = {
    **{name: (X4, one(name)) for name in ("Relu", "Sqrt", "Erf", "Softplus", "Identity", "GlobalAveragePool", "Gelu")},
    "Clip": (X4, one("Clip", np.float32(0), None)),
    "Softmax": (X4, one("Softmax", axis=1)),
    "Add": (X4, one("Add", w(4, 1, 1))),
    "Mul that grows": ((1, 4, 1, 8), one("Mul", w(3, 1, 5, 1))),
    "Max of three": (X4, one("Max", w(8), w(6, 1))),
    "PRelu": (X4, one("PRelu", w(4, 1, 1))),
    "Less": (X4, one("Less", w(1))),
    "Where": (
        X4,
        ([N("Less", ["x", "a"], ["c"]), N("Where", ["c", "x", "b"], ["y"])], {"a": w(1), "b": w(3, 1, 1, 1, 1)}),
    ),
    "BatchNormalization": (X4, one("BatchNormalization", w(4), w(4), w(4), w(4))),
    "InstanceNormalization": (X4, one("InstanceNormalization", w(4), w(4))),
    "LayerNormalization": (X4, one("LayerNormalization", w(8), w(8))),
    "GroupNormalization": (X4, one("GroupNormalization", w(2), w(2), num_groups=2)),
    "Conv": (X4, one("Conv", w(5, 4, 3, 3), w(5), pads=[1, 1, 1, 1], strides=[2, 2])),
    "Conv, all else": (X4, one("Conv", w(6, 2, 2, 3), group=2, dilations=[2, 1], pads=[0, 1, 2, 3], strides=[1, 3])),
    "Conv 1-D": ((2, 4, 9), one("Conv", w(5, 4, 3))),
    "ConvTranspose": (X4, one("ConvTranspose", w(4, 3, 4, 4), w(3), strides=[2, 2], pads=[1, 1, 1, 1])),
    "ConvTranspose, all else": (
        X4,
        one(
            "ConvTranspose",
            w(4, 3, 3, 2),
            group=2,
            strides=[2, 3],
            output_padding=[1, 2],
            dilations=[2, 1],
            pads=[1, 0, 0, 1],
        ),
    ),
    "AveragePool": (X4, one("AveragePool", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])),
    "MaxPool": (X4, one("MaxPool", kernel_shape=[2, 2], strides=[2, 2])),
    "MaxPool dilated": (X4, one("MaxPool", kernel_shape=[2, 3], dilations=[3, 2])),
    "MatMul": (X4, one("MatMul", w(3, 1, 1, 8, 5))),
    "Gemm": ((3, 8), one("Gemm", w(5, 8), w(5), transB=1)),
    "Gemm turned": ((8, 3), one("Gemm", w(8, 5), transA=1)),
    "ReduceMean": (X4, one("ReduceMean", I64([2, -1]))),
    "ReduceSum, axes dropped": (X4, one("ReduceSum", I64([0, 2]), keepdims=0)),
    "ReduceMax of all": (X4, one("ReduceMax")),
    "ArgMax": (X4, one("ArgMax", axis=1, keepdims=0)),
    "Reshape": (X4, one("Reshape", I64([0, -1, 4]))),
    "Reshape to fixed": (X4, one("Reshape", I64([4, 96]))),
    "Flatten": (X4, one("Flatten", axis=2)),
    "Flatten to a row": (X4, one("Flatten", axis=0)),
    "Transpose": (X4, one("Transpose", perm=[0, 2, 3, 1])),
    "Transpose, default": (X4, one("Transpose")),
    "Squeeze": ((2, 1, 3, 1), one("Squeeze")),
    "Squeeze an axis": ((2, 1, 3, 1), one("Squeeze", I64([-1]))),
    "Unsqueeze": ((2, 3), one("Unsqueeze", I64([0, -1]))),
    "Concat": (X4, one("Concat", w(2, 3, 6, 8), axis=1)),
    "Split": (X4, one("Split", I64([1, 3]), outputs=2, axis=1)),
    "Split unevenly": ((2, 7), one("Split", outputs=3, axis=1, num_outputs=3)),
    "Slice": (X4, one("Slice", I64([1, -5]), I64([MAX, -1]), I64([2, 3]), I64([2, 3]))),
    "Slice backwards": (X4, one("Slice", I64([-1]), I64([-MAX]), I64([3]), I64([-2]))),
    "Slice, clamped": (X4, one("Slice", I64([-100]), I64([100]), I64([1]))),
    "Gather": (X4, one("Gather", I64([[0, 1], [2, 3]]), axis=1)),
    "Gather one": (X4, one("Gather", I64(1), axis=2)),
    "Expand": ((2, 1, 3), one("Expand", I64([4, 1, 5, 1]))),
    "Tile": ((2, 3), one("Tile", I64([2, 4]))),
    "Pad": (X4, one("Pad", I64([0, 0, 1, 2, 0, 0, 3, 4]))),
    "Pad mirrored, some axes": (X4, one("Pad", I64([1, 2, 3, 4]), None, I64([2, 3]), mode="reflect")),
    "Resize by scales": (X4, one("Resize", None, np.float32([1, 1, 2, 2]), mode="nearest")),
    "Resize down": (X4, one("Resize", None, np.float32([1, 1, 0.5, 0.25]), mode="linear")),
    "Resize to sizes": (X4, one("Resize", None, None, I64([2, 4, 7, 5]), mode="linear")),
    "DepthToSpace": (X4, one("DepthToSpace", blocksize=2)),
    "SpaceToDepth": (X4, one("SpaceToDepth", blocksize=2)),
    "Shape": (X4, one("Shape", start=1)),
    "ConstantOfShape": (X4, ([N("ConstantOfShape", ["s"], ["y"])], {"s": I64([3, 2])})),
    "Constant": (X4, ([N("Constant", [], ["y"], value_floats=[1.0, 2.0])], {})),
    "Cast": (X4, one("Cast", to=6)),
    "sizes computed from shapes": (
        X4,
        (
            [
                N("Shape", ["x"], ["s"]),
                N("Gather", ["s", "two"], ["h"]),
                N("Mul", ["h", "two"], ["h2"]),
                N("Add", ["h2", "two"], ["h3"]),
                N("Div", ["h3", "two"], ["h4"]),
                N("Unsqueeze", ["h4", "zero"], ["h5"]),
                N("Slice", ["s", "zero", "ends"], ["front"]),
                N("Concat", ["front", "h5", "minus"], ["target"], axis=0),
                N("Tile", ["x", "repeats"], ["big"]),
                N("Reshape", ["big", "target"], ["y"]),
            ],
            {"two": I64(2), "zero": I64([0]), "ends": I64([2]), "minus": I64([-1]), "repeats": I64([1, 1, 7, 1])},
        ),
    ),
    "sizes of an enlarged picture": (
        X4,
        (
            [
                N("Shape", ["x"], ["s"]),
                N("Cast", ["s"], ["f"], to=1),
                N("Cast", ["f"], ["i"], to=7),
                N("Mul", ["i", "twice"], ["target"]),
                N("Resize", ["x", "", "", "target"], ["y"], mode="linear"),
            ],
            {"twice": I64([1, 1, 2, 2])},
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_gives_the_shape_that_the_runtime_gives(name: str) -> None:
    shape, (nodes, constants) = CASES[name]
    found = run(nodes, shape, constants)
    assert follow(nodes, shape, constants, len(found)).outputs == (found,)


BAD: dict[str, tuple[tuple[int, ...], tuple[list[onnx.NodeProto], dict[str, Any]], str]] = {
    "Expand by a computed number": (
        (2, 3),
        (
            [
                N("ReduceSum", ["x"], ["r"]),
                N("Cast", ["r"], ["i"], to=7),
                N("Reshape", ["i", "one"], ["s"]),
                N("Expand", ["x", "s"], ["y"]),
            ],
            {"one": I64([1])},
        ),
        "not known from shapes",
    ),
    "Reshape by a computed number": (
        (2, 3),
        ([N("ArgMax", ["x"], ["s"], axis=1, keepdims=0), N("Reshape", ["x", "s"], ["y"])], {}),
        "not known from shapes",
    ),
    "division of computed whole numbers": (
        (2, 3),
        ([N("Cast", ["x"], ["i"], to=7), N("Div", ["i", "i"], ["y"])], {}),
        "not known from shapes",
    ),
    "division by zero": (
        (2, 3),
        ([N("Shape", ["x"], ["s"]), N("Div", ["s", "z"], ["y"])], {"z": I64(0)}),
        "not positive",
    ),
    "division of the smallest": (
        (2, 3),
        ([N("Div", ["m", "z"], ["y"])], {"m": I64([-(2**63)]), "z": I64([-1])}),
        "not positive",
    ),
    "product beyond 32 bits": (
        (2, 3),
        ([N("Mul", ["m", "m"], ["s"]), N("Expand", ["x", "s"], ["y"])], {"m": I64([2**40])}),
        "not known from shapes",
    ),
    "shapes that do not match": ((2, 3), one("Add", w(4)), "do not match"),
    "channels that do not match": (X4, one("Conv", w(5, 3, 3, 3)), "channels"),
    "kernel_shape that differs": (X4, one("Conv", w(5, 4, 3, 3), kernel_shape=[1, 1]), "kernel_shape"),
    "auto_pad": (X4, one("Conv", w(5, 4, 3, 3), auto_pad="SAME_UPPER"), "auto_pad"),
    "stride of zero": (X4, one("Conv", w(5, 4, 3, 3), strides=[0, 1]), "too small"),
    "negative pads": (X4, one("Conv", w(5, 4, 3, 3), pads=[-1, 0, 0, 0]), "too small"),
    "strides as text": (X4, one("Conv", w(5, 4, 3, 3), strides="11"), "strides is not a list"),
    "output_shape": (X4, one("ConvTranspose", w(4, 1, 2, 2), output_shape=[99999, 99999]), "output_shape"),
    "output_padding": (X4, one("ConvTranspose", w(4, 1, 2, 2), output_padding=[7, 7]), "output_padding"),
    "window larger than the picture": (X4, one("Conv", w(5, 4, 9, 9)), "a result of shape"),
    "pool pads": (X4, one("MaxPool", kernel_shape=[2, 2], pads=[2, 2, 2, 2]), "a pad reaches"),
    "ceil_mode": (X4, one("MaxPool", kernel_shape=[2, 2], ceil_mode=1), "ceil_mode"),
    "mirror beyond the picture": (X4, one("Pad", I64([0, 0, 6, 0, 0, 0, 0, 0]), mode="reflect"), "a pad reaches"),
    "negative pad": (X4, one("Pad", I64([0, 0, -1, 0, 0, 0, 0, 0])), "pads do not match"),
    "scales that cut a pixel": (X4, one("Resize", None, np.float32([1, 1, 1.1, 1])), "cut a pixel"),
    "scales of infinity": (X4, one("Resize", None, np.float32([1, 1, np.inf, 1])), "not positive"),
    "scales that are no numbers": (X4, one("Resize", None, np.float32([1, 1, np.nan, 1])), "not positive"),
    "crop": (
        X4,
        one("Resize", w(8), np.float32([1, 1, 2, 2]), coordinate_transformation_mode="tf_crop_and_resize"),
        "no crop",
    ),
    "nothing left": (X4, one("Slice", I64([5]), I64([5]), I64([3])), "a result of shape"),
    "an empty list of axes": ((2, 1, 3), one("Squeeze", I64([])), "an empty list of axes"),
    "axis twice": (X4, one("ReduceSum", I64([1, -3])), "named twice"),
    "axis beyond": (X4, one("ArgMax", axis=4), "no axis 4"),
    "nine axes": ((2, 3), one("Reshape", I64([1] * 8 + [6])), "a result of shape"),
    "elements that do not fit": (X4, one("Reshape", I64([5, -1])), "does not fit"),
    "negative constant size": ((2, 3), ([N("ConstantOfShape", ["s"], ["y"])], {"s": I64([-5])}), "not positive"),
    "training": (X4, one("BatchNormalization", w(4), w(4), w(4), w(4), training_mode=1), "training_mode"),
    "too many outputs": (X4, one("MaxPool", outputs=2, kernel_shape=[2, 2]), "2 outputs"),
    "missing input": (X4, ([N("Concat", ["x", ""], ["y"], axis=0)], {}), "not those of the operator"),
    "no input": ((2, 3), ([N("Relu", [], ["y"])], {}), "not those of the operator"),
    "conversion to text": ((2, 3), one("Cast", to=8), "no conversion"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_node_that_the_rules_do_not_follow_is_refused(name: str) -> None:
    shape, (nodes, constants), word = BAD[name]
    with pytest.raises(UnsafeFileError, match=word):
        follow(nodes, shape, constants)


def test_no_operator_with_a_size_from_its_data_or_with_code_of_its_own_is_allowed() -> None:
    forbidden = ["If", "Loop", "Scan", "SequenceMap", "NonZero", "Compress", "Unique", "TopK", "NonMaxSuppression"]
    assert not set(forbidden) & set(RULES)


def test_the_cost_of_a_run_is_known() -> None:
    nodes, constants = one("ConvTranspose", w(4, 3, 4, 4))
    found = follow(nodes, X4, constants)
    assert found.outputs == ((2, 3, 9, 11),)
    assert found.work == 2 * 4 * 6 * 8 * 3 * 16 + 2 * (2 * 3 * 9 * 11)
    assert found.largest == 4 * 6 * 8 * 3 * 16  # the products, laid out before they are added up
