"""Attribute directions of a latent space: learned from labelled latents, applied at a strength, kept in a small file.

w = w_new + alpha * eta, eta the direction of an attribute and alpha the strength. Two folders, with and without, give
eta as the difference of their mean latents. With several labelled attributes, such a difference would carry all that
tends to go with the attribute (a beard's would make a man); a regression on all of them at once tells them apart.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.arrays import Doubles, Floats
from zoo.catalog.spec import CheckpointConfig
from zoo.errors import NotFoundError, UsageError


@dataclass(frozen=True, eq=False)
class Directions:
    """Directions of K attributes in the latent space of one model.

    `vectors` (K, *latent_shape) is what a latent changes by from without the attribute (0) to with it (1), the other
    attributes held fixed. `means` (K,) is each attribute's mean over the `n` pictures, `center` (*latent_shape) the
    latents'. `shares` (K,) is the share of the latents' variance along each direction, `r2` the share that all the
    attributes of the regression explain together. `model` and `weights`, a sha256, name whose latents these are.
    """

    model: str
    weights: str
    names: tuple[str, ...]
    vectors: Floats = field(repr=False)
    means: Floats = field(repr=False)
    shares: Floats = field(repr=False)
    center: Floats = field(repr=False)
    n: int
    r2: float

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape of one latent."""
        return self.center.shape

    def direction(self, name: str) -> Floats:
        """The direction of one attribute, (*latent_shape). Raises NotFoundError, naming those that are there."""
        if name not in self.names:
            close = difflib.get_close_matches(name, self.names, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(self.names)}"
            raise NotFoundError(f"no direction {name!r}; {hint}")
        found: Floats = self.vectors[self.names.index(name)]
        return found

    def check_model(self, config: CheckpointConfig, any_model: bool = False, name: str = "") -> None:
        """Raise UsageError unless these are directions for the latents of this model.

        The weights decide, not the name: the same model trained once more has other latents. `any_model` takes every
        model whose latents have the same shape. `name` is what commands call the model, if not by its id.
        """
        shape = config.latent.shape if config.latent else ()
        learned = f"these directions were learned with {self.model} (weights {self.weights[:12]})"
        if shape != self.latent_shape:
            raise UsageError(
                f"{learned}, whose latents are {_by(self.latent_shape)}; those of {config.id} are "
                f"{_by(shape) if shape else 'none'}: learn them with {name or config.id}"
            )
        if config.weights.sha256 != self.weights and not any_model:
            raise UsageError(
                f"{learned}, not with this {config.id} (weights {config.weights.sha256[:12]}): its latents mean "
                "something else; learn them with this model, or try --any-model"
            )


def apply(latents: NDArray[Any], direction: Floats, strength: float) -> Floats:
    """Latents (N, *latent_shape) moved along a direction: w = w_new + strength * direction.

    Strength 1 leads from without to with, -1 back. Raises UsageError if the shapes differ.
    """
    if latents.shape[1:] != direction.shape:
        raise UsageError(f"latents {_by(latents.shape[1:])} have no direction of shape {_by(direction.shape)}")
    return latents.astype(np.float32) + np.float32(strength) * direction


def learn(
    latents: Floats,
    attributes: NDArray[Any],
    names: Sequence[str],
    config: CheckpointConfig,
    *,
    keep: Sequence[str] | None = None,
    exclusive: Sequence[Sequence[int]] = (),
) -> Directions:
    """Directions of the attributes named in `keep`, else of all.

    `latents` (N, *latent_shape) are regressed on all `attributes` (N, K), 0 and 1 or any numbers, by least squares:
    z ~ b + sum_k a_k eta_k. So eta_k is the change that goes with attribute k while the others stay; with one column
    of 0 and 1, the difference of means. `exclusive` names, by position, columns that exclude each other.

    Raises UsageError for arrays that do not fit, and an attribute that is the same everywhere or that others determine.
    """
    flat, values = _checked(latents, attributes, names)
    means, spread, center = values.mean(axis=0), values.std(axis=0), flat.mean(axis=0)
    flat -= center
    standard = (values - means) / spread
    inverse = np.linalg.pinv(standard, rcond=1e-9)
    kept = tuple(names if keep is None else keep)
    rows = [names.index(name) for name in kept]
    contrasts = _contrasts(means, exclusive)[rows] / spread
    _check_apart(contrasts, inverse @ standard, kept, names)
    slopes = inverse @ flat
    vectors = contrasts @ slopes
    total = float(np.square(flat).sum())
    return Directions(
        model=config.id,
        weights=config.weights.sha256,
        names=kept,
        vectors=vectors.reshape(-1, *latents.shape[1:]).astype(np.float32),
        means=means[rows].astype(np.float32),
        shares=(len(flat) * spread[rows] ** 2 * np.square(vectors).sum(axis=1) / total).astype(np.float32),
        center=center.reshape(latents.shape[1:]).astype(np.float32),
        n=len(flat),
        r2=float(np.square(standard @ slopes).sum() / total),
    )


def _checked(latents: Floats, attributes: NDArray[Any], names: Sequence[str]) -> tuple[Doubles, Doubles]:
    """Latents (N, D) and attributes (N, K), each varying, finite and in double precision."""
    attributes = np.asarray(attributes, np.float64)
    if attributes.shape != (len(latents), len(names)):
        raise UsageError(
            f"attributes must be ({len(latents)}, {len(names)}), a row for each latent and a column for each name, "
            f"not {attributes.shape}"
        )
    if not names:
        raise UsageError("no attributes: name at least one")
    if len(set(names)) != len(names):
        raise UsageError(f"an attribute is named twice: {', '.join(names)}")
    if len(latents) < len(names) + 2:
        raise UsageError(f"{len(latents)} pictures are too few for {len(names)} attributes: at least {len(names) + 2}")
    if not np.isfinite(latents).all() or not np.isfinite(attributes).all():
        raise UsageError("latents and attributes must be finite numbers")
    for name, width in zip(names, attributes.std(axis=0), strict=True):
        if width < 1e-12:
            raise UsageError(f"{name!r} is the same in all {len(attributes)} pictures: nothing can be learned of it")
    if not np.ptp(latents, axis=0).any():
        raise UsageError("the latents are all the same: this model tells nothing of these pictures")
    return latents.reshape(len(latents), -1).astype(np.float64), attributes


def _contrasts(means: Doubles, exclusive: Sequence[Sequence[int]]) -> Doubles:
    """(K, K): how each attribute's direction is made of the regression's slopes.

    An attribute by itself is its own slope; of those that exclude each other, as the colours of hair do, one less the
    others' weighted mean: its direction leads to it from the others' average.
    """
    contrasts = np.eye(len(means))
    for group in exclusive:
        for one in group:
            others = [other for other in group if other != one]
            contrasts[one, others] = -means[others] / (1 - means[one])
    return contrasts


def _check_apart(contrasts: Doubles, row_space: Doubles, kept: Sequence[str], names: Sequence[str]) -> None:
    """Least squares determines a contrast exactly if it lies in the row space of the attributes."""
    misses = np.abs(contrasts @ row_space - contrasts)
    for name, contrast, miss in zip(kept, contrasts, misses, strict=True):
        bound = 1e-6 * np.abs(contrast).max()
        tied = [other for other, error in zip(names, miss, strict=True) if error > bound and other != name]
        if tied:
            raise UsageError(f"{name!r} can't be told apart from {', '.join(tied[:4])}: leave some of these out")


def _by(shape: Sequence[int | None]) -> str:
    return " x ".join(str(length or "any") for length in shape)
