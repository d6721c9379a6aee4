"""Colour arithmetic against published values and against its own definition."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zoo.pictures import color

# Lab (D65, 2 degree observer) of sRGB primaries and mixes, by scikit-image 0.26 `rgb2lab`, whose matrix has two more
# digits than IEC 61966-2-1: so the tolerance is 0.03.
REFERENCE = [
    ((255, 255, 255), (100.0, 0.0, 0.0)),
    ((0, 0, 0), (0.0, 0.0, 0.0)),
    ((119, 119, 119), (50.0344, 0.0, 0.0)),
    ((255, 0, 0), (53.2406, 80.0923, 67.2028)),
    ((0, 255, 0), (87.7351, -86.1830, 83.1797)),
    ((0, 0, 255), (32.2957, 79.1856, -107.8573)),
    ((12, 200, 90), (70.9552, -64.8201, 43.0652)),
    ((3, 2, 1), (0.5869, 0.1224, 0.4706)),
]


@pytest.mark.parametrize(("rgb", "lab"), REFERENCE)
def test_lab_agrees_with_an_independent_implementation(rgb, lab):
    levels = np.array(rgb, np.uint8)
    np.testing.assert_allclose(color.rgb_to_lab(levels), lab, atol=0.03)
    np.testing.assert_allclose(color.rgb_to_lab(levels / np.float32(255)), lab, atol=0.03)


def test_every_gray_has_no_chroma_and_the_lightness_of_cie_15():
    grays = np.arange(256, dtype=np.uint8)
    lab = color.rgb_to_lab(np.repeat(grays[:, None], 3, axis=1))
    np.testing.assert_allclose(lab[:, 1:], 0, atol=1e-3)
    np.testing.assert_allclose(color.lightness(grays), lab[:, 0], atol=1e-3)
    np.testing.assert_allclose(color.lightness(grays / np.float32(255)), lab[:, 0], atol=1e-3)
    assert color.lightness(np.float32([-1, 2])).tolist() == pytest.approx([0, 100], abs=1e-4)


def test_lab_and_back_is_the_same_colour():
    rgb = np.random.default_rng(0).random((40, 50, 3), dtype=np.float32)
    np.testing.assert_allclose(color.lab_to_rgb(color.rgb_to_lab(rgb)), rgb, atol=3e-4)


def test_gray_is_pillows_mode_l_exactly():
    picture = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(picture).convert("L"))
    gray = color.gray_of(picture.transpose(2, 0, 1)[None])
    np.testing.assert_array_equal(gray[0, 0], expected)
    floats = color.gray_of(picture.transpose(2, 0, 1)[None] / np.float32(255))
    np.testing.assert_allclose(floats[0, 0] * 255, expected, atol=0.51)


def test_gray_repeated_is_a_view():
    gray = np.zeros((2, 1, 4, 5), np.uint8)
    assert color.rgb_of(gray).shape == (2, 3, 4, 5)
    assert np.shares_memory(color.rgb_of(gray), gray)


def joined(light, a, b, dtype):
    out = np.empty((*light.shape, 3), dtype).transpose(2, 0, 1)
    color.join(light, a, b, out)
    return out.transpose(1, 2, 0)


def test_joining_no_chroma_gives_every_gray_back():
    grays = np.arange(256, dtype=np.uint8).reshape(16, 16)
    none = np.zeros((16, 16), np.float32)
    np.testing.assert_array_equal(joined(color.lightness(grays), none, none, np.uint8), np.dstack([grays] * 3))


def test_16_bits_keep_every_level_of_gray_and_of_lightness():
    grays = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    light, none = color.lightness(grays), np.zeros((256, 256), np.float32)
    np.testing.assert_array_equal(joined(light, none, none, np.uint16), np.dstack([grays] * 3))
    a, b = np.random.default_rng(6).normal(0, 60, (2, 256, 256)).astype(np.float32)
    rgb = joined(light, a, b, np.uint16) / 65535
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    levels = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 65535
    assert np.abs(levels - grays).max() < 5
    assert np.abs(levels - grays).mean() < 0.5
    assert np.ptp(rgb, axis=2).mean() > 0.1


def test_luma_of_16_bits_is_that_of_8():
    rgb = np.random.default_rng(7).integers(0, 256, (1, 3, 20, 30), dtype=np.uint8)
    deep = color.gray_of(rgb * np.uint16(257))
    assert np.abs(deep / 257 - color.gray_of(rgb)).max() <= 0.5


def test_joining_colours_that_fit_gives_them_back():
    rgb = np.random.default_rng(2).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    light, a, b = np.moveaxis(color.rgb_to_lab(rgb), -1, 0)
    difference = joined(light, a, b, np.uint8).astype(int) - rgb
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_joining_too_strong_colours_keeps_lightness_and_hue(dtype):
    rng = np.random.default_rng(3)
    light = rng.uniform(5, 95, (60, 80)).astype(np.float32)
    a, b = rng.normal(0, 90, (2, 60, 80)).astype(np.float32)
    lab = color.rgb_to_lab(joined(light, a, b, dtype))
    limit = {np.uint8: 0.9, np.float32: 0.2}[dtype]  # in levels of 8 bits; rounding to uint8 alone is 0.5 a channel
    assert np.abs(lab[..., 0] - light).max() * 2.55 < limit
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    cross = (lab[..., 1] * b - lab[..., 2] * a) / np.hypot(a, b)  # how far beside the asked hue
    assert np.abs(cross).max() < {np.uint8: 5, np.float32: 0.6}[dtype]
    assert np.all(chroma <= np.hypot(a, b) + 3)


def test_chroma_is_lowered_no_further_than_the_border_of_srgb():
    light, a, b = (np.full((1, 1), value, np.float32) for value in (60, 300, 60))
    lab = color.rgb_to_lab(joined(light, a, b, np.float32))
    onward = lab * np.float32([1, 1.02, 1.02])
    linear = onward_linear(onward[0, 0])
    assert linear.max() > 1 or linear.min() < 0


def onward_linear(lab):
    fy = (lab[0] + 16) / 116
    xyz = np.array([fy + lab[1] / 500, fy, fy - lab[2] / 200]) ** 3 * color.WHITE
    return np.linalg.inv(color.RGB_TO_XYZ) @ xyz


def test_joining_is_per_pixel_whatever_the_strides():
    rng = np.random.default_rng(4)
    light = rng.uniform(0, 100, (20, 30)).astype(np.float32)
    a, b = rng.normal(0, 60, (2, 20, 30)).astype(np.float32)
    whole = joined(light, a, b, np.uint8)
    np.testing.assert_array_equal(joined(light[3:9, 5:], a[3:9, 5:], b[3:9, 5:], np.uint8), whole[3:9, 5:])
    turned = joined(light.T, a.T, b.T, np.uint8)  # not in C order
    np.testing.assert_array_equal(turned, whole.transpose(1, 0, 2))
