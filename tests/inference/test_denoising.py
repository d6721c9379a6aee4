"""Models that make a picture in many steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from tiny import edit_config, make_model, port, write_checkpoint

import zoo
from zoo.catalog import ImageSpec, Interface, Latent, Role
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UnsafeFileError, UsageError

SIDE = 4


def write_steps(folder: Path) -> Path:
    """A checkpoint whose step takes away what it goes of the way, (from - to) x, and whose decoder is the identity."""
    latent = port("latent", ["n", 1, SIDE, SIDE])
    nodes = [
        helper.make_node("Split", ["step"], ["from", "to"], axis=1, num_outputs=2),
        helper.make_node("Sub", ["from", "to"], ["way"]),
        helper.make_node("Unsqueeze", ["way", "places"], ["share"]),
        helper.make_node("Mul", ["latent", "share"], ["less"]),
        helper.make_node("Sub", ["latent", "less"], ["denoised"]),
    ]
    places = {"places": np.array([2, 3], np.int64)}
    denoise = make_model(nodes, places, [latent, port("step", ["n", 2])], [port("denoised", ["n", 1, SIDE, SIDE])])
    identity = [helper.make_node("Identity", ["latent"], ["image"])]
    decode = make_model(identity, {}, [latent], [port("image", ["n", 1, SIDE, SIDE])])
    denoiser = {"graph": "denoise.onnx", "sha256": "0" * 64, "repeat": 5}
    return write_checkpoint(
        folder,
        {"decode": decode, "denoise": denoise},
        format=2,
        task=None,
        latent={"shape": [1, SIDE, SIDE], "prior": "normal", "denoiser": denoiser},
        capabilities={
            "decode": {"graph": "decode.onnx", "sha256": "0" * 64, "output": {"channels": 1, "size": [SIDE, SIDE]}}
        },
    )


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
