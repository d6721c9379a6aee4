"""A model at work: the one interface that every family has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.catalog.interface import agrees
from zoo.errors import UnsafeFileError, UnsupportedCapability, UsageError
from zoo.inference.candidates import noise_planes, with_noise
from zoo.inference.fit import Run, fit_encode, fit_translate
from zoo.inference.latents import Path, add, around, between, noise
from zoo.pictures.images import Picture, from_pil, read_picture, to_array

if TYPE_CHECKING:
    from zoo.catalog.expects import Expects
    from zoo.catalog.interface import Capability, RoleName
    from zoo.catalog.spec import CheckpointConfig
    from zoo.inference.backends import Backend

Array: TypeAlias = NDArray[np.float32]
Picturelike: TypeAlias = "Image.Image | str | PathLike[str]"
Images: TypeAlias = "NDArray[Any] | Picturelike | Sequence[Picturelike]"
# One place in the latent space: an array is a latent, a path or a PIL image is encoded.
Point: TypeAlias = "NDArray[Any] | Picturelike"
Others: TypeAlias = "Callable[[Capability], Sequence[str]]"
Prior: TypeAlias = Literal["default", "normal"]

# What goes into one run: so many items, of together so many pixels; the rest waits for the next run.
_ITEMS_AT_ONCE = 64
_PIXELS_AT_ONCE = 2**20
# How many times as colourful as trained: beyond, most colours are outside sRGB.
_MOST_STRENGTH = 2
# Enough to know a fitted prior's mean within 7 % of its standard deviation.
_DRAWS_TO_MEASURE = 256
# A variation of the first draw of a seed, with that seed, is not moved towards itself.
_APART = 2**63


class Model:
    """What `zoo.load` gives.

    Pictures are arrays (N, C, H, W), float32 in [0, 1], uint8 in 0..255 or uint16 in 0..65535, of any size and of one
    or three channels, or PIL images or paths; the answer is an array of the same kind. Latents are float32
    (N, *latent_shape). A result does not depend on what else is in its batch.
    """

    # Which pictures the model was trained on, where its checkpoint says so.
    expects: Expects | None = None

    def __init__(
        self, config: CheckpointConfig, backend: Backend, others: Others = lambda _: (), name: str = ""
    ) -> None:
        """`others` gives the models that can do something; `name` is what commands call this one, if not by its id."""
        self.config, self.backend, self._others = config, backend, others
        self.name = name or config.id
        self.interface = config.interface

    def __repr__(self) -> str:
        return f"<Model {self.id} on {self.backend.name}: {', '.join(self.capabilities)}>"

    @property
    def id(self) -> str:
        """The model's name, `family.tag`."""
        return self.config.id

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What the model can do."""
        return self.interface.can()

    @property
    def latent_shape(self) -> tuple[int | None, ...] | None:
        """The shape of one latent, None where the model has none; an axis of None follows the picture."""
        return self.interface.latent.shape if self.interface.latent else None

    def translate(self, images: Images, strength: float = 1.0) -> NDArray[Any]:
        """Do the model's job on pictures: as many come back, of the same size or that times the model's scale.

        `strength`, 0 to 2, multiplies a and b of the colours of a colorizer: 0 is gray, 1 as trained.
        Raises UnsupportedCapability if the model has no such job, UsageError for an array that is not pictures and for
        a strength that the model can't have.
        """
        self.require("translate")
        return self._translated(images, lambda batch: self._run("translate", batch)[0], strength)

    def candidates(self, image: Images, n: int = 4, seed: int = 0, strength: float = 1.0) -> NDArray[Any]:
        """`n` plausible answers (n, C, H, W) to one picture, where its model knows several; the first is the usual one.

        The others are draws from what the model holds likely, smooth in space; the first k of n are those of k.
        `strength` is that of `translate`. Raises UnsupportedCapability for a model with one answer, UsageError for
        several pictures and for fewer than one candidate.
        """
        self.require_candidates()
        pictures = _pictures(image)
        if len(pictures) != 1:
            raise UsageError(f"candidates are of one picture, not of {len(pictures)}")
        if n < 1:
            raise UsageError(f"n must be at least 1 candidate, not {n}")
        return np.concatenate([self.candidate(pictures, number, seed, strength) for number in range(n)])

    def candidate(self, images: Images, number: int, seed: int = 0, strength: float = 1.0) -> NDArray[Any]:
        """Candidate `number`, from 0, of each picture: 0 is the usual answer, another is a draw."""
        self.require_candidates()
        if number == 0:
            return self.translate(images, strength)
        noise_count = self.interface.takes("candidates").channels - self.interface.takes("translate").channels

        def run(batch: Array) -> Array:
            size = (batch.shape[2], batch.shape[3])
            planes = noise_planes(number, noise_count, size, seed)[-1]
            return with_noise(lambda joined: self._run("candidates", joined)[0], planes)(batch)

        return self._translated(images, run, strength)

    def _translated(self, images: Images, run: Run, strength: float) -> NDArray[Any]:
        """What `run` answers to images that are fitted to it as `translate` says."""
        if strength != 1:
            self.require_strength(strength)
        fit, spec = self.interface.fit("translate").name, self.interface.takes("translate")
        return fit_translate(fit, _pictures(images), run, spec, strength, self.interface.scale("translate"))

    def require_candidates(self) -> None:
        """Raise UnsupportedCapability for a model with one answer."""
        if "candidates" not in self.interface.roles:
            raise UnsupportedCapability(f"{self.id} has one answer to a picture: it has no candidates")

    def require_strength(self, strength: float) -> None:
        """Raise UsageError unless the model colours and `strength` is from 0 to 2."""
        self.require("translate")
        if not self.interface.fit("translate").strength:
            raise UsageError(f"{self.id} has no colour strength: --strength is for colorizers")
        if not 0 <= strength <= _MOST_STRENGTH:
            raise UsageError(f"--strength takes 0 (gray) to {_MOST_STRENGTH}, 1 is as trained, not {strength:g}")

    def encode(self, images: Images) -> Array:
        """Latents of pictures, the posterior mean of a VAE: float32 (N, *latent_shape).

        Raises UnsupportedCapability if the model does not encode, UsageError for an array that is not pictures.
        """
        return self._encoded(images)[0]

    def posterior(self, images: Images) -> tuple[Array, Array]:
        """Mean and standard deviation of q(z | x), each (N, *latent_shape).

        Raises UnsupportedCapability for an encoder that gives no variance.
        """
        answers = self._encoded(images)
        if len(answers) < 2:
            raise UnsupportedCapability(f"{self.id} encodes to a point: it has no posterior; use encode")
        return answers[0], np.exp(answers[1] / 2)

    def decode(self, latents: NDArray[Any]) -> Array:
        """Pictures of latents: float32 (N, C, H, W) in [0, 1].

        Raises UnsupportedCapability if the model does not decode, UsageError for an array that is not its latents.
        """
        self.require("decode")
        return self._finite(self._run("decode", self._latents(latents))[0]).clip(0.0, 1.0)

    def reconstruct(self, images: Images) -> Array:
        """Reconstructions of pictures, decode(encode(images)): of the model's own size, (N, C, H, W)."""
        self.require("decode")
        return self.decode(self.encode(images))

    def draw(self, n: int = 1, seed: int = 0, prior: Prior = "default") -> Array:
        """`n` latents to generate from, (n, *latent_shape); the first k of them are those of `draw(k, seed)`.

        The default prior is the checkpoint's own; "normal" is the standard normal one even where another was fitted.
        Raises UnsupportedCapability if the model has no prior.
        """
        self.require("generate")
        if prior not in get_args(Prior):
            raise UsageError(f"there is no prior {prior!r}; use {' or '.join(get_args(Prior))}")
        sampled = prior == "default" and "sample" in self.interface.graphs()
        ports = self.interface.inputs("sample" if sampled else "decode")
        draws = noise(n, tuple(length or 1 for length in ports[0].shape), seed)
        return self._finite(self._run("sample", draws)[0]) if sampled else draws

    def generate(self, n: int = 1, seed: int = 0, prior: Prior = "default") -> Array:
        """`n` new pictures, the decoded `draw(n, seed, prior)`: float32 (n, C, H, W) in [0, 1]."""
        return self.decode(self.draw(n, seed, prior))

    def interpolate(self, a: Point, b: Point, steps: int = 12, path: Path = "spherical") -> Array:
        """Pictures (steps, C, H, W) from `a` to `b`, both included, decoded on an arc or a straight line of latents.

        `a` and `b` are latents (*latent_shape), or pictures to encode. See `zoo.inference.latents.slerp`.
        """
        self.require("decode")
        return self.decode(between(self._one(a), self._one(b), steps, path))

    def vary(self, of: Point, strength: float = 0.3, n: int = 8, seed: int = 0) -> Array:
        """`n` pictures (n, C, H, W) like one: its latent is moved towards others, and decoded.

        Strength 0 is the reconstruction, 1 as different as another picture is. See `zoo.inference.latents.around`.
        """
        self.require("decode")
        latent = self._one(of)
        return self.decode(around(latent, strength, *self._others_than(latent, n, seed)))

    def add(self, a: Point, b: Point, weights: Sequence[float] = (1.0, 1.0), *, plain: bool = False) -> Array:
        """A new picture (1, C, H, W) of the sum of two latents, scaled back to the prior's variance unless `plain`.

        See `zoo.inference.latents.add`.
        """
        self.require("decode")
        return self.decode(add(self._one(a), self._one(b), weights, plain=plain)[None])

    def _others_than(self, latent: Array, n: int, seed: int) -> tuple[Array, Array | float]:
        """`n` other latents and the mean of such: of a model without a prior, noise as long as this one."""
        if "sample" in self.interface.graphs():
            middle: Array = self.draw(_DRAWS_TO_MEASURE).mean(0)
            return self.draw(n, seed ^ _APART), middle
        length = 1.0 if "generate" in self.capabilities else math.sqrt(np.square(latent).mean())
        return np.float32(length) * noise(n, latent.shape, seed ^ _APART), 0.0

    def _one(self, point: Point) -> Array:
        """The latent (*latent_shape) of a latent, with or without the axis of a batch, or of a picture."""
        if not isinstance(point, np.ndarray):
            latents = self.encode(point)
        else:
            alone = point.ndim == len(self.latent_shape or ())
            latents = self._latents(point[None] if alone else point)
        if len(latents) != 1:
            raise UsageError(f"one latent or picture at a time, not {len(latents)}")
        latent: Array = latents[0]
        return latent

    def _latents(self, latents: NDArray[Any]) -> Array:
        """Latents as they go into the decoder. Raises UsageError for what is none of this model's."""
        try:
            latents = np.ascontiguousarray(latents, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise UsageError(f"latents must be an array of numbers: {error}") from error
        shape = self.latent_shape or ()
        if not agrees(shape, latents.shape[1:]) or 0 in latents.shape:
            wanted = ", ".join(str(length or "any") for length in shape)
            raise UsageError(f"{self.id} decodes latents of shape (N, {wanted}), not {latents.shape}")
        if not np.isfinite(latents).all():
            raise UsageError("latents must be finite numbers")
        return latents

    def _encoded(self, images: Images) -> tuple[Array, ...]:
        self.require("encode")
        fit, spec = self.interface.fit("encode").name, self.interface.takes("encode")
        answers = fit_encode(fit, _pictures(images), lambda batch: self._run("encode", batch), spec)
        return tuple(map(self._finite, answers))

    def _finite(self, answer: Array) -> Array:
        if not np.isfinite(answer).all():
            raise UnsafeFileError(f"{self.id} gave numbers that are not finite; `zoo check {self.name}` examines it")
        return answer

    def require(self, capability: Capability) -> None:
        """Raise UnsupportedCapability, naming models that can, unless this model can do it."""
        if capability not in self.capabilities:
            others = ", ".join(self._others(capability))
            hint = f"; these can: {others}" if others else ""
            raise UnsupportedCapability(f"{self.id} can't {capability}, it can {', '.join(self.capabilities)}{hint}")

    def _run(self, role: RoleName, batch: Array) -> tuple[Array, ...]:
        """What a graph answers to a batch of any size, in as many runs as keep memory bounded."""
        step = self._at_once(role, batch)
        if len(batch) <= step:
            return self.backend.run(role, batch)
        runs = [self.backend.run(role, batch[start : start + step]) for start in range(0, len(batch), step)]
        return tuple(map(np.concatenate, zip(*runs, strict=True)))

    def _at_once(self, role: RoleName, batch: Array) -> int:
        """How many items of a batch one run takes; pictures of a size that only decoding tells come one by one."""
        if role == "sample":
            return _ITEMS_AT_ONCE
        size: tuple[int, ...] | None = batch.shape[2:]
        if role == "decode":
            size = self.interface.gives("decode").size
        if size is None:
            return 1
        return max(1, min(_ITEMS_AT_ONCE, _PIXELS_AT_ONCE // (size[0] * size[1])))


def _pictures(images: Images) -> NDArray[Any]:
    """Any kind of input as an array (N, 1 or 3, H, W), uint8, uint16 or float32 in [0, 1]."""
    if isinstance(images, np.ndarray):
        if images.dtype.kind not in "uifb":
            raise UsageError(f"pictures must be numbers, not an array of {images.dtype}")
        return images if images.dtype in (np.uint8, np.uint16) else images.astype(np.float32, copy=False)
    several = isinstance(images, Sequence) and not isinstance(images, str)
    items = cast("Sequence[Picturelike]", images if several else [images])
    arrays = [to_array(_read(item)) for item in items]
    if not arrays:
        raise UsageError("no pictures: give at least one")
    if len({array.shape for array in arrays}) != 1:
        raise UsageError("the pictures of one call must have one size and one number of channels; call once for each")
    return np.stack(arrays)


def _read(item: Picturelike) -> Picture:
    if isinstance(item, str | PathLike):
        return read_picture(item)
    if isinstance(item, Image.Image):
        return from_pil(item)
    raise UsageError(f"a picture is a path, a PIL image, or in an array (N, C, H, W), not a {type(item).__name__}")
