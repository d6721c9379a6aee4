"""The latent space of a model from Python: interpolations, variations, sums, and latents that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from vaes import load_free, load_vae

import zoo
from zoo.errors import UnsupportedCapability, UsageError

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 1, 4, 4), np.float32)


def test_a_reconstruction_is_of_the_models_own_size(tmp_path: Path) -> None:
    vae = load_vae(tmp_path)
    np.testing.assert_array_equal(vae.reconstruct(IMAGES), vae.decode(vae.encode(IMAGES)))
    assert vae.reconstruct(RNG.random((3, 3, 9, 7), np.float32)).shape == (3, 1, 4, 4)


@pytest.mark.parametrize("path", ["spherical", "linear"])
def test_an_interpolation_begins_and_ends_at_decoded_latents(tmp_path: Path, path: Any) -> None:
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


def test_variations_go_towards_draws_of_a_fitted_prior(tmp_path: Path) -> None:
    vae = load_vae(tmp_path, prior="sampler")
    latents = np.stack([np.ones(2), np.zeros(2)])
    one, other = (vae.vary(latent, 1, 200, seed=4) for latent in latents)
    np.testing.assert_array_equal(one, other)
    near = vae.vary(latents[0], 0.1, 200, seed=4)
    assert np.abs(near - vae.decode(latents[:1])).mean() < np.abs(one - vae.decode(latents[:1])).mean() / 4


def test_a_draw_is_not_varied_towards_itself(tmp_path: Path) -> None:
    for prior in ("normal", "sampler"):
        vae = load_vae(tmp_path / prior, prior=prior)
        assert (vae.vary(vae.draw(1, 7), 1, 1, seed=7) != vae.decode(vae.draw(1, 7))).any()


def test_without_a_prior_variations_are_as_long_as_the_latent(tmp_path: Path) -> None:
    vae = load_vae(tmp_path, prior="none")
    with pytest.raises(UnsupportedCapability, match="can't generate"):
        vae.generate()
    short, long = (vae.vary(np.full(2, length), 1, 50).std() for length in (0.01, 0.1))
    assert short < long


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
