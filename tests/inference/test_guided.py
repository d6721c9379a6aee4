"""Chroma that follows the edges of the lightness, and no more than that: not noise, not what is sharp already."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.catalog.ports import ImageSpec
from zoo.errors import UsageError
from zoo.inference.fit import fit_translate
from zoo.inference.fit.guided import at_size, linear_model
from zoo.inference.fit.resampling import resampled
from zoo.pictures import color

SPEC = ImageSpec(channels=1, size=(128, 128))


def smoothly(planes, size):
    """Planes enlarged without a guide."""
    whole = np.empty((len(planes), *size), np.float32)
    for rows, columns, values in resampled(planes, size):
        whole[:, rows, columns] = values
    return whole


def guided(chroma, light, full):
    """Chroma at the size of the lightness `full`."""
    slopes, offsets = np.split(smoothly(linear_model(chroma, light), full.shape), 2)
    return slopes * full + offsets


def halves(size, border=0.53):
    """A light and a dark half, and the chroma that goes with them: lightness (h, w), chroma (2, h, w)."""
    dark = np.arange(size) >= border * size
    light = np.broadcast_to(np.where(dark, 30.0, 75.0), (size, size)).astype(np.float32)
    return light, np.stack([np.where(dark, 40.0, -5.0), np.where(dark, 25.0, -35.0)])[:, None].repeat(size, 1)


def answered(chroma, side=128, cells=64):
    """The chroma as an average over cells, at the size of an answer."""
    return at_size(at_size(chroma.astype(np.float32), (cells, cells)), (side, side))


def test_soft_chroma_follows_an_edge_of_lightness():
    light, chroma = halves(640)
    given, small = answered(chroma), at_size(light[None], (128, 128))[0]
    near = np.s_[:, 20:-20, 330:350]
    spilled = np.abs(smoothly(given, light.shape) - chroma)[near].mean()
    assert np.abs(guided(given, small, light) - chroma)[near].mean() < 0.4 * spilled


def test_sharp_chroma_is_not_sharpened_twice():
    light, chroma = halves(128)
    np.testing.assert_allclose(guided(chroma.astype(np.float32), light, light), chroma, atol=0.5)


def test_flat_lightness_leaves_the_chroma_smooth():
    chroma = answered(np.random.default_rng(0).normal(0, 20, (2, 64, 64)))
    flat = np.full((128, 128), 62.5, np.float32)
    full = np.full((300, 500), 62.5, np.float32)
    np.testing.assert_allclose(guided(chroma, flat, full), smoothly(chroma, full.shape), atol=0.01)


def test_gray_stays_gray():
    light = np.random.default_rng(0).uniform(0, 100, (200, 300)).astype(np.float32)
    small = at_size(light[None], (128, 128))[0]
    assert not guided(np.zeros((2, 128, 128), np.float32), small, light).any()


def test_noise_of_lightness_colours_little():
    rng = np.random.default_rng(0)
    full = (50 + rng.normal(0, 4, (512, 512))).astype(np.float32)
    chroma = answered(rng.normal(0, 10, (2, 64, 64)))
    made = guided(chroma, at_size(full[None], (128, 128))[0], full)
    assert (made - smoothly(chroma, full.shape)).std() < 0.1 * 4


def test_an_answer_is_reproduced_at_its_own_size():
    rng = np.random.default_rng(0)
    light = np.repeat(rng.uniform(20, 80, (48, 40)), 1, axis=0).astype(np.float32)
    chroma = rng.normal(0, 20, (2, 48, 40)).astype(np.float32)
    np.testing.assert_allclose(guided(chroma, light, light), chroma, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (64, 65)])
def test_models_of_any_size_are_finite(shape):
    rng = np.random.default_rng(0)
    model = linear_model(rng.normal(0, 30, (2, *shape)).astype(np.float32), np.full(shape, 100, np.float32))
    assert model.shape == (4, *shape)
    assert np.isfinite(model).all()


def test_the_fit_keeps_colours_within_outlines():
    light, chroma = halves(640)
    gray = color.lab_to_rgb(np.dstack([light, np.zeros_like(light), np.zeros_like(light)]))[None, None, :, :, 0]
    small = at_size(np.concatenate([light[None], chroma.astype(np.float32)]), (64, 64))
    answer = color.lab_to_rgb(np.ascontiguousarray(at_size(small, (128, 128)).transpose(1, 2, 0))).transpose(2, 0, 1)
    result = fit_translate("chroma", gray, lambda _: answer[None], SPEC)
    found = color.rgb_to_lab(result[0].transpose(1, 2, 0))[..., 1:].transpose(2, 0, 1)
    given = color.rgb_to_lab(answer.transpose(1, 2, 0))[..., 1:].transpose(2, 0, 1)
    near = np.s_[:, 20:-20, 330:350]
    assert np.abs(found - chroma)[near].mean() < 0.5 * np.abs(smoothly(given, light.shape) - chroma)[near].mean()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_strength_multiplies_a_and_b(dtype):
    gray = np.full((1, 1, 40, 50), 128, np.uint8)
    gray = gray if dtype == np.uint8 else gray / np.float32(255)
    answer = np.stack([np.full((128, 128), level, np.float32) for level in (0.55, 0.5, 0.45)])[None]
    made = {
        strength: color.rgb_to_lab(
            fit_translate("chroma", gray, lambda _: answer, SPEC, strength)[0].transpose(1, 2, 0)
        )
        for strength in (0.0, 0.5, 1.0, 2.0)
    }
    assert not made[0.0][..., 1:].round(3).any()
    for strength, lab in made.items():
        np.testing.assert_allclose(lab[..., 1:], strength * made[1.0][..., 1:], atol=1.2)
        np.testing.assert_allclose(lab[..., 0], made[1.0][..., 0], atol=0.5)
    assert np.hypot(made[1.0][..., 1], made[1.0][..., 2]).min() > 6


def test_only_chroma_has_a_strength():
    with pytest.raises(UsageError, match="the fit 'pad' has no colour strength"):
        fit_translate("pad", np.zeros((1, 1, 8, 8), np.uint8), lambda batch: batch, ImageSpec(channels=1), 0.5)
