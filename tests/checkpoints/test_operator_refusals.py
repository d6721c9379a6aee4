"""Nodes that the rules of the operators do not follow are refused, even where the runtime would be lenient."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from small_graphs import I64, X4, N, follow, one, w

from zoo.errors import UnsafeFileError

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
    "ceil_mode": (X4, one("MaxPool", kernel_shape=[2, 2], ceil_mode=2), "ceil_mode 2"),
    "window that begins beyond": (
        X4,
        one("MaxPool", kernel_shape=[1, 1], strides=[3, 3], ceil_mode=1),
        "begins beyond",
    ),
    "window larger than the picture, all the same": (
        X4,
        one("MaxPool", kernel_shape=[7, 2], strides=[2, 2], ceil_mode=1),
        "larger than the picture",
    ),
    "smoothed channels": (
        X4,
        one("Resize", None, np.float32([1, 0.5, 1, 1]), mode="linear", antialias=1),
        "antialias of something else",
    ),
    "Range up to a computed number": (
        (2, 3),
        (
            [
                N("ReduceSum", ["x"], ["r"], keepdims=0),
                N("Cast", ["r"], ["i"], to=7),
                N("Range", ["zero", "i", "one"], ["y"]),
            ],
            {"zero": I64(0), "one": I64(1)},
        ),
        "not known from shapes",
    ),
    "Range without steps": ((2, 3), ([N("Range", ["a", "b", "a"], ["y"])], {"a": I64(0), "b": I64(5)}), "step of zero"),
    "Range of fractions": (
        (2, 3),
        ([N("Range", ["a", "b", "c"], ["y"])], {"a": np.float32(0), "b": np.float32(1), "c": np.float32(0.1)}),
        "not three whole numbers",
    ),
    "crop": (
        X4,
        one("Resize", w(8), np.float32([1, 1, 2, 2]), coordinate_transformation_mode="tf_crop_and_resize"),
        "no crop",
    ),
    "GatherND of too many numbers": (X4, one("GatherND", I64([[0, 0, 0, 0, 0]])), "5 numbers for 4 axes"),
    "GatherND, axes that are not shared": (X4, one("GatherND", np.zeros((3, 1), I64), batch_dims=1), "do not match"),
    "GatherND, all axes shared": (X4, one("GatherND", np.zeros((2, 1), I64), batch_dims=2), "batch_dims 2"),
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
