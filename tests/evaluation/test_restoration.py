"""Classical methods as baselines."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.evaluation.restoration import colourers, denoisers
from zoo.metrics.figures import psnr
from zoo.pictures.color import gray_of


def scenes(n: int, side: int, seed: int) -> np.ndarray:
    """Smooth pictures of three colours."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side] / side
    waves = [np.sin(3 * (down * a + across * b + c)) for a, b, c in rng.normal(size=(3 * n, 3))]
    return np.rint(127 + 90 * np.array(waves)).astype(np.uint8).reshape(n, 3, side, side)


def noisy(pictures: np.ndarray, sigma: float = 40) -> np.ndarray:
    noise = np.random.default_rng(9).normal(0, sigma, pictures.shape)
    return np.rint((pictures + noise).clip(0, 255)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_denoiser_reduces_noise_in_unseen_images(channels: int) -> None:
    train, test = scenes(140, 16, 0)[:, :channels], scenes(3, 16, 1)[:, :channels]
    given = noisy(test)
    methods = denoisers(list(zip(noisy(train[:2]), train[:2], strict=True)), train)
    assert [method.name for method in methods] == ["blur", "nlm", "pca_128"]
    for method in methods:
        made = [method.apply(one) for one in given]
        assert made[0].shape == test[0].shape
        gain = np.mean([psnr(one, true) - psnr(bad, true) for one, bad, true in zip(made, given, test, strict=True)])
        assert gain > 0.5, method.name


def test_the_setting_follows_the_noise() -> None:
    train = scenes(2, 16, 0)
    little, much = (denoisers(list(zip(noisy(train, s), train, strict=True)), None) for s in (8, 60))
    assert [method.name for method in little] == ["blur", "nlm"]
    assert float(little[0].text.rsplit(" ", 1)[1]) < float(much[0].text.rsplit(" ", 1)[1])


def test_ridge_regression_finds_colours_linear_in_gray() -> None:
    """Red, green and blue are the same gray at three strengths: a linear matter."""
    gray = scenes(120, 8, 0)[:, :1].astype(float)
    pictures = np.rint(gray * np.array([1.0, 0.7, 0.4]).reshape(1, 3, 1, 1)).astype(np.uint8)
    (method,) = colourers(pictures[:110])
    for true in pictures[110:]:
        assert psnr(method.apply(gray_of(true[None])[0]), true) > 30
    assert method.name == "ridge"


def test_large_pictures_are_not_regressed() -> None:
    assert colourers(np.zeros((2, 3, 65, 64), np.uint8)) == []
    assert colourers(None) == []
