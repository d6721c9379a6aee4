"""Figures of a classifier that is right about brightness, on pictures whose labels are known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from tiny import make_model, port, write_checkpoint

from zoo.errors import UsageError
from zoo.evaluation.classification import is_classifier, measure
from zoo.inference.model import Model
from zoo.loading import load
from zoo.metrics.setting import Setting

SETTING = Setting("test", "zoo eval it")
# Levels of four plain pictures, and what their index says of them.
LEVELS = (200, 180, 90, 20)
ROWS = (
    {"bright": "1", "dim": "0", "label": "0"},
    {"bright": "0.8", "dim": "0", "label": "0"},
    {"bright": "0", "dim": "0", "label": "1"},
    {"bright": "0", "dim": "1", "label": "1"},
)


class Plain:
    """Four pictures of one level each."""

    def __len__(self) -> int:
        return len(LEVELS)

    def picture(self, index: int) -> np.ndarray:
        return np.full((1, 80, 80), LEVELS[index], np.uint8)

    def name(self, index: int) -> str:
        return str(index)

    def labels(self, index: int) -> Mapping[str, str]:
        return ROWS[index]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two logits, brightness - 0.5 and 0.5 - brightness, behind one feature, the brightness."""
    weights = {
        "conv.weight": np.array([1.0, 1.0, -1.0], np.float16).reshape(3, 1, 1, 1),
        "conv.bias": np.array([0.0, -0.5, 0.5], np.float16),
    }
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["planes"]),
        helper.make_node("GlobalAveragePool", ["planes"], ["means"]),
        helper.make_node("Flatten", ["means"], ["mean"]),
    ]
    graph = make_model(
        nodes, outputs=[port("mean", ["n", 3])], inputs=[port("image", ["n", 1, 64, 64])], weights=weights
    )
    image = {"channels": 1, "size": [64, 64]}
    return write_checkpoint(
        tmp_path_factory.mktemp("checkpoints") / "classifier",
        {"encode": graph},
        weights,
        task=None,
        latent={"shape": [3], "prior": "none"},
        config={"labels": ["bright", "dim"], "kind": "attributes"},
        capabilities={"encode": {"graph": "encode.onnx", "sha256": "0" * 64, "input": image, "fit": "resize"}},
    )


def classifier(folder: Path, kind: str = "attributes") -> Model:
    model = load(f"dir:{folder}")
    model.config.config["kind"] = kind
    return model


def test_each_attribute_is_counted_beside_its_commonest_answer(folder: Path) -> None:
    found = {m.name: m for m in measure(classifier(folder), Plain(), ["bright > 0.7", "dim"], SETTING)}
    accuracies = {name: (metric.value, metric.baseline) for name, metric in found.items()}
    # The third picture is called dim, and is not.
    expected = {"": (0.875, 0.625), "_bright": (1.0, 0.5), "_dim": (0.75, 0.75)}
    assert accuracies == {f"{kind}{name}": pair for kind in ("accuracy", "coarse") for name, pair in expected.items()}
    assert {metric.n for metric in found.values()} == {4}
    assert "bright > 0.7, dim" in found["accuracy"].protocol


def test_a_class_is_the_greatest_logit(folder: Path) -> None:
    metrics = measure(classifier(folder, "classes"), Plain(), ["label"], SETTING)
    assert [(m.name, m.value, m.baseline) for m in metrics] == [("accuracy", 1.0, 0.5), ("coarse", 1.0, 0.5)]


def test_labels_that_the_model_does_not_answer_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="2 labels"):
        measure(classifier(folder), Plain(), ["bright"], SETTING)


def test_only_what_encodes_with_labels_is_a_classifier(folder: Path, tmp_path: Path) -> None:
    assert is_classifier(classifier(folder).config)
    assert not is_classifier(load(f"dir:{write_checkpoint(tmp_path / 'other')}").config)
