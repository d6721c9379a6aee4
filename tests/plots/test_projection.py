"""A plane through a latent space: found by its variance, and there and back."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.plots.projection import changing_plane, grid_points, principal_plane, quantiles, whole_plane

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("n", "shape"), [(500, (6,)), (40, (4, 5, 5))])
def test_the_principal_plane_is_where_the_variance_is(n: int, shape: tuple[int, ...]) -> None:
    """More pictures than dimensions, and fewer."""
    size = int(np.prod(shape))
    axes = np.linalg.qr(RNG.standard_normal((size, size)))[0][:2]
    points = RNG.standard_normal((n, 2)) * [5, 2]
    latents = (points @ axes + 0.01 * RNG.standard_normal((n, size)) + 7).reshape(n, *shape).astype(np.float32)
    plane = principal_plane(latents)
    for found, true in zip(plane.axes.reshape(2, -1), axes, strict=True):
        assert abs(found @ true) == pytest.approx(1, abs=0.02)
    assert sum(plane.shares or ()) == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(plane.spread, plane.points(latents).std(axis=0), rtol=1e-3)
    np.testing.assert_allclose(plane.latents(plane.points(latents)), latents, atol=0.1)
    assert plane.names[0] == f"principal component 1 ({100 * (plane.shares or (0,))[0]:.1f} % of the variance)"


def test_the_changing_plane_is_where_images_change_most() -> None:
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((800, 6)).astype(np.float32)
    axes = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    change = np.zeros((6, 12))
    for strength, axis in zip((3, 2, 0.5), axes, strict=False):
        change += strength * np.outer(axis, np.linalg.qr(rng.standard_normal((12, 1)))[0])
    pictures = np.tanh(0.2 * latents @ change).reshape(800, 1, 3, 4).astype(np.float32)
    plane = changing_plane(latents, pictures)
    for found, true in zip(plane.axes, axes[:2], strict=True):
        assert abs(found @ true) > 0.95
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-5)
    assert plane.spread == pytest.approx((1, 1), abs=0.1)
    off = (latents[0] - latents.mean(axis=0)) @ plane.axes.T
    np.testing.assert_allclose(plane.latents(off[None])[0], latents[0], atol=1e-4)
    assert 0.8 < sum(plane.shares or ()) <= 1
    with pytest.raises(UsageError, match="do not vary"):
        changing_plane(latents, np.ones_like(pictures))


def test_a_latent_of_two_dimensions_is_its_own_plane() -> None:
    latents = RNG.standard_normal((9, 2)).astype(np.float32)
    np.testing.assert_array_equal(whole_plane().points(latents), latents)
    np.testing.assert_array_equal(whole_plane().latents(latents), latents)


def test_a_grid_goes_through_the_quantiles_from_the_top_left() -> None:
    np.testing.assert_allclose(quantiles(4), [-1.1503, -0.3186, 0.3186, 1.1503], atol=1e-4)
    ticks, points = grid_points(whole_plane(), 4)
    np.testing.assert_array_equal(points[0], [ticks[0, 0], ticks[1, 3]])
    np.testing.assert_array_equal(points[1], [ticks[0, 1], ticks[1, 3]])
    np.testing.assert_array_equal(points[-1], [ticks[0, 3], ticks[1, 0]])


@pytest.mark.parametrize("latents", [np.ones((9, 4)), RNG.random((2, 4)), RNG.random((9, 1))])
def test_latents_without_a_plane_are_refused(latents: np.ndarray) -> None:
    with pytest.raises(UsageError):
        principal_plane(latents.astype(np.float32))
