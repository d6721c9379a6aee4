"""Fitting pictures of any size to what a model takes, and its answer back to the pictures' size.

A checkpoint declares one of `zoo.catalog.fits.FITS` for each of its graphs; they are carried out here, so that every
model has them.

Pictures are (N, C, H, W), uint8 (0 to 255), uint16 (0 to 65535) or float32 in [0, 1], with any strides; answers have
their dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from zoo.arrays import Floats, Levels
from zoo.catalog.fits import FITS, Fit
from zoo.catalog.ports import ImageSpec
from zoo.errors import UsageError
from zoo.inference.fit.arrays import Run, answer_of, as_dtype, check, empty_result, model_size
from zoo.inference.fit.chroma import fit_chroma
from zoo.inference.fit.padding import fit_pad, padded
from zoo.inference.fit.page import fit_drawing
from zoo.inference.fit.resampling import resampled, shrunk
from zoo.inference.fit.tiles import fit_tile
from zoo.pictures.color import with_channels

__all__ = ["Floats", "Levels", "Run", "fit_encode", "fit_translate"]

T = TypeVar("T")


def fit_translate(fit: Fit, images: Levels, run: Run, spec: ImageSpec, strength: float = 1.0, scale: int = 1) -> Levels:
    """Translate pictures (N, C, H, W) of any size by `run`, which takes what `spec` says.

    `run` is called with float32 (N, spec.channels, h, w) in [0, 1], once or, for tiles, once for each; it gives
    (N, C2, h2, w2), which is clamped to [0, 1]. The answer is (N, C2, H, W) of the input's dtype, stored with channels
    last: an (H, W, C2) view for writing is contiguous. C is 1 or 3: one-channel models get luma, three-channel models
    get gray repeated. `strength` is a factor on the colours that `chroma` brings; with `scale` the answer is so many
    times as high and wide as the pictures.

    Raises UsageError for pictures that can't be taken, and for a strength or a scale that the fit does not have;
    ZooError for an answer that is no picture, UnsafeFileError for one of NaN or infinity.
    """
    check(images)
    if strength != 1 and not FITS[fit].strength:
        raise UsageError(f"the fit {fit!r} has no colour strength")
    if scale != 1 and not FITS[fit].scale:
        raise UsageError(f"the fit {fit!r} has no scale")
    factors = {"strength": strength, "scale": scale}
    return STRATEGIES[fit](images, run, spec, **{name: factor for name, factor in factors.items() if factor != 1})


def fit_encode(fit: Fit, images: Levels, run: Callable[[Floats], T], spec: ImageSpec) -> T:
    """What `run` answers to pictures brought to the size that `spec` says: nothing is brought back.

    Raises UsageError for pictures that can't be taken, and for a fit that encoders don't have.
    """
    check(images)
    if not FITS[fit].for_encoders:
        raise UsageError(f"the fit {fit!r} is for models that translate: an encoder takes resize or pad")
    if fit == "pad":
        return run(padded(with_channels(images, spec.channels), spec))
    return run(shrunk(with_channels(images, spec.channels), model_size(images, spec)))


def fit_resize(images: Levels, run: Run, spec: ImageSpec) -> Levels:
    """In to the model's size, back to the picture's."""
    answer = answer_of(run, shrunk(with_channels(images, spec.channels), model_size(images, spec)))
    result = empty_result(images, answer.shape[1])
    for target, picture in zip(result, answer, strict=True):
        for rows, columns, values in resampled(picture, target.shape[1:]):
            target[:, rows, columns] = as_dtype(values.clip(0, 1), target.dtype)
    return result


# What carries each fit out: (images, run, spec) -> images, and a strength or a scale for fits that have one.
STRATEGIES: Mapping[str, Callable[..., Levels]] = {
    "resize": fit_resize,
    "pad": fit_pad,
    "tile": fit_tile,
    "chroma": fit_chroma,
    "drawing": fit_drawing,
    "shaded-drawing": partial(fit_drawing, shade=FITS["shaded-drawing"].shade),
}
