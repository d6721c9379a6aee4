"""The one interface of every model: what it takes and gives, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tiny import expected, write_checkpoint
from vaes import SAMPLER, load_free, load_vae

import zoo
from zoo.errors import (
    NotFoundError,
    UnsafeFileError,
    UnsupportedCapability,
    UsageError,
)
from zoo.inference.latents import noise
from zoo.inference.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model that translates gray pictures of any size to RGB."""
    return zoo.load(f"dir:{write_checkpoint(tmp_path_factory.mktemp('tiny'))}")


def test_a_model_says_what_it_is(tiny: Model, tmp_path: Path) -> None:
    assert (tiny.id, tiny.capabilities, tiny.latent_shape) == ("tiny.test", ("translate",), None)
    assert repr(tiny) == "<Model tiny.test on onnx: translate>"
    vae = load_vae(tmp_path)
    assert (vae.capabilities, vae.latent_shape) == (("encode", "decode", "generate"), (2,))


@pytest.mark.parametrize("shape", [(1, 1, 5, 7), (3, 1, 8, 6), (2, 3, 4, 4)])
def test_translate_gives_as_many_pictures_of_the_same_size(tiny: Model, shape: tuple[int, ...]) -> None:
    images = RNG.random(shape, np.float32)
    found = tiny.translate(images)
    assert (found.shape, found.dtype) == ((shape[0], 3, *shape[2:]), np.float32)
    if shape[1] == 1:
        np.testing.assert_allclose(found, expected(images), atol=1e-6)


