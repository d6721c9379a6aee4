"""What a graph may contain and do: hostile graphs are refused, whoever signed them, before the runtime sees them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from tiny import NODES, WEIGHTS, make_model, port, write_checkpoint

from zoo.checkpoints.format import read_checkpoint
from zoo.checkpoints.graph_file import read_graph
from zoo.checkpoints.graphs import MAX_VALUE_BYTES, MAX_WORK, check_graph, trace
from zoo.errors import UnsafeFileError, ZooError

N = helper.make_node
I64 = np.int64
AT_256 = {
    "graph": "translate.onnx",
    "sha256": "0" * 64,
    "input": {"channels": 1, "multiple": 256},
    "output": {"channels": 3},
    "fit": "pad",
}


def external(model: onnx.ModelProto, key: str, value: str) -> None:
    """Change where the first weight of a graph points."""
    for entry in model.graph.initializer[0].external_data:
        if entry.key == key:
            entry.value = value


def subgraph() -> onnx.GraphProto:
    return helper.make_graph([N("Identity", ["image"], ["inner"])], "inner", [], [port("inner", [1])])


def with_nodes(*nodes: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    """The tiny network, but what comes out of `nodes` as `big` is added to its features."""
    both = [NODES[0], *nodes, N("ReduceMax", ["big"], ["top"], keepdims=0), N("Add", ["features", "top"], ["sum"])]
    return make_model([*both, N("Sigmoid", ["sum"], ["translated"])], constants)


def edited(edit: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    model = make_model()
    edit(model)
    return model


def add_attribute(attribute: onnx.AttributeProto) -> onnx.ModelProto:
    return edited(lambda model: model.graph.node[-1].attribute.append(attribute))


def external_attribute() -> onnx.AttributeProto:
    tensor = make_model().graph.initializer[0]
    return helper.make_attribute("value", tensor)


def function() -> onnx.FunctionProto:
    return helper.make_function("own", "F", ["x"], ["y"], [N("Relu", ["x"], ["y"])], [helper.make_opsetid("", 20)])


HOSTILE: dict[str, tuple[onnx.ModelProto, str]] = {
    # What stands in the file.
    "unknown operator": (make_model([N("RandomNormal", [], ["translated"], shape=[1])]), "operator 'RandomNormal'"),
    "own domain": (make_model([NODES[0], N("Sigmoid", ["features"], ["translated"], domain="own")]), "domain 'own'"),
    "own opset": (edited(lambda m: m.opset_import.append(helper.make_opsetid("own", 1))), "operator sets"),
    "opset twice": (edited(lambda m: m.opset_import.append(helper.make_opsetid("", 21))), "operator sets"),
    "no opset": (edited(lambda m: m.ClearField("opset_import")), "operator sets"),
    "old opset": (make_model(opset=11), "opset 11"),
    "new format": (edited(lambda m: setattr(m, "ir_version", 99)), "of format 99"),
    "If": (
        make_model([N("If", ["image"], ["translated"], then_branch=subgraph(), else_branch=subgraph())]),
        "a field 6",
    ),
    "Loop": (make_model([N("Loop", ["", ""], ["translated"], body=subgraph())]), "a field 6"),
    "graphs": (add_attribute(helper.make_attribute("bodies", [subgraph()])), "a field 11"),
    "function": (edited(lambda m: m.functions.append(function())), "a field 25"),
    "training": (edited(lambda m: m.training_info.add()), "a field 20"),
    "sparse weights": (edited(lambda m: m.graph.sparse_initializer.add()), "a field 15"),
    "reference to a function's attribute": (
        add_attribute(onnx.AttributeProto(name="alpha", type=1, ref_attr_name="a")),
        "a field 21",
    ),
    "attribute of text list": (add_attribute(helper.make_attribute("names", ["a", "b"])), "a field 9"),
    "attribute of two values": (add_attribute(onnx.AttributeProto(name="alpha", type=1, f=1.0, i=2)), "more than one"),
    "attribute without type": (add_attribute(onnx.AttributeProto(name="alpha", f=1.0)), "of type 0"),
    "attribute twice": (
        edited(lambda m: m.graph.node[0].attribute.append(helper.make_attribute("to", 7))),
        "attribute twice",
    ),
    "text tensor": (make_model([N("Constant", [], ["translated"], value_string="x")]), "value_string"),
    "too many nodes": (
        make_model([N("Relu", ["image"], [f"r{i}"]) for i in range(2001)] + list(NODES)),
        "more than 2000 of nodes",
    ),
    "large tensor inside": (make_model(constants={"c": np.zeros(20_000, np.float32)}), "too large to stand in a graph"),
    "tensor that lies about its size": (
        edited(lambda m: m.graph.initializer.append(onnx.TensorProto(name="c", data_type=1, dims=[9], raw_data=b"12"))),
        "does not hold exactly",
    ),
    "tensor of text": (
        edited(lambda m: m.graph.initializer.append(onnx.TensorProto(name="c", data_type=8, dims=[0]))),
        "elements of type 8",
    ),
    "negative size": (
        edited(lambda m: m.graph.initializer.append(onnx.TensorProto(name="c", data_type=1, dims=[-1]))),
        "out of bounds",
    ),
    "name twice": (make_model([NODES[0], N("Relu", ["image"], ["features"]), NODES[1]]), "two values are called"),
    "name of nothing": (make_model([N("Sigmoid", ["absent"], ["translated"])]), "before it is made"),
    "wrong order": (make_model(list(reversed(NODES))), "before it is made"),
    "output of nothing": (make_model(NODES[:1]), "is never made"),
    # Where the weights lie.
    "outside the folder": (edited(lambda m: external(m, "location", "../../secret")), "'../../secret'"),
    "absolute": (edited(lambda m: external(m, "location", "/etc/passwd")), "'/etc/passwd'"),
    "other file": (edited(lambda m: external(m, "location", "model.safetensors.bak")), "outside model.safetensors"),
    "memory address": (edited(lambda m: external(m, "location", "*/_ORT_MEM_ADDR_/*")), "outside model.safetensors"),
    "header as weights": (edited(lambda m: external(m, "offset", "0")), "no such tensor"),
    "part of a tensor": (edited(lambda m: external(m, "length", "4")), "no such tensor"),
    "negative offset": (edited(lambda m: external(m, "offset", "-8")), "no such tensor"),
    "offset in other digits": (edited(lambda m: external(m, "offset", "٣")), "no such tensor"),
    "more keys": (
        edited(lambda m: m.graph.initializer[0].external_data.add(key="checksum", value="0")),
        "more than 3 of external_data",
    ),
    "fewer keys": (edited(lambda m: m.graph.initializer[0].external_data.pop()), "location, offset and length"),
    "wrong type of weight": (edited(lambda m: setattr(m.graph.initializer[0], "data_type", 1)), "points at a float16"),
    "wrong shape of weight": (
        edited(lambda m: m.graph.initializer[0].dims.__setitem__(0, 1)),
        "points at a float16 tensor of shape (3, 1, 1, 1)",
    ),
    "weight with data of its own": (
        edited(lambda m: setattr(m.graph.initializer[0], "raw_data", b"123456")),
        "data of its own",
    ),
    "external attribute": (add_attribute(external_attribute()), "points outside the graph"),
    # What goes in and comes out.
    "other input": (
        make_model(
            [N("Conv", ["picture", "conv.weight"], ["translated"])], inputs=[port("picture", ["n", 1, "h", "w"])]
        ),
        "called 'image'",
    ),
    "two inputs": (make_model(inputs=[port("image", ["n", 1, "h", "w"]), port("extra", [1])]), "one input"),
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
            s=I64([1, 680, 1, 1]),
        ),
        "multiplications",
    ),
}


def check(folder: Path) -> None:
    read_checkpoint(folder, origin="dir:tiny")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph_is_refused(tmp_path: Path, name: str) -> None:
    model, word = HOSTILE[name]
    with pytest.raises(UnsafeFileError) as caught:
        check(write_checkpoint(tmp_path, model, capabilities={"translate": AT_256}))
    assert word in str(caught.value)
    assert str(caught.value).startswith("dir:tiny: translate.onnx")
    assert "\n" not in str(caught.value)


def test_a_number_that_other_readers_would_cut_to_32_bits_is_refused(tmp_path: Path) -> None:
    constant = onnx.TensorProto(name="c", data_type=onnx.TensorProto.INT32, dims=[1], int32_data=[-1])
    data = edited(lambda model: model.graph.initializer.append(constant)).SerializeToString()
    minus_one, five_and_more = b"\xff" * 9 + b"\x01", b"\x85" + b"\x80" * 8 + b"\x01"
    assert data.count(minus_one) == 1
    with pytest.raises(UnsafeFileError, match="does not hold exactly its numbers"):
        read_graph("t.onnx", data.replace(minus_one, five_and_more), tensors_of(tmp_path))


def tensors_of(folder: Path) -> Any:
    return read_checkpoint(write_checkpoint(folder), "tiny").tensors


def test_bytes_that_are_no_graph_are_refused(tmp_path: Path) -> None:
    tensors, data = tensors_of(tmp_path), make_model().SerializeToString()
    hostile = [b"", b"\x00", b"\x3a\x00", b"{}", data[:-1], data + data, b"\x3a\xff\xff\xff\xff\x0f" + data]
    # A subgraph in a subgraph and so on, 1,000 deep: node (1), attribute (5), graph (6).
    nested = b""
    for _ in range(1000):
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            nested = tag + varint(len(nested)) + nested
    hostile.append(b"\x3a" + varint(len(nested)) + nested)
    for bad in hostile:
        with pytest.raises(UnsafeFileError, match=r"^t\.onnx "):
            read_graph("t.onnx", bad, tensors)
    with pytest.raises(UnsafeFileError, match="at most 4194304"):
        read_graph("t.onnx", data + b"\x32" + varint(2**22) + bytes(2**22), tensors)


def varint(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


@pytest.mark.parametrize("seed", range(4))
def test_a_graph_changed_at_random_is_read_or_refused_but_never_breaks_the_reader(tmp_path: Path, seed: int) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path), "tiny")
    original, rng, refusals = checkpoint.graphs["translate.onnx"], random.Random(seed), 0
    for _ in range(150):
        data = bytearray(original)
        for _ in range(rng.choice([1, 1, 2, 8])):
            place = rng.randrange(len(data))
            kind = rng.randrange(4)
            if kind == 0:
                data[place] = rng.randrange(256)
            elif kind == 1:
                del data[place : place + rng.randrange(1, 9)]
            elif kind == 2:
                data[place:place] = rng.randbytes(rng.randrange(1, 5))
            else:
                other = rng.randrange(len(data))
                data[place:place] = data[other : other + rng.randrange(1, 40)]
        try:
            check_graph("t.onnx", bytes(data), checkpoint.tensors, "translate", checkpoint.config)
        except ZooError as error:
            assert isinstance(error, UnsafeFileError)
            assert "\n" not in str(error)
            refusals += 1
    assert refusals > 75


def test_every_promise_of_the_config_is_compared_with_the_graph(tmp_path: Path) -> None:
    image = {"channels": 1, "size": [8, 6]}
    promise = {"graph": "translate.onnx", "sha256": "0" * 64, "input": image, "fit": "resize"}
    good = {"translate": promise | {"output": {"channels": 3, "size": [8, 6]}}}
    check(write_checkpoint(tmp_path, capabilities=good))
    for wrong in ({"channels": 1, "size": [8, 6]}, {"channels": 3, "size": [6, 8]}):
        with pytest.raises(UnsafeFileError, match=r"config\.json says"):
            check(write_checkpoint(tmp_path, capabilities={"translate": promise | {"output": wrong}}))


def autoencoder(latent: int, outputs: tuple[str, ...] = ("mean", "log_variance")) -> dict[str, onnx.ModelProto]:
    """Graphs that encode 4x4 pictures to `latent` numbers, draw these from noise, and decode them."""
    weights = {"w": np.ones((16, latent), np.float16)}
    flat = N("Flatten", ["image"], ["row"])
    back = [N("MatMul", ["latent", "turned"], ["row"]), N("Reshape", ["row", "shape"], ["image"])]
    return {
        "encode": make_model(
            [flat, *(N("MatMul", ["row", "w"], [name]) for name in outputs)],
            inputs=[port("image", ["n", 1, 4, 4])],
            outputs=[port(name, ["n", latent]) for name in outputs],
            weights=weights,
        ),
        "decode": make_model(
            [N("Transpose", ["w"], ["turned"]), *back],
            {"shape": I64([-1, 1, 4, 4])},
            inputs=[port("latent", ["n", latent])],
            outputs=[port("image", ["n", 1, 4, 4])],
            weights=weights,
        ),
        "sample": make_model(
            [N("Neg", ["noise"], ["latent"])],
            inputs=[port("noise", ["n", latent])],
            outputs=[port("latent", ["n", latent])],
            weights={},
        ),
    }


def write_autoencoder(folder: Path, models: dict[str, onnx.ModelProto], latent: int) -> Path:
    image = {"channels": 1, "size": [4, 4]}
    zero = "0" * 64
    return write_checkpoint(
        folder,
        models,
        {"w": np.ones((16, 3), np.float16)},
        latent={
            "shape": [latent],
            "prior": "sampler",
            "sampler": {"graph": "sample.onnx", "sha256": zero, "noise": [latent]},
        },
        capabilities={
            "encode": {"graph": "encode.onnx", "sha256": zero, "input": image, "fit": "resize"},
            "decode": {"graph": "decode.onnx", "sha256": zero, "output": image},
        },
    )


@pytest.mark.parametrize("outputs", [("mean",), ("mean", "log_variance")])
def test_an_encoder_gives_a_mean_and_may_give_a_variance(tmp_path: Path, outputs: tuple[str, ...]) -> None:
    folder = write_autoencoder(tmp_path, autoencoder(3, outputs), 3)
    assert set(read_checkpoint(folder, "tiny").graphs) == {"encode.onnx", "decode.onnx", "sample.onnx"}


@pytest.mark.parametrize(
    ("latent", "outputs", "word"),
    [
        (4, ("mean",), "config.json says (4,)"),
        (3, ("log_variance",), "outputs log_variance"),
        (3, ("log_variance", "mean"), "outputs log_variance, mean"),
        (3, ("mean", "log_variance", "more"), "outputs mean, log_variance, more"),
    ],
)
def test_an_encoder_that_gives_something_else_is_refused(
    tmp_path: Path, latent: int, outputs: tuple[str, ...], word: str
) -> None:
    with pytest.raises(UnsafeFileError) as caught:
        check(write_autoencoder(tmp_path, autoencoder(3, outputs), latent))
    assert word in str(caught.value)


def test_notes_for_people_are_passed_over(tmp_path: Path) -> None:
    model = make_model()
    model.doc_string = model.graph.doc_string = "a\nb"
    model.metadata_props.add(key="made", value="\x1b")
    model.graph.node[0].doc_string = "line 1\nline 2"
    model.graph.value_info.append(port("features", ["n", 3, "h", "w"]))
    check(write_checkpoint(tmp_path, model))


def test_a_float32_checkpoint_needs_no_conversion(tmp_path: Path) -> None:
    weights = {name: array.astype(np.float32) for name, array in WEIGHTS.items()}
    check(write_checkpoint(tmp_path, make_model(weights=weights), weights))


def test_the_cost_follows_the_input(tmp_path: Path) -> None:
    graph = read_checkpoint(write_checkpoint(tmp_path), "tiny").plans["translate.onnx"]
    small, large = trace(graph, (1, 1, 256, 256)), trace(graph, (4, 1, 512, 512))
    assert small.outputs == ((1, 3, 256, 256),)
    assert small.largest == 3 * 256 * 256 * 4
    assert large.largest == 16 * small.largest
    assert not large.too_large
    assert small.work < large.work < MAX_WORK
    assert trace(graph, (1, 1, 16384, 16384)).largest > MAX_VALUE_BYTES
    assert trace(graph, (1, 1, 16384, 16384)).too_large
