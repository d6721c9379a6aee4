"""Telling pictures of the kind that a model was trained on from others, by how it reconstructs them.

Four figures, each of which other pictures may raise. An autoencoder loses fine detail and noise of its own kind of
picture; of other kinds it loses shapes, which cost more of the variance, or more than the detail there is, or need a
latent far from the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.inference.fit import fit_encode, fit_translate
from zoo.pictures.color import gray_of

if TYPE_CHECKING:
    from zoo.catalog.interface import Interface
    from zoo.inference.model import Model

Array: TypeAlias = NDArray[np.float32]
Figures: TypeAlias = NDArray[np.float64]

# The columns of `figures`, as in `zoo.catalog.expects.Limits`.
NAMES = ("error", "detail", "shape", "latent")
# The variance of a picture of one level: that of 2.5 levels of 255.
_LEAST = 1e-4


def reconstructs(interface: Interface) -> bool:
    """Whether a model's reconstruction has the size of what it encodes, so that the two can be compared.

    Models that must be told conditions are left out.
    """
    if not {"encode", "decode"} <= interface.roles.keys() or interface.conditions:
        return False
    return interface.takes("encode").size == interface.gives("decode").size


def figures(seen: Array, made: Array, latents: Array) -> Figures:
    """The figures (N, 4) of pictures as a model sees them, (N, C, H, W), by their reconstructions and latents.

    `error` is the squared error as a share of the picture's variance, `detail` the same as a multiple of the mean
    squared difference of neighbouring pixels, and `shape` that after the best change of brightness and contrast;
    `latent` is the mean square of the latent.
    """
    if seen.shape[1] != made.shape[1]:
        seen, made = (gray_of(images) if images.shape[1] == 3 else images for images in (seen, made))
    seen, made = seen.astype(np.float64), made.astype(np.float64)
    error = np.square(seen - made).mean((1, 2, 3))
    variance = seen.var((2, 3)).mean(1)
    one, other = (images - images.mean((1, 2, 3), keepdims=True) for images in (seen, made))
    power = np.square(one).mean((1, 2, 3))
    explained = np.square((one * other).mean((1, 2, 3))) / (np.square(other).mean((1, 2, 3)) + _LEAST**2)
    steps = sum(np.square(np.diff(seen, axis=axis)).mean((1, 2, 3)) for axis in (2, 3)) + _LEAST
    lengths = np.square(latents).reshape(len(latents), -1).mean(1)
    return np.stack([error / (variance + _LEAST), error / steps, (power - explained).clip(0) / steps, lengths], axis=1)


def figures_of(model: Model, images: NDArray[Any], latents: Array | None = None) -> Figures:
    """The figures (N, 4) of pictures of any size; with their `latents`, which then are not computed again."""
    fit, spec = model.interface.fit("encode").name, model.interface.takes("encode")
    seen = fit_encode(fit, images, lambda batch: batch, spec)
    latents = model.encode(images) if latents is None else latents
    return figures(seen, model.decode(latents), latents)


def translated(model: Model, images: NDArray[Any], strength: float = 1.0) -> tuple[NDArray[Any], bool]:
    """What `model.translate` gives for one picture (1, C, H, W), and whether it is over a limit.

    The answer at the model's own size is the reconstruction, so that nothing is decoded twice.
    """
    given: list[Array] = []
    made: list[Array] = []

    def run(batch: Array) -> Array:
        given.append(batch)
        made.append(model.backend.run("translate", batch)[0])
        return made[-1]

    interface = model.interface
    fit, spec, scale = interface.fit("translate").name, interface.takes("translate"), interface.scale("translate")
    answer = fit_translate(fit, images, run, spec, strength, scale)
    if len(made) != 1 or given[0].shape[2:] != made[0].shape[2:]:  # tiles, or a scale
        return answer, unlike(model, images)
    return answer, bool(over(model, figures(given[0], made[0].clip(0, 1), model.encode(given[0]))).any())


def unlike(model: Model, images: NDArray[Any], latents: Array | None = None) -> bool:
    """Whether any of the pictures is over a limit of the model; False for a model without limits."""
    if not has_limits(model):
        return False
    return bool(over(model, figures_of(model, images, latents)).any())


def has_limits(model: Model) -> bool:
    """Whether the model can tell pictures apart."""
    return bool(model.expects and model.expects.limits and reconstructs(model.interface))


def over(model: Model, found: Figures) -> NDArray[np.bool_]:
    """For each row of figures, whether one is over its limit."""
    limits = model.expects.limits if model.expects else None
    if limits is None:
        return np.zeros(len(found), np.bool_)
    most = np.array([getattr(limits, name) for name in NAMES])
    beyond: NDArray[np.bool_] = np.any(found > most, axis=1)
    return beyond
