"""The packages of the formats agree with the zoo about whole checkpoints, and would notice if they did not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import oracles
import pytest
from onnx import helper
from tiny import make_model, write_checkpoint

from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UnsafeFileError

N = helper.make_node


def test_a_whole_checkpoint_is_the_same_to_all(tmp_path: Path) -> None:
    oracles.check_checkpoint(read_checkpoint(write_checkpoint(tmp_path), "tiny"))


def test_other_weights_are_noticed(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path), "tiny")
    name, info = next(iter(checkpoint.tensors.items()))
    with pytest.raises(AssertionError, match="other tensors"):
        oracles.check_weights(checkpoint.weights, {**checkpoint.tensors, name: replace(info, offset=info.offset + 2)})


def test_other_nodes_and_shapes_are_noticed(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path), "tiny")
    graph, data = checkpoint.plans["translate.onnx"], make_model().SerializeToString()
    oracles.check_graph(data, graph)
    with pytest.raises(AssertionError, match="other nodes"):
        oracles.check_graph(data, replace(graph, nodes=graph.nodes[1:]))
    with pytest.raises(AssertionError, match="onnx infers"):
        oracles.check_shapes(data, replace(graph, outputs=graph.inputs))


@pytest.mark.parametrize(
    ("node", "word"),
    [
        (N("Softsign", ["image", "image"], ["translated"]), "2 instead of 1 to 1"),
        (N("Conv", ["image", "conv.weight", "conv.bias.half"], ["translated"]), "of several element types"),
        (N("Add", ["image", "image", "image"], ["translated"]), "3 instead of 2 to 2"),
    ],
)
def test_nodes_that_onnx_refuses_are_refused(tmp_path: Path, node: onnx.NodeProto, word: str) -> None:
    model = make_model([node])
    with pytest.raises(onnx.shape_inference.InferenceError):
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    with pytest.raises(UnsafeFileError, match=word):
        read_checkpoint(write_checkpoint(tmp_path, model), "tiny")
