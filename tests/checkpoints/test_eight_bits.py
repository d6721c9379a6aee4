"""Format 3: weights in 8 bits, which graphs and readers make the same float32 numbers of."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import oracles
import pytest
from onnx import helper
from safetensors.numpy import save
from tiny import EIGHT_BITS, NODES, edit_config, make_model, port, sign, write_checkpoint

from zoo.checkpoints.format import read_checkpoint
from zoo.checkpoints.onnx.graphs import trace
from zoo.errors import UnsafeFileError
from zoo.inference.backends.onnx import OnnxBackend

N = helper.make_node
PRODUCT = EIGHT_BITS["conv.weight"].astype(np.float32) * EIGHT_BITS["conv.weight.scale"][:, None, None, None]
Weights = dict[str, np.ndarray]


def write(folder: Path, model: onnx.ModelProto | None = None, weights: Mapping[str, np.ndarray] = EIGHT_BITS) -> Path:
    return write_checkpoint(folder, model or make_model(weights=weights), weights)


def test_a_checkpoint_of_8_bit_weights_is_read_and_runs(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write(tmp_path), "tiny")
    assert checkpoint.config.weights.parameters == 6
    image = np.linspace(0, 1, 2 * 4 * 5, dtype=np.float32).reshape(2, 1, 4, 5)
    features = image * PRODUCT[:, 0, 0, 0][:, None, None] + EIGHT_BITS["conv.bias"].astype(np.float32)[:, None, None]
    (made,) = OnnxBackend(checkpoint).run("translate", image)
    np.testing.assert_allclose(made, 1 / (1 + np.exp(-features)), atol=1e-6)
    oracles.check_checkpoint(checkpoint)


def test_arrays_are_the_products_in_float32(tmp_path: Path) -> None:
    arrays = read_checkpoint(write(tmp_path), "tiny").arrays()
    assert set(arrays) == {"conv.weight", "conv.bias"}
    assert arrays["conv.weight"].dtype == np.float32
    np.testing.assert_array_equal(arrays["conv.weight"], PRODUCT)


@pytest.mark.parametrize("opset", range(18, 25))
def test_the_runtime_has_exactly_these_weights(tmp_path: Path, opset: int) -> None:
    """A white pixel times one weight for each dimension of the latent."""
    rng = np.random.default_rng(opset)
    weights = {
        "row": rng.integers(-128, 128, (200, 1)).astype(np.int8),
        "row.scale": rng.uniform(1e-6, 0.1, 200).astype(np.float32),
    }
    nodes = [N("Flatten", ["image"], ["pixel"]), N("Gemm", ["pixel", "row"], ["mean"], transB=1)]
    image = {"channels": 1, "size": [1, 1]}
    model = make_model(
        nodes, None, [port("image", ["n", 1, 1, 1])], [port("mean", ["n", 200])], weights=weights, opset=opset
    )
    folder = write_checkpoint(
        tmp_path,
        {"encode": model},
        weights,
        latent={"shape": [200], "prior": "none"},
        capabilities={"encode": {"graph": "encode.onnx", "sha256": "0" * 64, "input": image, "fit": "resize"}},
    )
    checkpoint = read_checkpoint(folder, "tiny")
    (mean,) = OnnxBackend(checkpoint).run("encode", np.ones((1, 1, 1, 1), np.float32))
    np.testing.assert_array_equal(mean[0], checkpoint.arrays()["row"][:, 0])


def changed(**arrays: np.ndarray | None) -> Weights:
    """The small network's weights with some others; None takes one out. "__" stands for a dot."""
    named = {name.replace("__", "."): array for name, array in arrays.items()}
    return {name: array for name, array in {**EIGHT_BITS, **named}.items() if array is not None}


