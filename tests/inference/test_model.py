"""The one interface of every model: what it takes and gives, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tiny import expected, write_checkpoint
from vaes import SAMPLER, load_free, load_vae

import zoo
from zoo.catalog import Registry
from zoo.errors import (
    NotFoundError,
    PluginError,
    UnsafeFileError,
    UnsupportedCapability,
    UsageError,
    ZooError,
)
from zoo.inference.latents import noise
from zoo.inference.model import Model

if TYPE_CHECKING:
    from conftest import FakePlugins

RNG = np.random.default_rng(0)
# The tiny network once more, as a plugin's, in PyTorch.
TINY_PLUGIN = """
@hookimpl
def zoo_families():
    yield Family(
        name="tiny", summary="One convolution", config="tiny_family.network:Config",
        network="tiny_family.network:Tiny", objective="tiny_family.network:Tiny", capabilities=("translate",),
    )
"""
TINY_NETWORK = """
import msgspec
import torch

class Config(msgspec.Struct):
    channels: int = 3

class Tiny(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, config.channels, 1)

    def translate(self, image):
        return self.conv(image).sigmoid()
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model that translates gray pictures of any size to RGB."""
    return zoo.load(f"dir:{write_checkpoint(tmp_path_factory.mktemp('tiny'))}")


@pytest.fixture
def tiny_family(fake_plugins: FakePlugins) -> FakePlugins:
    fake_plugins.install("tiny-family", TINY_PLUGIN)
    fake_plugins.write("tiny_family/network.py", TINY_NETWORK)
    return fake_plugins


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


def test_pictures_come_as_bytes_floats_paths_or_images_of_pillow(tiny: Model, tmp_path: Path) -> None:
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


IMAGES = RNG.random((2, 1, 4, 4), np.float32)


def test_a_reconstruction_is_of_the_models_own_size(tmp_path: Path) -> None:
    vae = load_vae(tmp_path)
    np.testing.assert_array_equal(vae.reconstruct(IMAGES), vae.decode(vae.encode(IMAGES)))
    assert vae.reconstruct(RNG.random((3, 3, 9, 7), np.float32)).shape == (3, 1, 4, 4)


@pytest.mark.parametrize("path", ["spherical", "linear"])
def test_a_way_begins_and_ends_with_the_pictures_themselves(tmp_path: Path, path: Any) -> None:
    vae = load_vae(tmp_path)
    latents = vae.encode(IMAGES)
    way = vae.interpolate(latents[0], latents[1], steps=5, path=path)
    assert way.shape == (5, 1, 4, 4)
    np.testing.assert_allclose(way[[0, -1]], vae.decode(latents), atol=1e-6)
    np.testing.assert_array_equal(vae.interpolate(latents[:1], latents[1:], 5, path), way)


def test_pictures_are_encoded_where_a_latent_is_wanted(tmp_path: Path) -> None:
    vae = load_vae(tmp_path / "vae")
    zoo.write_images(IMAGES, paths := [tmp_path / "a.png", tmp_path / "b.png"])
    a, b = (vae.encode(path)[0] for path in paths)
    np.testing.assert_array_equal(vae.interpolate(paths[0], Image.open(paths[1]), 3), vae.interpolate(a, b, 3))
    np.testing.assert_array_equal(vae.vary(str(paths[0]), 0.3, 2), vae.vary(a, 0.3, 2))
    np.testing.assert_array_equal(vae.add(*paths), vae.add(a, b))


def test_variations_differ_by_their_strength(tmp_path: Path) -> None:
    vae = load_vae(tmp_path)
    latent = vae.encode(IMAGES)[0]
    reconstruction = vae.decode(latent[None])
    np.testing.assert_allclose(vae.vary(latent, 0, 3), reconstruction.repeat(3, 0), atol=1e-6)
    little, much = (np.abs(vae.vary(latent, strength, 3, 1) - reconstruction).mean() for strength in (0.1, 1))
    assert 0 < little < much
    np.testing.assert_allclose(vae.vary(latent, 0.5, 5)[:2], vae.vary(latent, 0.5, 2), atol=1e-6)


def test_strength_counts_in_deviations_of_a_fitted_prior(tmp_path: Path) -> None:
    vae = load_vae(tmp_path, prior="sampler")
    spread = vae.draw(256).std(0)
    np.testing.assert_allclose(spread, [1, 3], rtol=0.2)
    found = vae.vary(np.ones(2), 0.1, 2, seed=4)
    np.testing.assert_allclose(found, vae.decode(1 + 0.1 * spread * noise(2, (2,), 4)), atol=1e-6)


def test_the_sum_of_two_latents_is_a_picture(tmp_path: Path) -> None:
    vae = load_vae(tmp_path)
    a, b = vae.encode(IMAGES)
    np.testing.assert_allclose(vae.add(a, b), vae.decode((a + b)[None] / np.sqrt(2)), atol=1e-6)
    np.testing.assert_allclose(vae.add(a, b, (2, -1), plain=True), vae.decode((2 * a - b)[None]), atol=1e-6)


@pytest.mark.parametrize(
    ("latent", "word"),
    [
        (np.zeros((2, 2)), "one latent or picture at a time, not 2"),
        (np.zeros(3), r"latents of shape \(N, 2\), not \(1, 3\)"),
        (np.array([0, np.nan]), "finite"),
        (["a.png", "b.png"], "not 2"),
    ],
)
def test_one_latent_is_one_latent(tmp_path: Path, latent: Any, word: str) -> None:
    if isinstance(latent, list):
        latent = zoo.write_images(IMAGES, [tmp_path / name for name in latent])
    with pytest.raises(UsageError, match=word):
        load_vae(tmp_path / "vae").vary(latent)


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


def test_latents_of_two_sizes_have_nothing_between(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"different shapes, \(1, 2, 2\) and \(1, 3, 2\): take pictures of one size"):
        load_free(tmp_path).interpolate(np.zeros((1, 2, 2)), np.zeros((1, 3, 2)))


@pytest.mark.parametrize(
    "latents", [np.zeros(2), np.zeros((1, 3)), np.zeros((1, 2, 1)), np.zeros((0, 2)), [[1.0]], np.float32(1)]
)
def test_latents_of_another_shape_are_refused(tmp_path: Path, latents: Any) -> None:
    with pytest.raises(UsageError, match=r"tiny\.test decodes latents of shape \(N, 2\), not \("):
        load_vae(tmp_path).decode(latents)


@pytest.mark.parametrize(
    ("latents", "word"),
    [
        (np.array([[np.nan, 0]]), "finite"),
        (np.array([[np.inf, 0]]), "finite"),
        (np.array([["a", "b"]]), "an array of numbers"),
        ([[1, 2], [3]], "an array of numbers"),
    ],
)
def test_latents_that_are_no_numbers_are_refused(tmp_path: Path, latents: Any, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        load_vae(tmp_path).decode(latents)


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (1, -1)])
def test_numbers_that_can_not_be_drawn_are_refused(tmp_path: Path, n: int, seed: int) -> None:
    with pytest.raises(UsageError, match="n must be at least 1"):
        load_vae(tmp_path).generate(n, seed)


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
def test_what_a_model_can_not_do_is_refused_before_anything_else(
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
    with pytest.raises(ZooError, match=r"not finite; `zoo check tiny\.test`"):
        ask(Model(vae.config, Broken()))


def load(name: str, backend: Any) -> Model:
    return zoo.load(name, backend=backend, device="cpu")


@pytest.fixture(params=["tiny", "colorizer-ae.photos"])
def named(request: pytest.FixtureRequest, tmp_path: Path, tiny_family: FakePlugins) -> str:
    return f"dir:{write_checkpoint(tmp_path / 'tiny')}" if request.param == "tiny" else request.param


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: on a machine with other work its threads wait for each other far longer than they work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_every_backend_gives_the_same_picture_in_any_batch(named: str) -> None:
    images = RNG.random((2, 1, 40, 56), np.float32)
    found = {}
    for backend in ("onnx", "torch"):
        model = load(named, backend)
        found[backend] = model.translate(images)
        np.testing.assert_allclose(model.translate(images[1:]), found[backend][1:], atol=1e-4)
    np.testing.assert_allclose(found["onnx"], found["torch"], atol=1e-3)


def test_the_same_input_gives_the_same_answer(tiny: Model) -> None:
    images = RNG.random((2, 3, 33, 20), np.float32)
    np.testing.assert_array_equal(tiny.translate(images), tiny.translate(images))


def test_auto_is_the_light_backend(tmp_path: Path) -> None:
    assert load_vae(tmp_path).backend.name == "onnx"


def test_the_torch_backend_wants_the_family(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="the family 'tiny', which no installed plugin has"):
        zoo.load(f"dir:{write_checkpoint(tmp_path)}", backend="torch", registry=Registry.build([]))


def test_the_torch_backend_wants_the_familys_weights(tmp_path: Path, tiny_family: FakePlugins) -> None:
    folder = write_checkpoint(tmp_path / "tiny", config={"channels": 4})
    with pytest.raises(UnsafeFileError, match=r"2 weights don't match the family's network: conv\.bias, conv\.weight"):
        zoo.load(f"dir:{folder}", backend="torch")


@pytest.mark.parametrize(
    ("how", "word"), [({"backend": "tensorflow"}, "no backend 'tensorflow'"), ({"device": "tpu"}, "no device 'tpu'")]
)
def test_unknown_backends_and_devices_are_refused(tmp_path: Path, how: dict[str, str], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        zoo.load(f"dir:{write_checkpoint(tmp_path)}", **how)
