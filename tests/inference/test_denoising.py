"""Models that make a picture in many steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny import edit_config
from told import SIDE, write_steps

import zoo
from zoo.catalog import ImageSpec, Interface, Latent, Role
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UnsafeFileError, UsageError


@pytest.fixture
def model(tmp_path: Path) -> zoo.Model:
    return zoo.load(f"dir:{write_steps(tmp_path / 'steps')}", backend="onnx")


@pytest.mark.parametrize(("asked", "steps"), [(None, 5), (1, 1), (2, 2), (20, 20)])
def test_steps_are_even_and_as_many_as_asked(model: zoo.Model, asked: int | None, steps: int) -> None:
    latents = np.full((3, 1, SIDE, SIDE), 0.8, np.float32)
    np.testing.assert_allclose(model.decode(latents, steps=asked), 0.8 * (1 - 1 / steps) ** steps, atol=1e-5)


def test_generated_pictures_do_not_depend_on_their_number(model: zoo.Model) -> None:
    np.testing.assert_array_equal(model.generate(70, steps=3)[:2], model.generate(2, steps=3))
    assert model.capabilities == ("decode", "generate")


@pytest.mark.parametrize("steps", [0, -1, 10_001])
def test_a_number_of_steps_that_cannot_be_is_refused(model: zoo.Model, steps: int) -> None:
    with pytest.raises(UsageError, match=f"steps are 1 to 10000, not {steps}"):
        model.generate(1, steps=steps)


def test_a_model_of_one_step_takes_no_steps() -> None:
    with pytest.raises(UsageError, match="makes a picture at once"):
        zoo.load("dense-vae.mnist", backend="onnx").generate(1, steps=3)


def test_a_latent_that_is_denoised_needs_a_decoder() -> None:
    image = ImageSpec(channels=1, size=(8, 8))
    with pytest.raises(ValueError, match="denoised in steps needs decode"):
        Interface(latent=Latent((4,), repeat=2), roles={"encode": Role(image, fit="resize")})


def test_a_step_of_another_shape_is_refused(tmp_path: Path) -> None:
    folder = write_steps(tmp_path)
    edit_config(folder, lambda config: config["latent"].update(shape=[1, SIDE, 2 * SIDE]))
    with pytest.raises(UnsafeFileError, match="is declared as"):
        read_checkpoint(folder, "tiny")