SCALE = EIGHT_BITS["conv.weight.scale"]
WRONG: dict[str, tuple[Weights, str]] = {
    "no scales": (changed(conv__weight__scale=None), "lacks conv.weight.scale, which must be float32 of shape (3,)"),
    "scales in half": (changed(conv__weight__scale=SCALE.astype(np.float16)), "must be float32 of shape (3,)"),
    "scales in 8 bits": (changed(conv__weight__scale=np.ones((3, 1), np.int8)), "must be float32 of shape (3,)"),
    "too few scales": (changed(conv__weight__scale=SCALE[:2]), "must be float32 of shape (3,)"),
    "scales of two axes": (changed(conv__weight__scale=SCALE[:, None]), "must be float32 of shape (3,)"),
    "a bias in 8 bits": (
        changed(conv__bias=np.ones(3, np.int8), conv__bias__scale=SCALE),
        "int8 tensor conv.bias has one axis",
    ),
    "a weight in float32": (changed(conv__bias=np.ones(3, np.float32)), "tensor conv.bias is float32"),
    "scales of nothing": (changed(other__scale=SCALE), "tensor other.scale is float32"),
    "nothing in 8 bits": (
        changed(conv__weight=np.ones((3, 1, 1, 1), np.float16), conv__weight__scale=None),
        "holds no int8 tensor",
    ),
}


def refused(folder: Path, word: str) -> None:
    with pytest.raises(UnsafeFileError) as caught:
        read_checkpoint(folder, "dir:tiny")
    assert word in str(caught.value)
    assert str(caught.value).startswith("dir:tiny: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WRONG)
def test_weights_that_are_not_whole_are_refused(tmp_path: Path, name: str) -> None:
    weights, word = WRONG[name]
    write(tmp_path)
    refused(replaced(tmp_path, save(weights)), word)


def replaced(folder: Path, data: bytes) -> Path:
    (folder / "model.safetensors").write_bytes(data)
    sign(folder)
    return folder


def test_tensors_off_their_boundaries_are_refused(tmp_path: Path) -> None:
    order = ("conv.weight", "conv.bias", "conv.weight.scale")
    kinds, table, body = {"int8": "I8", "float16": "F16", "float32": "F32"}, {}, b""
    for name in order:
        array, begin = EIGHT_BITS[name], len(body)
        body += array.tobytes()
        table[name] = {"dtype": kinds[str(array.dtype)], "shape": array.shape, "data_offsets": [begin, len(body)]}
    header = json.dumps(table).encode()
    header += b" " * (-len(header) % 8)
    data = struct.pack("<Q", len(header)) + header + body
    refused(replaced(write(tmp_path), data), "conv.bias does not begin at a multiple of 2 bytes")


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda c: c.update(format=1), "format 3 for int8 weights"),
        (lambda c: c.update(format=2), "format 3 for int8 weights"),
        (lambda c: c["weights"].update(dtype="float16"), "format 3 for int8 weights"),
        (lambda c: c.update(format=1) or c["weights"].update(dtype="float16"), "only F16 and F32 are read"),
        (lambda c: c["weights"].update(parameters=9), "holds 6 numbers"),
        (lambda c: c.update(format=4), "which this zoo is too old to read"),
    ],
)
def test_wrong_promises_are_refused(tmp_path: Path, edit: Callable[[dict[str, Any]], object], word: str) -> None:
    edit_config(write(tmp_path), edit)
    refused(tmp_path, word)


def other_node(*inputs: str, **attributes: Any) -> onnx.ModelProto:
    """The small network, whose weight is made by DequantizeLinear of these inputs."""
    model = make_model(weights=EIGHT_BITS)
    place = next(place for place, node in enumerate(model.graph.node) if node.op_type == "DequantizeLinear")
    model.graph.node[place].CopyFrom(N("DequantizeLinear", inputs, ["conv.weight"], **attributes))
    model.graph.initializer.append(onnx.numpy_helper.from_array(SCALE, "inline"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(3, np.float32), "none"))
    return model


def with_node(node: onnx.NodeProto) -> onnx.ModelProto:
    """The small network with one more node, whose result nobody uses."""
    model = make_model(weights=EIGHT_BITS)
    model.graph.node.append(node)
    return model


