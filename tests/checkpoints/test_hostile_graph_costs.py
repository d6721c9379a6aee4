"""What a graph takes, gives and costs: what is too much, or can't be known, is refused before the runtime sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hostile import I64, N, check_refused, edited, with_nodes
from tiny import NODES, make_model, port

HOSTILE: dict[str, tuple[onnx.ModelProto, str]] = {
    # What goes in and comes out.
    "other input": (
        make_model(
            [N("Conv", ["picture", "conv.weight"], ["translated"])], inputs=[port("picture", ["n", 1, "h", "w"])]
        ),
        "the inputs image, and no other",
    ),
    "two inputs": (
        make_model(inputs=[port("image", ["n", 1, "h", "w"]), port("extra", [1])]),
        "the inputs image, and no other",
    ),
    "no output": (make_model(outputs=[]), "expected: translated"),
    "fixed batch": (make_model(inputs=[port("image", [1, 1, "h", "w"])]), "the first one free"),
    "fixed size": (make_model(inputs=[port("image", ["n", 1, 64, 64])]), "config.json says (1, None, None)"),
    "other channels": (make_model(inputs=[port("image", ["n", 3, "h", "w"])]), "config.json says (1, None, None)"),
    "half precision": (make_model(inputs=[port("image", ["n", 1, "h", "w"], 10)]), "not float32"),
    "other axes": (make_model(inputs=[port("image", ["n", 1, "h"])]), "4 axes"),
    "wrong output": (
        make_model([*NODES[:1], N("ReduceMean", ["features"], ["translated"])]),
        "has shape (1, 1, 1, 1)",
    ),
    "one picture for all": (
        make_model(
            [NODES[0], N("Sigmoid", ["features"], ["all"]), N("ReduceMax", ["all", "c"], ["translated"])],
            {"c": I64([0])},
        ),
        "has shape",
    ),
    "other size": (
        make_model(
            [*NODES[:1], N("Pad", ["features", "pads"], ["translated"])], {"pads": I64([0, 0, 0, 1, 0, 0, 0, 1])}
        ),
        "keep its size",
    ),
    "declares another shape": (
        edited(lambda m: m.graph.value_info.append(port("features", ["n", 7, "h", "w"]))),
        "declares 'features'",
    ),
    "declares another type": (
        edited(lambda m: m.graph.value_info.append(port("features", ["n", 3, "h", "w"], 7))),
        "declares 'features'",
    ),
    # What it would cost.
    "Expand": (with_nodes(N("Expand", ["features", "s"], ["big"]), s=I64([10**6, 1, 1, 1, 1])), "MiB"),
    "ConstantOfShape": (with_nodes(N("ConstantOfShape", ["s"], ["big"]), s=I64([2**20, 2**20])), "MiB"),
    "Resize": (with_nodes(N("Resize", ["features", "", "s"], ["big"]), s=np.float32([1, 1, 1000, 1000])), "MiB"),
    "Resize to sizes": (
        with_nodes(N("Resize", ["features", "", "", "s"], ["big"]), s=I64([2, 3, 10**6, 10**6])),
        "MiB",
    ),
    "Pad": (with_nodes(N("Pad", ["features", "p"], ["big"]), p=I64([0, 0, 10**5, 10**5] * 2)), "MiB"),
    "Tile": (with_nodes(N("Tile", ["features", "s"], ["big"]), s=I64([1, 10**5, 1, 1])), "MiB"),
    "ConvTranspose": (
        with_nodes(
            N("ConvTranspose", ["features", "k"], ["big"], strides=[999, 999]), k=np.zeros((3, 1, 1, 1), np.float32)
        ),
        "MiB",
    ),
    "Conv padded": (
        with_nodes(N("Conv", ["features", "k"], ["big"], pads=[10**5] * 4), k=np.zeros((1, 3, 1, 1), np.float32)),
        "MiB",
    ),
    "pooling window": (
        with_nodes(N("AveragePool", ["features"], ["big"], kernel_shape=[9 * 10**4] * 2, pads=[45_000] * 4)),
        "multiplications",
    ),
    "attention over every pixel": (
        with_nodes(
            N("Flatten", ["features"], ["row"], axis=1),
            N("Transpose", ["row"], ["column"]),
            N("MatMul", ["column", "row"], ["big"]),
        ),
        "MiB",
    ),
    "doubling": (
        with_nodes(
            *(N("Concat", ["features" if i == 0 else f"d{i - 1}"] * 2, [f"d{i}"], axis=0) for i in range(40)),
            N("Identity", ["d39"], ["big"]),
        ),
        "MiB",
    ),
    "many values at once": (
        with_nodes(
            *(N("Tile", ["features", "s"], [f"t{i}"]) for i in range(30)),
            N("Sum", [f"t{i}" for i in range(30)], ["big"]),
            s=I64([1, 200, 1, 1]),
        ),
        "in all",
    ),
    "work without memory": (
        with_nodes(
            N("Tile", ["features", "s"], ["wide"]),
            N("Flatten", ["wide"], ["rows"], axis=2),
            N("Transpose", ["rows"], ["columns"], perm=[1, 0]),
            *(N("MatMul", ["rows", "columns"], [f"m{i}"]) for i in range(40)),
            N("Sum", [f"m{i}" for i in range(40)], ["big"]),
            s=I64([1, 160, 1, 1]),
        ),
        "multiplications",
    ),
    # What would wrap around, or is beyond any machine.
    "a size beyond 64 bits": (
        with_nodes(
            *(N("Tile", ["features" if i == 0 else f"t{i - 1}", "s"], [f"t{i}"]) for i in range(3)),
            N("Identity", ["t2"], ["big"]),
            s=I64([2**62, 1, 1, 1]),
        ),
        "MiB",
    ),
    "a pad beyond 32 bits": (
        with_nodes(N("Pad", ["features", "p"], ["big"]), p=I64([0, 0, 2**62, 0] * 2)),
        "pads do not match",
    ),
    "a scale beyond 24 bits": (
        with_nodes(N("Resize", ["features", "", "s"], ["big"]), s=np.float32([1, 1, 2.0**30, 2.0**30])),
        "scales",
    ),
    "a stride beyond 32 bits": (
        with_nodes(
            N("ConvTranspose", ["features", "k"], ["big"], strides=[2**62, 1]), k=np.zeros((3, 1, 1, 1), np.float32)
        ),
        "too large",
    ),
    "strides of 2 ** 31": (
        with_nodes(
            N("ConvTranspose", ["features", "k"], ["big"], strides=[2**31 - 1] * 2),
            k=np.zeros((3, 1, 1, 1), np.float32),
        ),
        "MiB",
    ),
    "padding of an output beyond its stride": (
        with_nodes(
            N("ConvTranspose", ["features", "k"], ["big"], strides=[2, 2], output_padding=[2**31, 2**31]),
            k=np.zeros((3, 1, 1, 1), np.float32),
        ),
        "output_padding too large",
    ),
    "dilations and pads that make up for each other": (
        with_nodes(
            N("Conv", ["features", "k"], ["big"], dilations=[2**31 - 1] * 2, pads=[2**31 - 1] * 4),
            k=np.zeros((1, 3, 2, 2), np.float32),
        ),
        "MiB",
    ),
    "a block of negative size": (with_nodes(N("DepthToSpace", ["features"], ["big"], blocksize=-(2**62))), "blocksize"),
    "a power of whole numbers as a size": (
        with_nodes(
            N("Pow", ["two", "many"], ["p"]), N("ConstantOfShape", ["p"], ["big"]), two=I64([2]), many=I64([62])
        ),
        "not known from shapes",
    ),
    "sums that wrap around": (
        with_nodes(N("Add", ["m", "m"], ["p"]), N("ConstantOfShape", ["p"], ["big"]), m=I64([2**63 - 1])),
        "not known from shapes",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    check_refused(*HOSTILE[name], tmp_path, monkeypatch)


# One whole number and one scale that are what is in the picture, in three ways.
SUMMED = [N("ReduceSum", ["image"], ["summed"], keepdims=0), N("Cast", ["summed"], ["whole"], to=7)]
PLACES = [N("Flatten", ["image"], ["row"]), N("ArgMax", ["row"], ["places"], axis=1)]
PLACED = [*PLACES, N("ReduceMax", ["places"], ["whole"], keepdims=0)]
PICKED = [
    *PLACES,
    N("ReduceMin", ["places"], ["one"], keepdims=0),
    N("Shape", ["image"], ["shape"]),
    N("Gather", ["shape", "one"], ["whole"]),
]
WAYS = {"a sum": SUMMED, "a place": PLACED, "a size picked by a place": PICKED}
CONSTANTS = {
    "ones": I64([1, 1, 1]),
    "zeros": I64([0, 0, 0, 0]),
    "zero": I64([0]),
    "nothing": I64(0),
    "step": I64(1),
}
USES: dict[str, list[onnx.NodeProto]] = {
    "Reshape": [N("Reshape", ["image", "sizes"], ["big"])],
    "Tile": [N("Tile", ["image", "sizes"], ["big"])],
    "Expand": [N("Expand", ["image", "sizes"], ["big"])],
    "ConstantOfShape": [N("ConstantOfShape", ["sizes"], ["big"])],
    "Resize to a size": [N("Resize", ["image", "", "", "sizes"], ["big"])],
    "Resize by a scale": [N("Cast", ["sizes"], ["scales"], to=1), N("Resize", ["image", "", "scales"], ["big"])],
    "Pad": [N("Concat", ["sizes", "sizes"], ["pads"], axis=0), N("Pad", ["image", "pads"], ["big"])],
    "Slice": [N("Slice", ["image", "zeros", "sizes"], ["big"])],
    "Split": [N("Split", ["image", "sizes"], ["a", "b", "c", "big"], axis=2)],
    "Range": [N("Range", ["nothing", "whole", "step"], ["big"])],
    "Unsqueeze": [N("Unsqueeze", ["image", "sizes"], ["big"])],
    "ReduceSum": [N("ReduceSum", ["image", "sizes"], ["big"])],
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("way", WAYS)
def test_a_size_that_depends_on_pixel_values_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, use: str
) -> None:
    sizes = N("Concat", ["ones", "single"], ["sizes"], axis=0)
    nodes = [*WAYS[way], N("Unsqueeze", ["whole", "zero"], ["single"]), sizes, *USES[use]]
    model = with_nodes(*nodes, **CONSTANTS)
    word = "its inputs or attributes" if use == "Resize by a scale" else "a size is not known from shapes"
    check_refused(model, word, tmp_path, monkeypatch)
