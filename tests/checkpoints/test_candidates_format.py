"""Format 2: a checkpoint whose answers noise can choose among."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tiny import edit_config, make_model, port, write_checkpoint

from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UnsafeFileError, UnsupportedCapability, UsageError
from zoo.inference.backends.onnx import OnnxBackend
from zoo.inference.model import Model

IMAGE = {"channels": 1, "size": None, "multiple": 1}
# The gray channel, plus the mean of two planes of noise, through the same convolution.
NODES = (
    helper.make_node("Split", ["image"], ["gray", "first", "second"], axis=1, num_outputs=3),
    helper.make_node("Mean", ["first", "second"], ["noise"]),
    helper.make_node("Add", ["gray", "noise"], ["moved"]),
    helper.make_node("Conv", ["moved", "conv.weight", "conv.bias"], ["features"]),
    helper.make_node("Sigmoid", ["features"], ["translated"]),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    graphs = {"translate": make_model(), "candidates": make_model(NODES, inputs=(port("image", ["n", 3, "h", "w"]),))}
    promises = {
        "translate": {"input": IMAGE, "output": {"channels": 3}, "fit": "pad"},
        "candidates": {"input": IMAGE | {"channels": 3}, "output": {"channels": 3}, "fit": "pad"},
    }
    capabilities = {
        role: {"graph": f"{role}.onnx", "sha256": "0" * 64, **promise} for role, promise in promises.items()
    }
    return write_checkpoint(tmp_path / "two", graphs, format=2, capabilities=capabilities)


def test_format_2_is_read_and_runs(folder: Path) -> None:
    checkpoint = read_checkpoint(folder, "two")
    assert checkpoint.config.can() == ("translate",)
    backend = OnnxBackend(checkpoint)
    gray = np.full((2, 1, 4, 5), 0.5, np.float32)
    still = np.concatenate([gray, np.zeros((2, 2, 4, 5), np.float32)], axis=1)
    np.testing.assert_allclose(backend.run("candidates", still)[0], backend.run("translate", gray)[0], atol=1e-6)
    moved = np.concatenate([gray, np.ones((2, 2, 4, 5), np.float32)], axis=1)
    assert np.abs(backend.run("candidates", moved)[0] - backend.run("translate", gray)[0]).max() > 0.01


def _less(config: dict[str, Any]) -> None:
    config["capabilities"]["candidates"]["input"]["channels"] = 1


def _other_fit(config: dict[str, Any]) -> None:
    config["capabilities"]["candidates"]["fit"] = "tile"


def _alone(config: dict[str, Any]) -> None:
    del config["capabilities"]["translate"]


def _none(config: dict[str, Any]) -> None:
    del config["capabilities"]["candidates"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda config: config.update(format=1), "format 2 is for models with candidates, a scale"),
        (_none, "format 2 is for models with candidates, a scale"),
        (_less, "planes of noise after it"),
        (_other_fit, "the output and the fit of translate"),
        (_alone, "the output and the fit of translate"),
        (lambda config: config.update(format=3), "format 3 for int8 weights"),
        (lambda config: config.update(format=4), "is of format 4, which this zoo is too old to read"),
    ],
)
def test_wrong_promises_are_refused(folder: Path, edit: Any, message: str) -> None:
    edit_config(folder, edit)
    with pytest.raises(UnsafeFileError, match=message):
        read_checkpoint(folder, "two")


def test_model_gives_several_answers(folder: Path) -> None:
    checkpoint = read_checkpoint(folder, "two")
    model = Model(checkpoint.config, OnnxBackend(checkpoint))
    picture = np.full((1, 1, 6, 7), 0.5, np.float32)
    answers = model.candidates(picture, n=3, seed=5)
    assert answers.shape == (3, 3, 6, 7)
    np.testing.assert_array_equal(answers[:1], model.translate(picture))
    np.testing.assert_array_equal(answers[:2], model.candidates(picture, n=2, seed=5))
    assert np.abs(answers[1] - answers[2]).max() > 0.01
    assert np.abs(answers[1] - model.candidates(picture, n=2, seed=6)[1]).max() > 0.01
    with pytest.raises(UsageError, match="of one picture, not of 2"):
        model.candidates(picture.repeat(2, axis=0))
    with pytest.raises(UsageError, match="at least 1 candidate, not 0"):
        model.candidates(picture, n=0)


def test_model_with_one_answer_says_so(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path / "one"), "one")
    with pytest.raises(UnsupportedCapability, match="has no candidates"):
        Model(checkpoint.config, OnnxBackend(checkpoint)).candidates(np.zeros((1, 1, 4, 4), np.float32))
