"""The rules of the operators against the runtime itself: the same shapes, or the rule is the stricter one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from small_graphs import I64, MAX, X4, N, follow, one, run, w

from zoo.checkpoints.onnx.operators import RULES

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
    "AveragePool of what is left": (
        (2, 4, 7, 9),
        one("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    ),
    "MaxPool of what is left, padded": (
        X4,
        one("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1),
    ),
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
    "GatherND": (X4, one("GatherND", I64([[[0, 1], [1, 3], [0, 0]]]))),
    "GatherND, shared axes": (X4, one("GatherND", np.zeros((2, 4, 5, 1), I64), batch_dims=2)),
    "CumSum": (X4, one("CumSum", I64(2))),
    "Expand": ((2, 1, 3), one("Expand", I64([4, 1, 5, 1]))),
    "Tile": ((2, 3), one("Tile", I64([2, 4]))),
    "Pad": (X4, one("Pad", I64([0, 0, 1, 2, 0, 0, 3, 4]))),
    "Pad mirrored, some axes": (X4, one("Pad", I64([1, 2, 3, 4]), None, I64([2, 3]), mode="reflect")),
    "Resize by scales": (X4, one("Resize", None, np.float32([1, 1, 2, 2]), mode="nearest")),
    "Resize down": (X4, one("Resize", None, np.float32([1, 1, 0.5, 0.25]), mode="linear")),
    "Resize to sizes": (X4, one("Resize", None, None, I64([2, 4, 7, 5]), mode="linear")),
    "Resize smoothed": (X4, one("Resize", None, np.float32([1, 1, 0.5, 0.25]), mode="linear", antialias=1)),
    "Resize smoothed to sizes": (X4, one("Resize", None, None, I64([2, 4, 3, 20]), mode="cubic", antialias=1)),
    "DepthToSpace": (X4, one("DepthToSpace", blocksize=2)),
    "SpaceToDepth": (X4, one("SpaceToDepth", blocksize=2)),
    "Shape": (X4, one("Shape", start=1)),
    "ConstantOfShape": (X4, ([N("ConstantOfShape", ["s"], ["y"])], {"s": I64([3, 2])})),
    "Constant": (X4, ([N("Constant", [], ["y"], value_floats=[1.0, 2.0])], {})),
    "Cast": (X4, one("Cast", to=6)),
    "Range": (
        X4,
        (
            [
                N("Shape", ["x"], ["s"]),
                N("Gather", ["s", "last"], ["width"]),
                N("Range", ["zero", "width", "three"], ["y"]),
            ],
            {"last": I64(-1), "zero": I64(0), "three": I64(3)},
        ),
    ),
    "Range backwards, long": (
        X4,
        ([N("Range", ["a", "b", "c"], ["y"])], {"a": np.int32(100), "b": np.int32(-101), "c": np.int32(-2)}),
    ),
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


def test_data_dependent_and_control_flow_operators_are_refused() -> None:
    forbidden = ["If", "Loop", "Scan", "SequenceMap", "NonZero", "Compress", "Unique", "TopK", "NonMaxSuppression"]
    assert not set(forbidden) & set(RULES)


def test_the_cost_of_a_run_is_known() -> None:
    nodes, constants = one("ConvTranspose", w(4, 3, 4, 4))
    found = follow(nodes, X4, constants)
    assert found.outputs == ((2, 3, 9, 11),)
    assert found.work == 2 * 4 * 6 * 8 * 3 * 16 + 2 * (2 * 3 * 9 * 11)
    assert found.largest == 4 * 6 * 8 * 3 * 16  # the products, laid out before they are added up


def test_the_intermediate_array_of_a_smoothed_resize_is_counted() -> None:
    nodes, constants = one("Resize", None, None, I64([1, 1, 1, 400]), mode="linear", antialias=1)
    assert follow(nodes, (1, 1, 300, 1), constants).largest == 4 * 300 * 400


def test_a_long_range_is_counted_before_it_is_made() -> None:
    nodes = [N("Range", ["zero", "end", "one"], ["y"])]
    assert follow(nodes, (1, 1), {"zero": I64(0), "end": I64(2**31 - 1), "one": I64(1)}, 1).too_large