def inline() -> onnx.ModelProto:
    model = other_node("w", "conv.weight.scale.half", axis=0)
    model.graph.initializer.append(onnx.numpy_helper.from_array(EIGHT_BITS["conv.weight"], "w"))
    return model


WEIGHT, OWN, BIAS = "conv.weight.half", "conv.weight.scale.half", "conv.bias.half"
HOSTILE: dict[str, tuple[onnx.ModelProto, str]] = {
    "a zero point": (other_node(WEIGHT, OWN, "none", axis=0), "something else than an int8 weight and its scales"),
    "an empty zero point": (other_node(WEIGHT, OWN, "", axis=0), "something else than"),
    "one input": (other_node(WEIGHT, axis=0), "something else than"),
    "scales in the graph": (other_node(WEIGHT, "inline", axis=0), "something else than"),
    "scales for a weight": (other_node(OWN, OWN, axis=0), "something else than"),
    "a half for a weight": (other_node(BIAS, OWN, axis=0), "something else than"),
    "a picture for a weight": (other_node("image", OWN, axis=0), "something else than"),
    "8 bits in the graph": (inline(), "elements of type 3"),
    "no axis": (other_node(WEIGHT, OWN), "it must say axis 0, and nothing else"),
    "axis 1": (other_node(WEIGHT, OWN, axis=1), "it must say axis 0"),
    "an axis from the end": (other_node(WEIGHT, OWN, axis=-4), "it must say axis 0"),
    "an axis that is no number": (other_node(WEIGHT, OWN, axis="0"), "it must say axis 0"),
    "blocks": (other_node(WEIGHT, OWN, axis=0, block_size=1), "and nothing else"),
    "another type": (other_node(WEIGHT, OWN, axis=0, output_dtype=10), "and nothing else"),
    "the bare weight": (with_node(N("Identity", [WEIGHT], ["x"])), "Identity uses conv.weight, which only"),
    "a cast weight": (with_node(N("Cast", [WEIGHT], ["x"], to=1)), "Cast uses conv.weight, which only"),
    "the bare scales": (with_node(N("Neg", [OWN], ["x"])), "Neg uses conv.weight.scale, which only"),
    "8 bits of a picture": (with_node(N("Cast", ["image"], ["x"], to=3)), "no conversion to element type 3"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph_is_refused(tmp_path: Path, name: str) -> None:
    model, word = HOSTILE[name]
    refused(write(tmp_path, model), word)


def test_scales_of_another_weight_are_refused(tmp_path: Path) -> None:
    """Both fit by their shape, but PyTorch would have other weights than the graph."""
    weights = {**EIGHT_BITS, "b": EIGHT_BITS["conv.weight"], "b.scale": SCALE}
    model = make_model([*NODES, N("Neg", ["b"], ["unused"])], weights=weights)
    read_checkpoint(write(tmp_path / "right", model, weights), "tiny")
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            node.input[1] = "b.scale.half" if node.input[0] == WEIGHT else OWN
    refused(write(tmp_path / "wrong", model, weights), "something else than an int8 weight and its scales")


def test_8_bits_as_an_answer_are_refused(tmp_path: Path) -> None:
    model = make_model(weights=EIGHT_BITS)
    for node in model.graph.node:
        node.output[:] = ["other" if name == "translated" else name for name in node.output]
    for tensor in model.graph.initializer:
        tensor.name = "translated" if tensor.name == WEIGHT else tensor.name
    for node in model.graph.node:
        node.input[:] = ["translated" if name == WEIGHT else name for name in node.input]
    refused(write(tmp_path, model), "declares 'translated' as")


def test_weights_made_float_are_counted(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write(tmp_path), "tiny")
    weight, bias, features, translated = 3, 3, 12, 12
    total = trace(checkpoint.plans["translate.onnx"], (1, 1, 2, 2)).total
    assert total == 4 * (weight + bias + features + translated)
