"""A model at work: the one interface that every family has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from zoo.catalog.ports import agrees
from zoo.errors import UnsupportedCapability, UsageError
from zoo.inference.candidates import noise_planes, with_noise
from zoo.inference.conditions import Given, drawn, require_known, steps_between
from zoo.inference.fit import Run, fit_encode, fit_translate
from zoo.inference.graphs import Array, Graphs
from zoo.inference.inputs import Images, Picturelike, pictures
from zoo.inference.latents import Path, add, around, between, noise

# One place in the latent space: an array is a latent, a path or a PIL image is encoded.
Point: TypeAlias = "NDArray[Any] | Picturelike"
Prior: TypeAlias = Literal["default", "normal"]

# How many times as colourful as trained: beyond, most colours are outside sRGB.
_MOST_STRENGTH = 2
_MOST_STEPS = 10_000
# Enough to know a fitted prior's mean within 7 % of its standard deviation.
_DRAWS_TO_MEASURE = 256
# A variation of the first draw of a seed, with that seed, is not moved towards itself.
_APART = 2**63


class Model(Graphs):
    """What `zoo.load` gives.

    Pictures are arrays (N, C, H, W), float32 in [0, 1], uint8 in 0..255 or uint16 in 0..65535, of any size and of one
    or three channels, or PIL images or paths; the answer is an array of the same kind. Latents are float32
    (N, *latent_shape). A result does not depend on what else is in its batch.

    A model with conditions is told them by name, `model.generate(4, digit=3)`: one value for all items, or a list with
    one for each. UsageError for one that is missing, unknown, or has another value than it may.
    """

    @property
    def latent_shape(self) -> tuple[int | None, ...] | None:
        """The shape of one latent, None where the model has none; an axis of None follows the picture."""
        return self.interface.latent.shape if self.interface.latent else None

    def translate(self, images: Images, strength: float = 1.0, **conditions: Any) -> NDArray[Any]:
        """Do the model's job on pictures: as many come back, of the same size or that times the model's scale.

        `strength`, 0 to 2, multiplies a and b of the colours of a colorizer: 0 is gray, 1 as trained.
        Raises UnsupportedCapability if the model has no such job, UsageError for an array that is not pictures and for
        a strength that the model can't have.
        """
        self.require("translate")
        given = pictures(images)
        if not (told := self._told("translate", conditions, len(given))):
            return self._translated(given, lambda batch: self._run("translate", batch)[0], strength)

        def alone(picture: NDArray[Any], row: Array) -> NDArray[Any]:
            def run(batch: Array) -> Array:  # of one picture, or of its tiles
                return self._run("translate", batch, np.broadcast_to(row, (len(batch), len(row))))[0]

            return self._translated(picture[None], run, strength)

        return np.concatenate(list(map(alone, given, told[0])))

    def candidates(self, image: Images, n: int = 4, seed: int = 0, strength: float = 1.0) -> NDArray[Any]:
        """`n` plausible answers (n, C, H, W) to one picture, where its model knows several; the first is the usual one.

        The others are draws from what the model holds likely, smooth in space; the first k of n are those of k.
        `strength` is that of `translate`. Raises UnsupportedCapability for a model with one answer, UsageError for
        several pictures and for fewer than one candidate.
        """
        self.require_candidates()
        given = pictures(image)
        if len(given) != 1:
            raise UsageError(f"candidates are of one picture, not of {len(given)}")
        if n < 1:
            raise UsageError(f"n must be at least 1 candidate, not {n}")
        return np.concatenate([self.candidate(given, number, seed, strength) for number in range(n)])

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
        return fit_translate(fit, pictures(images), run, spec, strength, self.interface.scale("translate"))

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

    def encode(self, images: Images, **conditions: Any) -> Array:
        """Latents of pictures, the posterior mean of a VAE: float32 (N, *latent_shape).

        Raises UnsupportedCapability if the model does not encode, UsageError for an array that is not pictures.
        """
        return self._encoded(images, conditions)["mean"]

    def posterior(self, images: Images, **conditions: Any) -> tuple[Array, Array]:
        """Mean and standard deviation of q(z | x), each (N, *latent_shape).

        Raises UnsupportedCapability for an encoder that gives no variance.
        """
        answers = self._encoded(images, conditions)
        if "log_variance" not in answers:
            raise UnsupportedCapability(f"{self.id} encodes to a point: it has no posterior; use encode")
        return answers["mean"], np.exp(answers["log_variance"] / 2)

    def log_likelihood(self, images: Images, **conditions: Any) -> Array:
        """The logarithm of the probability of pictures of 256 levels, (N,), in nats, at the model's size.

        In bits per dimension it is divided by -D ln 2, where D is the number of values of a picture. Raises
        UnsupportedCapability for a model that gives none.
        """
        if "encode" not in self.interface.roles or not self.interface.roles["encode"].log_likelihood:
            raise UnsupportedCapability(f"{self.id} gives no log-likelihood of pictures")
        return self._encoded(images, conditions)["log_likelihood"]

    def decode(self, latents: NDArray[Any], *, steps: int | None = None, **conditions: Any) -> Array:
        """Pictures of latents: float32 (N, C, H, W) in [0, 1].

        `steps` is how often a latent is denoised before, where the model does that: more take longer and give more
        detail. Raises UnsupportedCapability if the model does not decode, UsageError for an array that is not its
        latents and for steps that the model does not have.
        """
        self.require("decode")
        denoised = self._denoised(self._latents(latents), self.steps(steps), conditions)
        told = self._told("decode", conditions, len(denoised))
        return self._finite(self._run("decode", denoised, *told)[0]).clip(0.0, 1.0)

    def steps(self, asked: int | None = None) -> int:
        """How often a latent is denoised before it is decoded: as asked, else as the model says; 0 if it is not.

        Raises UsageError for fewer than one, more than 10,000, and of a model that does it in none.
        """
        usual = self.interface.latent.repeat if self.interface.latent else 1
        if usual == 1 and asked is not None:
            raise UsageError(f"{self.id} makes a picture at once: steps are for models that denoise, such as diffusion")
        if asked is not None and not 1 <= asked <= _MOST_STEPS:
            raise UsageError(f"steps are 1 to {_MOST_STEPS}, not {asked}")
        return (asked or usual) if usual > 1 else 0

    def _denoised(self, latents: Array, steps: int, conditions: Given) -> Array:
        if not steps:
            return latents
        told = self._told("denoise", conditions, len(latents))
        for step in steps_between(steps, len(latents)):
            latents = self._run("denoise", latents, step, *told)[0]
        return latents

    def reconstruct(self, images: Images, **conditions: Any) -> Array:
        """Reconstructions of pictures, decode(encode(images)): of the model's own size, (N, C, H, W)."""
        self.require("decode")
        return self.decode(self.encode(images, **conditions), **conditions)

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

    def generate(
        self, n: int = 1, seed: int = 0, prior: Prior = "default", *, steps: int | None = None, **conditions: Any
    ) -> Array:
        """`n` new pictures, the decoded `draw(n, seed, prior)`: float32 (n, C, H, W) in [0, 1].

        Conditions that are not given are drawn as well, by `told`; `steps` are those of `decode`.
        """
        return self.decode(self.draw(n, seed, prior), steps=steps, **self.told(n, seed, **conditions))

    def told(self, n: int, seed: int = 0, **conditions: Any) -> dict[str, Any]:
        """Conditions for `n` new pictures: those that are given, and for the others `n` values drawn evenly."""
        require_known(self.interface, conditions, self.id)
        return drawn(self.interface, {**self._given, **conditions}, n, seed)

    def interpolate(self, a: Point, b: Point, steps: int = 12, path: Path = "spherical", **conditions: Any) -> Array:
        """Pictures (steps, C, H, W) from `a` to `b`, both included, decoded on an arc or a straight line of latents.

        `a` and `b` are latents (*latent_shape), or pictures to encode. See `zoo.inference.latents.slerp`.
        """
        self.require("decode")
        ends = self._one(a, conditions), self._one(b, conditions)
        return self.decode(between(*ends, steps, path), **conditions)

    def vary(self, of: Point, strength: float = 0.3, n: int = 8, seed: int = 0, **conditions: Any) -> Array:
        """`n` pictures (n, C, H, W) like one: its latent is moved towards others, and decoded.

        Strength 0 is the reconstruction, 1 as different as another picture is. See `zoo.inference.latents.around`.
        """
        self.require("decode")
        latent = self._one(of, conditions)
        return self.decode(around(latent, strength, *self._others_than(latent, n, seed)), **conditions)

    def add(
        self,
        a: Point,
        b: Point,
        weights: Sequence[float] = (1.0, 1.0),
        *,
        plain: bool = False,
        **conditions: Any,
    ) -> Array:
        """A new picture (1, C, H, W) of the sum of two latents, scaled back to the prior's variance unless `plain`.

        See `zoo.inference.latents.add`.
        """
        self.require("decode")
        terms = self._one(a, conditions), self._one(b, conditions)
        return self.decode(add(*terms, weights, plain=plain)[None], **conditions)

    def _others_than(self, latent: Array, n: int, seed: int) -> tuple[Array, Array | float]:
        """`n` other latents and the mean of such: of a model without a prior, noise as long as this one."""
        if "sample" in self.interface.graphs():
            middle: Array = self.draw(_DRAWS_TO_MEASURE).mean(0)
            return self.draw(n, seed ^ _APART), middle
        length = 1.0 if "generate" in self.capabilities else math.sqrt(np.square(latent).mean())
        return np.float32(length) * noise(n, latent.shape, seed ^ _APART), 0.0

    def _one(self, point: Point, conditions: Given) -> Array:
        """The latent (*latent_shape) of a latent, with or without the axis of a batch, or of a picture."""
        if not isinstance(point, np.ndarray):
            latents = self.encode(point, **conditions)
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

    def _encoded(self, images: Images, conditions: Given) -> dict[str, Array]:
        """What the encoder gives, by name."""
        self.require("encode")
        given = pictures(images)
        told = self._told("encode", conditions, len(given))
        fit, spec = self.interface.fit("encode").name, self.interface.takes("encode")
        answers = fit_encode(fit, given, lambda batch: self._run("encode", batch, *told), spec)
        ports = self.interface.outputs("encode", len(answers))
        return {port.name: self._finite(answer) for port, answer in zip(ports, answers, strict=True)}
