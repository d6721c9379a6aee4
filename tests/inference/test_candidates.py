"""Noise for candidates: normal at every place, smooth, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.inference.candidates import noise_planes, with_noise


def test_noise_has_unit_variance_everywhere() -> None:
    planes = noise_planes(4000, 1, (9, 5), seed=1)
    assert planes.shape == (4000, 1, 9, 5)
    np.testing.assert_allclose(planes.std(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(planes.mean(axis=0), 0.0, atol=0.06)


def test_noise_is_smooth() -> None:
    planes = noise_planes(50, 2, (256, 256), seed=0)
    assert np.abs(np.diff(planes, axis=2)).max() < 0.06
    assert np.abs(np.diff(planes, axis=3)).max() < 0.06


def test_first_draws_do_not_depend_on_the_count() -> None:
    np.testing.assert_array_equal(noise_planes(5, 2, (7, 8), 3)[:2], noise_planes(2, 2, (7, 8), 3))


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 3)])
def test_noise_of_tiny_pictures(size: tuple[int, int]) -> None:
    assert np.isfinite(noise_planes(1, 2, size, 0)).all()


def test_planes_are_laid_after_the_channels() -> None:
    planes = noise_planes(1, 2, (4, 6), 0)[0]
    seen: list[np.ndarray] = []
    with_noise(lambda batch: seen.append(batch) or batch, planes)(np.ones((3, 1, 4, 6), np.float32))
    assert seen[0].shape == (3, 3, 4, 6)
    np.testing.assert_array_equal(seen[0][1, 1:], planes)
    with pytest.raises(ZooError, match="noise of"):
        with_noise(lambda batch: batch, planes)(np.ones((1, 1, 4, 4), np.float32))
