"""A plane through a latent space, so that it can be drawn: numpy only."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from zoo.arrays import Doubles, Floats
from zoo.errors import UsageError


@dataclass(frozen=True, eq=False)
class Plane:
    """Two axes in a latent space: a point (u, v) of the plane is the latent `center + u axes[0] + v axes[1]`.

    `center` (*latent_shape) and `axes` (2, *latent_shape, orthonormal) are float32; `spread` is the standard deviation
    of the latents along each axis and `shares` the share of their variance, None where the latent has two dimensions
    anyway. `names` are what to write at the axes.
    """

    center: Floats = field(repr=False)
    axes: Floats = field(repr=False)
    spread: tuple[float, float]
    names: tuple[str, str]
    shares: tuple[float, float] | None = None

    def points(self, latents: Floats) -> Doubles:
        """Where latents (N, *latent_shape) lie on the plane: (N, 2)."""
        moved = (latents - self.center).reshape(len(latents), -1).astype(np.float64)
        return np.asarray(moved @ self.axes.reshape(2, -1).T.astype(np.float64))

    def latents(self, points: Doubles) -> Floats:
        """The latents of points (N, 2): (N, *latent_shape) float32."""
        return (self.center + np.tensordot(points, self.axes, axes=1)).astype(np.float32)


def whole_plane() -> Plane:
    """The plane of a latent of two dimensions: the latent itself, in units of the standard normal prior."""
    return Plane(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), (1.0, 1.0), ("z[0]", "z[1]"))


def principal_plane(latents: Floats) -> Plane:
    """The plane in which latents (N, *latent_shape) vary most: principal component analysis.

    The sign of an axis is such that its largest entry is positive. Raises UsageError for fewer than three latents, or
    latents that do not vary.
    """
    if len(latents) < 3:
        raise UsageError(f"{len(latents)} pictures are too few for a map: at least 3")
    shape = latents.shape[1:]
    flat = latents.reshape(len(latents), -1).astype(np.float64)
    center = flat.mean(axis=0)
    flat -= center
    total = float(np.square(flat).sum())
    if flat.shape[1] < 2 or not total:
        raise UsageError("these latents do not span a plane: they do not vary, or have one dimension only")
    axes, variances = _principal(flat)
    words = "principal component", "variance"
    return _plane(shape, center, axes, np.sqrt(variances / len(flat)), variances / total, words)


def changing_plane(latents: Floats, pictures: Floats) -> Plane:
    """The plane along which the pictures of latents change most: latents (N, *latent_shape), pictures (N, C, H, W).

    Its axes are the first left singular vectors of the covariance of latents and pictures: where the latents are drawn
    from a standard normal, of the linear map that predicts pictures best. Every plane of such latents looks alike, so
    principal components of the latents alone would tell nothing; those of what comes of them do (as of features in
    Härkönen et al. 2020). The plane goes through the first latent: around the mean of draws in many dimensions lies
    almost none of them, and no generator is trained there. Raises UsageError as `principal_plane`.
    """
    shape = latents.shape[1:]
    center, mean = latents.mean(axis=0), pictures.mean(axis=0)
    flat = (latents - center).reshape(len(latents), -1).astype(np.float64)
    shared = flat.T @ (pictures - mean).reshape(len(pictures), -1)
    if len(latents) < 3 or flat.shape[1] < 2 or not np.square(shared).sum():
        raise UsageError("these latents do not span a plane: they, or their pictures, do not vary")
    axes, strengths = _principal(shared.T)
    places = flat @ axes.T
    center = latents[0].reshape(-1) - places[0] @ axes
    shares = strengths / float(np.square(shared).sum())
    return _plane(shape, center, axes, places.std(axis=0), shares, ("direction", "change"))


def _plane(
    shape: tuple[int, ...], center: Doubles, axes: Doubles, spread: Doubles, shares: Doubles, words: tuple[str, str]
) -> Plane:
    """A plane of latents of a shape by its flat `center` and `axes`; an axis is turned so that its largest entry is
    positive, and called by its share, such as `direction 1 (40.0 % of the change)`.
    """
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]
    names = [f"{words[0]} {k + 1} ({100 * share:.1f} % of the {words[1]})" for k, share in enumerate(shares)]
    return Plane(
        center.reshape(shape).astype(np.float32),
        axes.reshape(2, *shape).astype(np.float32),
        (float(spread[0]), float(spread[1])),
        (names[0], names[1]),
        (float(shares[0]), float(shares[1])),
    )


def quantiles(n: int) -> Doubles:
    """The middles of `n` parts of equal probability of the standard normal (Kingma & Welling 2014, figure 4)."""
    return np.array([NormalDist().inv_cdf((k + 0.5) / n) for k in range(n)])


def grid_points(plane: Plane, n: int) -> tuple[Doubles, Doubles]:
    """Ticks (2, n) along both axes, by quantiles, and the points (n * n, 2) they make, by rows from the top left."""
    ticks = np.stack([quantiles(n) * spread for spread in plane.spread])
    across, down = np.meshgrid(ticks[0], ticks[1][::-1])
    return ticks, np.stack([across.ravel(), down.ravel()], axis=1)


def _principal(flat: Doubles) -> tuple[Doubles, Doubles]:
    """The first two right singular vectors (2, D) and squared singular values, by the smaller of both Gram matrices."""
    count, size = flat.shape
    if size <= count:
        values, vectors = np.linalg.eigh(flat.T @ flat)
        return vectors[:, :-3:-1].T.copy(), values[:-3:-1]
    values, vectors = np.linalg.eigh(flat @ flat.T)
    axes = vectors[:, :-3:-1].T @ flat
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    return axes / np.maximum(lengths, 1e-12), values[:-3:-1]
