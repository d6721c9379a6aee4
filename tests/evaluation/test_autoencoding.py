"""Reconstruction beside principal components."""

from __future__ import annotations

import numpy as np
import pytest
from linear import Linear

from zoo.evaluation import autoencoding
from zoo.evaluation.autoencoding import Components, compared, reconstructed
from zoo.metrics.setting import Setting

RNG = np.random.default_rng(0)


def low_rank(n: int, seed: int) -> np.ndarray:
    """Pictures that two components describe, but for rounding."""
    rng = np.random.default_rng(seed)
    basis = np.random.default_rng(5).normal(size=(2, 256))
    return np.rint(np.clip(128 + 10 * rng.normal(size=(n, 2)) @ basis, 0, 255)).astype(np.uint8).reshape(n, 1, 16, 16)


def test_as_many_components_as_the_pictures_need_describe_them() -> None:
    components = Components(low_rank(60, 0), 2)
    held_out = low_rank(5, 1)
    exact, poor = (components.project(held_out, k).astype(float) - held_out for k in (2, 1))
    assert np.abs(exact).max() <= 2
    assert np.abs(poor).max() > 10


def test_pca_is_compared_at_sizes_up_to_the_latent_and_the_rank() -> None:
    assert compared(20, 12, 784) == [12, 20]
    assert compared(1024, 300, 3072) == [64, 128, 256, 300, 1024]
    assert compared(1024, 0, 200) == [64, 128]
    assert compared(16, None, 784) == [16]


def test_figures_of_a_model_that_keeps_everything() -> None:
    train, test = low_rank(60, 0), low_rank(5, 1)
    metrics = autoencoding.measure(test, test, train, 2, 1, Setting("test", "zoo eval it"))
    found = {metric.name: metric for metric in metrics}
    assert set(found) == {"psnr", "ssim", "psnr_pca_1", "psnr_pca_2"}
    assert found["psnr"].value == 100.0
    assert found["ssim"].value == pytest.approx(1.0)
    average = np.rint(train.mean(axis=0))
    nothing = -10 * np.log10(np.mean(((test - average) / 255) ** 2, axis=(1, 2, 3)))
    assert found["psnr"].baseline == pytest.approx(nothing.mean(), abs=0.02)
    assert nothing.mean() < found["psnr_pca_1"].value < found["psnr_pca_2"].value
    assert "2 dimensions, 1 of them active" in found["psnr"].protocol


def test_pictures_are_encoded_and_decoded_in_order() -> None:
    model = Linear()
    pictures = model.pictures(3)
    one_by_one = [reconstructed(model, pictures[i : i + 1])[0] for i in range(3)]
    assert np.array_equal(reconstructed(model, pictures), one_by_one)
