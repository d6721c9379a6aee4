"""Models that know the probability of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tiny import make_model, port, write_checkpoint

import zoo
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UnsafeFileError, UnsupportedCapability
from zoo.evaluation.bounds import exact
from zoo.metrics.levels import Pictures
from zoo.metrics.setting import Setting

SIDE = 4


def write_uniform(folder: Path, promised: bool = True, variance: bool = False) -> Path:
    """A checkpoint that gives each of 256 levels the same probability, whose latent is the picture."""
    places = {"axes": np.array([1, 2, 3], np.int64), "nats": np.array(-np.log(256.0), np.float32)}
    nodes = [
        helper.make_node("Identity", ["image"], ["mean"]),
        helper.make_node("Sub", ["image", "image"], ["log_variance"]),
        helper.make_node("Add", ["log_variance", "nats"], ["each"]),
        helper.make_node("ReduceSum", ["each", "axes"], ["log_likelihood"], keepdims=0),
    ]
    shape = ["n", 1, SIDE, SIDE]
    outputs = [port("mean", shape), *([port("log_variance", shape)] if variance else []), port("log_likelihood", ["n"])]
    encode = make_model(nodes, places, [port("image", shape)], outputs)
    promise: dict[str, Any] = {"graph": "encode.onnx", "sha256": "0" * 64, "fit": "resize"}
    promise |= {"input": {"channels": 1, "size": [SIDE, SIDE]}} | ({"log_likelihood": True} if promised else {})
    return write_checkpoint(
        folder,
        {"encode": encode},
        format=2 if promised else 1,
        task=None,
        latent={"shape": [1, SIDE, SIDE], "prior": "none"},
        capabilities={"encode": promise},
    )


@pytest.mark.parametrize("variance", [False, True])
def test_each_picture_has_its_probability(tmp_path: Path, variance: bool) -> None:
    model = zoo.load(f"dir:{write_uniform(tmp_path, variance=variance)}", backend="onnx")
    images = np.random.default_rng(0).random((3, 1, 9, 7), np.float32)
    np.testing.assert_allclose(model.log_likelihood(images), [-(SIDE**2) * np.log(256)] * 3, rtol=1e-6)
    assert model.encode(images).shape == (3, 1, SIDE, SIDE)
    if variance:
        np.testing.assert_allclose(model.posterior(images)[1], 1.0)
    else:
        with pytest.raises(UnsupportedCapability, match="has no posterior"):
            model.posterior(images)


def test_equally_likely_levels_take_eight_bits(tmp_path: Path) -> None:
    class Source:
        def __len__(self) -> int:
            return 5

        def picture(self, index: int) -> np.ndarray:
            return np.full((1, SIDE, SIDE), index, np.uint8)

    model = zoo.load(f"dir:{write_uniform(tmp_path)}", backend="onnx")
    metric = exact(model, Pictures(Source()), Setting("test", "zoo eval"))  # type: ignore[arg-type]
    assert (metric.name, metric.value, metric.baseline, metric.n) == ("bits_per_dimension", 8.0, 8.0, 5)


def test_a_model_without_one_says_so() -> None:
    with pytest.raises(UnsupportedCapability, match="gives no log-likelihood"):
        zoo.load("dense-vae.mnist", backend="onnx").log_likelihood(np.zeros((1, 1, 28, 28), np.uint8))


def test_an_output_that_was_not_promised_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match="has outputs mean, log_likelihood; expected: mean"):
        read_checkpoint(write_uniform(tmp_path, promised=False), "tiny")
