"""Figures of merit against values known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.metrics import figures

RNG = np.random.default_rng(0)


def test_psnr_of_a_constant_difference() -> None:
    true = np.full((3, 16, 16), 100, np.uint8)
    assert figures.psnr(true + np.uint8(16), true) == pytest.approx(20 * np.log10(255 / 16), abs=1e-4)


def test_ssim_is_one_for_the_same_picture_and_falls_with_noise() -> None:
    true = RNG.integers(0, 256, (3, 32, 32), dtype=np.uint8)
    noisy = (true + RNG.normal(0, 40, true.shape)).clip(0, 255).astype(np.uint8)
    assert figures.ssim(true, true) == pytest.approx(1.0, abs=1e-5)
    assert figures.ssim(noisy, true) < 0.95


def test_gray_has_no_colour() -> None:
    gray = np.broadcast_to(RNG.integers(0, 256, (1, 8, 8), dtype=np.uint8), (3, 8, 8))
    assert figures.colourfulness(gray) == 0.0
    assert figures.colour(gray)[2] < 0.5


def test_chroma_of_red() -> None:
    """SRGB red is (53.24, 80.09, 67.20) in CIE Lab under D65, and half of the picture is black."""
    picture = np.zeros((3, 4, 4), np.uint8)
    picture[0, :, :2] = 255
    assert figures.colour(picture)[2] == pytest.approx(np.hypot(80.09, 67.20) / 2, abs=0.02)


def test_colourfulness_of_two_halves() -> None:
    """Red and cyan halves: rg is +-255, yb is +-127.5, both of mean zero, so M3 is the root of their squares."""
    picture = np.zeros((3, 2, 2), np.uint8)
    picture[0, :, 0] = 255
    picture[1:, :, 1] = 255
    assert figures.colourfulness(picture) == pytest.approx(np.hypot(255, 127.5), rel=1e-5)


def test_a_tint_is_the_same_all_over_and_keeps_lightness() -> None:
    gray = RNG.integers(60, 200, (1, 16, 16), dtype=np.uint8)
    made = figures.tinted(gray, np.array([5.0, 12.0]))
    assert figures.colour(made)[:2] == pytest.approx((5.0, 12.0), abs=0.3)
    assert figures.colour(made)[2] == pytest.approx(13.0, abs=0.3)
    assert np.array_equal(figures.tinted(gray, np.zeros(2)), np.broadcast_to(gray, (3, 16, 16)))


def test_summaries() -> None:
    values = np.array([1.0, 2.0, 3.0, 10.0])
    assert figures.mean(values).value == 4.0
    assert figures.mean(values).stderr == pytest.approx(values.std(ddof=1) / 2)
    assert figures.median(values).value == 2.5
    assert figures.median(values) == figures.median(values)
    assert figures.median(np.full(9, 3.0)).stderr == 0.0
