"""What the page moves along in a latent space: the directions in which pictures change most, and learned attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import UsageError, ZooError
from zoo.inference.conditions import part

if TYPE_CHECKING:
    from zoo.inference.directions import Directions
    from zoo.inference.model import Model
    from zoo.web.shelf import Data

Array = NDArray[np.float32]

COUNT = 8
# Draws to find the directions with: as many as can be decoded in a few seconds, within these bounds.
_FEWEST, _MOST, _PIXELS = 48, 256, 2**22
# Pictures are compared at no more than this side: what changes most is large.
_SIDE = 16
_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Space:
    """Directions in the latent space of a model.

    `axes` (K, *latent_shape), orthonormal, are those in which pictures change most, `spread` (K,) the standard
    deviation of draws along each. `center` (*latent_shape) is where the map's plane, of the first two, goes through;
    `names` and `vectors` (A, *latent_shape) are learned attributes, each from without (0) to with it (1).
    """

    center: Array
    axes: Array
    spread: Array
    names: tuple[str, ...] = ()
    vectors: Array | None = None


@dataclass(frozen=True, eq=False)
class Points:
    """Places (N, 2) on the map, in units of the latent, a label for each (or none), and what they are in words."""

    places: Array
    labels: tuple[str, ...]
    of: str


def explored(model: Model, directions: Sequence[Directions] = ()) -> Space:
    """The space of a model that decodes and draws, with those attributes that were learned with its weights.

    The axes are left singular vectors of the covariance of latents and their pictures: draws of a normal prior look
    alike along every direction, their pictures do not. Raises UnsupportedCapability where nothing can be drawn,
    UsageError for latents whose shape follows the picture.
    """
    if None in (model.latent_shape or ()):
        raise UsageError(f"the latents of {model.id} follow the size of a picture: they have no fixed directions")
    learned = [item for item in directions if item.weights == model.config.weights.sha256]
    names = tuple(name for item in learned for name in item.names)
    vectors = np.concatenate([item.vectors for item in learned]) if learned else None
    shape = tuple(length or 1 for length in model.latent_shape or ())
    if int(np.prod(shape)) <= 2:
        size = int(np.prod(shape))
        axes = np.eye(size, dtype=np.float32).reshape(size, *shape)
        return Space(np.zeros(shape, np.float32), axes, np.ones(size, np.float32), names, vectors)
    latents = model.draw(_draws(model))
    told = model.told(len(latents))
    pictures = np.concatenate(
        [
            _small(model.decode(latents[start : start + _AT_ONCE], **part(told, start, start + _AT_ONCE)))
            for start in range(0, len(latents), _AT_ONCE)
        ]
    )
    axes = _axes(latents.reshape(len(latents), -1), pictures)
    flat = latents.reshape(len(latents), -1)
    center = flat.mean(0)
    if "encode" not in model.capabilities:  # the middle of its draws is a place where a generator was never trained
        center = flat[0] - (flat[0] - center) @ axes.T @ axes
    spread = ((flat - flat.mean(0)) @ axes.T).std(0)
    return Space(center.reshape(shape), axes.reshape(-1, *shape), spread.astype(np.float32), names, vectors)


def placed(model: Model, space: Space, data: Data | None = None) -> Points:
    """Where pictures of a source lie on the map of a model, with their labels, or where draws from the prior do.

    Raises what `open_source` and `encode_all` of a source raise.
    """
    labels: tuple[str, ...] = ()
    if data is None or "encode" not in model.capabilities:
        latents, of = model.draw(400, seed=1), "draws from the prior"
    else:
        latents, labels = _encoded(model, data)
        of = f"{len(latents):,} pictures of {data.source}, split {data.split}"
    flat = (latents - space.center).reshape(len(latents), -1)
    places = np.zeros((len(flat), 2), np.float32)
    plane = space.axes[:2].reshape(-1, flat.shape[1])
    places[:, : len(plane)] = flat @ plane.T
    return Points(places, labels, of)


def _encoded(model: Model, data: Data) -> tuple[Array, tuple[str, ...]]:
    from zoo.datasets import open_source
    from zoo.jobs.encoding import encode_all

    source = open_source(data.source, data.split, model.interface.takes("encode").channels)
    rows = np.unique(np.linspace(0, len(source) - 1, min(data.limit, len(source))).round().astype(int)).tolist()
    found: list[Mapping[str, str]] = [source.labels(row) for row in rows]
    labels = tuple(row.get("label", "") for row in found)
    return encode_all(model, source, rows), labels if any(labels) else ()


def _draws(model: Model) -> int:
    height, width = model.interface.gives("decode").size or (64, 64)
    return int(np.clip(_PIXELS // (height * width), _FEWEST, _MOST))


def _small(pictures: Array) -> Array:
    """Pictures (N, C, H, W) as rows (N, P) of plain averages over blocks."""
    step = max(1, max(pictures.shape[2:]) // _SIDE)
    height, width = (length // step * step for length in pictures.shape[2:])
    count, channels = pictures.shape[:2]
    blocks = pictures[:, :, :height, :width].reshape(count, channels, height // step, step, width // step, step)
    return np.asarray(blocks.mean(axis=(3, 5)).reshape(count, -1), np.float32)


def _axes(latents: Array, pictures: Array) -> Array:
    """Up to COUNT orthonormal directions (K, D), the largest entry of each positive."""
    shared = (latents - latents.mean(0)).T @ (pictures - pictures.mean(0))
    if not np.square(shared).sum():
        raise ZooError("the pictures of different latents are all alike: there is nothing to move along")
    left, strengths, _ = np.linalg.svd(shared.astype(np.float64), full_matrices=False)
    telling = int((strengths > strengths[0] * 1e-6).sum())
    axes = left.T[: min(COUNT, max(2, telling))]  # a map has two, even if one says all
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
    found: NDArray[Any] = axes.astype(np.float32)
    return found
