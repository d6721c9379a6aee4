"""What a model is told beside its input: in the interface, the file, Python and on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import edit_config
from told import KIND, LIGHT, SIDE, write_told

import zoo
from zoo.catalog import Condition, ImageSpec, Interface, Latent, Role
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UnsafeFileError, UsageError
from zoo.inference.conditions import drawn


@pytest.fixture
def model(tmp_path: Path) -> zoo.Model:
    return zoo.load(f"dir:{write_told(tmp_path / 'told')}", backend="onnx")


def test_a_picture_is_what_was_asked_for(model: zoo.Model) -> None:
    made = model.generate(3, kind="dog", light=0.5)
    np.testing.assert_allclose(made, 0.7, atol=1e-6)
    each = model.generate(2, kind=["cat", "dog"], light=0)
    np.testing.assert_allclose(each[:, 0, 0, 0], [0.1, 0.5], atol=1e-6)


def test_what_is_not_said_is_drawn_by_the_seed(model: zoo.Model) -> None:
    few, many = model.generate(5, seed=3, light=0), model.generate(40, seed=3, light=0)
    np.testing.assert_array_equal(few, many[:5])
    assert {round(float(level), 3) for level in many[:, 0, 0, 0]} == {0.1, 0.5}
    assert not np.array_equal(many, model.generate(40, seed=4, light=0))


def test_each_label_is_drawn_about_as_often() -> None:
    condition = Condition(name="digit", labels=tuple("0123456789"))
    image = ImageSpec(channels=1, size=(8, 8))
    interface = Interface(latent=Latent((2,)), roles={"decode": Role(output=image)}, conditions=(condition,))
    values = drawn(interface, {}, 5000, seed=0)["digit"]
    counts = [values.count(label) for label in condition.labels]
    assert min(counts) > 400 and max(counts) < 600


def test_pictures_are_translated_each_as_it_is_told(model: zoo.Model) -> None:
    images = np.zeros((2, 1, 9, 7), np.uint8)
    made = model.translate(images, kind=["cat", "dog"], light=0.25)
    assert made.shape == images.shape
    assert made[:, 0, 4, 4].tolist() == [round(0.2 * 255), round(0.6 * 255)]


def test_a_model_told_once_needs_no_telling(model: zoo.Model) -> None:
    dogs = model.with_conditions(kind="dog", light=1)
    np.testing.assert_allclose(dogs.generate(2), 0.9, atol=1e-6)
    np.testing.assert_allclose(dogs.decode(np.zeros((1, 1, SIDE, SIDE), np.float32)), 0.9, atol=1e-6)
    np.testing.assert_allclose(dogs.interpolate(*np.zeros((2, 1, SIDE, SIDE), np.float32), steps=3), 0.9, atol=1e-6)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"kind": "cow", "light": 0}, "kind is one of cat, dog, not 'cow'"),
        ({"kind": "cat", "light": 2}, "light is a number from 0 to 1, not 2"),
        ({"kind": "cat", "light": "bright"}, "light is a number from 0 to 1, not 'bright'"),
        ({"kind": "cat", "light": float("nan")}, "light is a number from 0 to 1, not nan"),
        ({"kind": ["cat"], "light": 0}, "kind has 1 values for 2 items"),
        ({"colour": "red"}, r"knows no colour: it has kind \(one of cat, dog\); light"),
        ({"kind": "cat"}, "light is needed: a number from 0 to 1, given as light=VALUE"),
    ],
)
def test_a_wrong_condition_is_one_line(model: zoo.Model, conditions: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model.decode(np.zeros((2, 1, SIDE, SIDE), np.float32), **conditions)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, "format 2 is for"),
        ({"conditions": [KIND]}, "condition"),
        ({"conditions": [KIND | {"labels": ["cat", "cat"]}, LIGHT]}, "has a label twice"),
        ({"conditions": [KIND | {"name": "seed"}, LIGHT]}, "can't be called 'seed'"),
        ({"conditions": [KIND | {"roles": ["encode"]}, LIGHT]}, "told to 'encode', which the model does not have"),
        ({"conditions": [KIND, LIGHT | {"range": [1.0, 0.0]}]}, "low < high"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    edit_config(write_told(tmp_path), lambda config: config.update(change))
    with pytest.raises(UnsafeFileError, match=message):
        read_checkpoint(tmp_path, "tiny")