def test_images_are_arrays_paths_or_pillow_images(tiny: Model, tmp_path: Path) -> None:
    levels = RNG.integers(0, 256, (4, 6), np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(levels).save(path)
    floats = levels[None, None] / np.float32(255)
    wanted = tiny.translate(floats)
    for images in (path, str(path), [path], Image.open(path), (Image.fromarray(levels),), floats.astype(np.float64)):
        np.testing.assert_allclose(tiny.translate(images), wanted, atol=1e-6)
    bytes_in = tiny.translate(levels[None, None])
    assert bytes_in.dtype == np.uint8
    np.testing.assert_allclose(bytes_in / 255, wanted, atol=0.51 / 255)
    assert tiny.translate([path, path]).shape == (2, 3, 4, 6)


@pytest.mark.parametrize(
    ("images", "word"),
    [
        (np.zeros((1, 4, 4), np.float32), "must be (N, C, H, W)"),
        (np.zeros((1, 2, 4, 4), np.float32), "1 or 3 channels"),
        (np.zeros((0, 1, 4, 4), np.float32), "no picture in an array"),
        (np.full((1, 1, 2, 2), np.nan, np.float32), "no NaN"),
        (np.full((1, 1, 2, 2), np.inf), "in [0, 1]"),
        (np.full((1, 1, 2, 2), 255.0), "divide levels of 0 to 255 by 255"),
        (np.full((1, 1, 2, 2), -0.1), "in [0, 1]"),
        (np.full((1, 1, 2, 2), 200), "in [0, 1]"),
        (np.full((1, 1, 2, 2), "x"), "must be numbers"),
        ([], "no pictures: give at least one"),
        ([np.zeros((4, 4))], "not a ndarray"),
        (None, "not a NoneType"),
        ([Image.new("L", (2, 2)), Image.new("L", (3, 2))], "must have one size"),
        ([Image.new("L", (2, 2)), Image.new("RGB", (2, 2))], "one number of channels"),
    ],
)
def test_what_is_no_picture_is_a_wrong_request(tiny: Model, images: Any, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        tiny.translate(images)
    assert word in str(caught.value)


def test_a_missing_picture_is_not_found(tiny: Model) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.png: no such file"):
        tiny.translate("absent.png")


def test_a_vae_encodes_decodes_and_generates(tmp_path: Path) -> None:
    vae = load_vae(tmp_path)
    images = RNG.random((3, 1, 4, 4), np.float32)
    latents = vae.encode(images)
    assert (latents.shape, latents.dtype) == ((3, 2), np.float32)
    mean, deviation = vae.posterior(images)
    np.testing.assert_array_equal(mean, latents)
    np.testing.assert_allclose(deviation, np.exp(latents / 2), rtol=1e-6)  # its log-variance is its mean
    pictures = vae.decode(latents)
    assert (pictures.shape, pictures.dtype) == ((3, 1, 4, 4), np.float32)
    np.testing.assert_array_equal(vae.generate(2, seed=5), vae.decode(noise(2, (2,), 5)))


def test_what_is_decoded_is_clamped(tmp_path: Path) -> None:
    pictures = load_vae(tmp_path).decode(np.full((1, 2), 1e6))
    assert (pictures.min(), pictures.max()) == (0, 1)


def test_the_first_generated_are_those_of_a_smaller_number(tmp_path: Path) -> None:
    vae = load_vae(tmp_path)
    np.testing.assert_allclose(vae.generate(5, seed=1)[:2], vae.generate(2, seed=1), atol=1e-6)


def test_a_sampler_stands_between_noise_and_latents(tmp_path: Path) -> None:
    vae = load_vae(tmp_path, prior="sampler")
    np.testing.assert_allclose(vae.draw(2, seed=3), SAMPLER * noise(2, (2,), 3), atol=1e-6)
    np.testing.assert_array_equal(vae.generate(2, seed=3), vae.decode(vae.draw(2, seed=3)))


def test_the_plain_prior_can_be_had_where_another_was_fitted(tmp_path: Path) -> None:
    vae = load_vae(tmp_path, prior="sampler")
    np.testing.assert_array_equal(vae.draw(3, 5, "normal"), noise(3, (2,), 5))
    np.testing.assert_array_equal(vae.generate(3, 5, prior="normal"), vae.decode(noise(3, (2,), 5)))
    with pytest.raises(UsageError, match="no prior 'gaussian'; use default or normal"):
        vae.draw(prior="gaussian")  # type: ignore[arg-type]


class Counting:
    """A backend that notes how much it is given at a time."""

    name = "counting"

    def __init__(self, backend: Any) -> None:
        self.backend, self.seen = backend, []

    def run(self, graph: str, inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        self.seen.append((graph, len(inputs)))
        return self.backend.run(graph, inputs)


def test_a_large_batch_is_run_in_parts_and_is_the_same(tmp_path: Path) -> None:
    vae = load_vae(tmp_path, prior="sampler")
    counting = Counting(vae.backend)
    pictures = Model(vae.config, counting).generate(130)
    assert counting.seen == [(graph, n) for graph in ("sample", "decode") for n in (64, 64, 2)]
    np.testing.assert_allclose(pictures, vae.decode(vae.draw(130)), atol=1e-6)
    np.testing.assert_allclose(pictures[128:], vae.decode(vae.draw(130)[128:]), atol=1e-6)
    counting.seen.clear()
    mean, deviation = Model(vae.config, counting).posterior(pictures)
    assert counting.seen == [("encode", 64), ("encode", 64), ("encode", 2)]
    assert mean.shape == deviation.shape == (130, 2)


def test_large_pictures_are_run_one_by_one(tmp_path: Path) -> None:
    free = load_free(tmp_path)
    counting = Counting(free.backend)
    images = RNG.random((3, 1, 800, 900), np.float32)
    np.testing.assert_allclose(Model(free.config, counting).reconstruct(images), images.repeat(3, 1), atol=1e-6)
    assert counting.seen == [("encode", 1)] * 3 + [("decode", 1)] * 3


UNABLE: list[tuple[str, Callable[[Model], object]]] = [
    ("encode", lambda model: model.encode(np.zeros((1, 1, 4, 4), np.float32))),
    ("encode", lambda model: model.posterior(np.zeros((1, 1, 4, 4), np.float32))),
    ("decode", lambda model: model.decode(np.zeros((1, 2)))),
    ("generate", lambda model: model.generate()),
    ("generate", lambda model: model.draw()),
    ("decode", lambda model: model.reconstruct(np.zeros((1, 1, 4, 4), np.float32))),
    ("decode", lambda model: model.interpolate("absent.png", "absent.png")),
    ("decode", lambda model: model.vary("absent.png")),
    ("decode", lambda model: model.add("absent.png", "absent.png")),
]


@pytest.mark.parametrize(("capability", "ask"), UNABLE)
def test_an_unsupported_capability_is_refused_first(
    tiny: Model, capability: str, ask: Callable[[Model], object]
) -> None:
    with pytest.raises(UnsupportedCapability, match=rf"^tiny\.test can't {capability}, it can translate; these can: "):
        ask(tiny)


def test_models_that_can_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedCapability, match=r"it can encode, decode, generate; these can: .*colorizer-ae\.photos"
    ):
        load_vae(tmp_path).translate(np.zeros((1, 1, 4, 4), np.float32))


def test_an_encoder_to_a_point_has_no_posterior(tmp_path: Path) -> None:
    vae = load_vae(tmp_path, outputs=("mean",), prior="none")
    images = np.zeros((1, 1, 4, 4), np.float32)
    assert vae.encode(images).shape == (1, 2)
    with pytest.raises(UnsupportedCapability, match="it has no posterior; use encode"):
        vae.posterior(images)
    with pytest.raises(UnsupportedCapability, match="can't generate"):
        vae.generate()


class Broken:
    """A backend whose numbers have overflowed."""

    name = "broken"

    def run(self, graph: str, inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.full((len(inputs), *((2,) if graph == "encode" else (1, 4, 4))), np.nan, np.float32),)


@pytest.mark.parametrize("ask", [lambda m: m.encode(np.zeros((1, 1, 4, 4), np.float32)), lambda m: m.generate()])
def test_numbers_that_are_not_finite_never_leave_a_model(tmp_path: Path, ask: Callable[[Model], object]) -> None:
    vae = load_vae(tmp_path)
    with pytest.raises(UnsafeFileError, match=r"not finite; `zoo check tiny\.test`"):
        ask(Model(vae.config, Broken()))
    with pytest.raises(UnsafeFileError, match="`zoo check dir:there` examines it"):
        ask(Model(vae.config, Broken(), name="dir:there"))


def test_the_same_input_gives_the_same_answer(tiny: Model) -> None:
    images = RNG.random((2, 3, 33, 20), np.float32)
    np.testing.assert_array_equal(tiny.translate(images), tiny.translate(images))
