"""What is in a graph's file and where it points: what does harm is refused before the runtime sees it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from hostile import AT_256, N, Reached, check_refused, edited, run
from onnx import helper
from tiny import NODES, make_model, port, sign, write_checkpoint

from zoo.errors import UnsafeFileError


def external(model: onnx.ModelProto, key: str, value: str) -> None:
    """Change where the first weight of a graph points."""
    for entry in model.graph.initializer[0].external_data:
        if entry.key == key:
            entry.value = value


def tie(model: onnx.ModelProto) -> None:
    """Two values of the same bytes, of which the runtime would make a copy each."""
    model.graph.initializer.add().CopyFrom(model.graph.initializer[0])
    model.graph.initializer[-1].name = "again"


def subgraph() -> onnx.GraphProto:
    return helper.make_graph([N("Identity", ["image"], ["inner"])], "inner", [], [port("inner", [1])])


def add_attribute(attribute: onnx.AttributeProto) -> onnx.ModelProto:
    return edited(lambda model: model.graph.node[-1].attribute.append(attribute))


def external_attribute() -> onnx.AttributeProto:
    tensor = make_model().graph.initializer[0]
    return helper.make_attribute("value", tensor)


def function() -> onnx.FunctionProto:
    return helper.make_function("own", "F", ["x"], ["y"], [N("Relu", ["x"], ["y"])], [helper.make_opsetid("", 20)])


HOSTILE: dict[str, tuple[onnx.ModelProto, str]] = {
    # What is in the file.
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
        make_model([N("Relu", ["image"], [f"r{i}"]) for i in range(5001)] + list(NODES)),
        "more than 5000 of nodes",
    ),
    "large tensor inside": (make_model(constants={"c": np.zeros(20_000, np.float32)}), "too large to be in a graph"),
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
    "two tensors at once": (edited(lambda m: external(m, "length", "12")), "no such tensor"),
    "beyond the end of the file": (edited(lambda m: external(m, "offset", "9" * 17)), "no such tensor"),
    "an offset that wraps around": (edited(lambda m: external(m, "offset", str(2**64 + 88))), "no such tensor"),
    "one tensor as two weights": (edited(tie), "two weights are the same tensor"),
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
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    check_refused(*HOSTILE[name], tmp_path, monkeypatch)


def test_a_graph_that_does_no_harm_gets_as_far_as_the_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without which the test above would prove nothing."""
    with pytest.raises(Reached):
        run(write_checkpoint(tmp_path, capabilities={"translate": AT_256}), monkeypatch)


@pytest.mark.parametrize("operator", ["Scan", "NonZero", "Unique", "Compress", "TopK", "NonMaxSuppression"])
def test_an_operator_with_data_dependent_sizes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operator: str
) -> None:
    model = make_model([NODES[0], N(operator, ["features"], ["translated"])])
    check_refused(model, f"operator {operator!r} is not among those", tmp_path, monkeypatch)


def test_names_that_only_look_the_same_are_two_values(tmp_path: Path) -> None:
    """Composed and decomposed letters: this reader and the runtime both go by the bytes."""
    import zoo

    composed, decomposed = "\u00e9", "e\u0301"
    nodes = [NODES[0], N("Sigmoid", ["features"], [composed]), N("Neg", [composed], [decomposed])]
    outputs = {}
    for number, name in enumerate((composed, decomposed)):
        model = make_model([*nodes, N("Identity", [name], ["translated"])])
        folder = write_checkpoint(tmp_path / str(number), model)
        outputs[name] = zoo.load(f"dir:{folder}").translate(np.zeros((1, 1, 4, 4), np.float32))
    assert outputs[composed].min() > 0
    assert outputs[decomposed].max() == 0  # below 0, and clamped


@pytest.mark.parametrize(
    ("file", "target", "word"),
    [
        ("model.safetensors", "/dev/zero", "not a regular file"),
        ("translate.onnx", "/dev/zero", "not a regular file"),
        ("model.safetensors", "secret", "not a safetensors file"),
        ("translate.onnx", "secret", "is not a graph"),
        ("translate.onnx", "pipe", "not a regular file"),
    ],
)
def test_a_link_to_something_else_is_read_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, target: str, word: str
) -> None:
    """Signed by someone who knows what it leads to: that never becomes weights, and a pipe is not waited for."""
    folder = write_checkpoint(tmp_path / "tiny", capabilities={"translate": AT_256})
    (tmp_path / "secret").write_bytes(b"root:x:0:0" * 9)
    os.mkfifo(tmp_path / "pipe")
    (folder / file).unlink()
    if target == "secret":
        (folder / file).write_bytes((tmp_path / "secret").read_bytes())
        sign(folder)
        (folder / file).unlink()
    (folder / file).symlink_to(tmp_path / target)
    with pytest.raises(UnsafeFileError, match=word):
        run(folder, monkeypatch)
