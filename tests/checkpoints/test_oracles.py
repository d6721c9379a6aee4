"""The packages of the formats agree with the zoo about whole checkpoints, and would notice if they did not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import oracles
import pytest
from tiny import make_model, write_checkpoint

from zoo.checkpoints.format import read_checkpoint


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
