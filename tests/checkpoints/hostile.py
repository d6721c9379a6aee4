"""Graphs that do harm, and the proof that none of them gets as far as the runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from tiny import NODES, make_model, write_checkpoint

import zoo
from zoo.catalog import Registry
from zoo.errors import UnsafeFileError

N = helper.make_node
I64 = np.int64
AT_256 = {
    "graph": "translate.onnx",
    "sha256": "0" * 64,
    "input": {"channels": 1, "multiple": 256},
    "output": {"channels": 3},
    "fit": "pad",
}


class Reached(BaseException):
    """The runtime was about to open a graph. No `Exception`: those become refusals."""


def _reach(*_: object, **__: object) -> None:
    raise Reached


def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open a checkpoint and make a picture, as far as the runtime."""
    monkeypatch.setattr(onnxruntime, "InferenceSession", _reach)
    model = zoo.load(f"dir:{folder}", registry=Registry.build([]))
    model.translate(np.zeros((1, 1, 256, 256), np.float32))


def check_refused(model: onnx.ModelProto, word: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint with this graph is refused in one line, and the runtime never sees it."""
    write_checkpoint(folder, model, capabilities={"translate": AT_256})
    with pytest.raises(UnsafeFileError) as caught:
        run(folder, monkeypatch)
    assert word in str(caught.value)
    assert str(caught.value).startswith(f"dir:{folder}: translate.onnx")
    assert "\n" not in str(caught.value)


def with_nodes(*nodes: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    """The tiny network, but what comes out of `nodes` as `big` is added to its features."""
    both = [NODES[0], *nodes, N("ReduceMax", ["big"], ["top"], keepdims=0), N("Add", ["features", "top"], ["sum"])]
    return make_model([*both, N("Sigmoid", ["sum"], ["translated"])], constants)


def edited(edit: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    model = make_model()
    edit(model)
    return model
