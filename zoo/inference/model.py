"""A model at work: the one interface that every family has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import UnsupportedCapability, UsageError, ZooError
from zoo.inference.fit import fit_encode, fit_translate
from zoo.inference.images import Picture, from_pil, read_picture, to_array
from zoo.inference.latents import noise

if TYPE_CHECKING:
    from zoo.catalog.spec import Capability, CheckpointConfig, GraphSpec
    from zoo.inference.backends import Backend

Array: TypeAlias = NDArray[np.float32]
Picturelike: TypeAlias = "Image.Image | str | PathLike[str]"
Images: TypeAlias = "NDArray[Any] | Picturelike | Sequence[Picturelike]"


class Model:
    """What `zoo.load` gives.

    Pictures are arrays (N, C, H, W), float32 in [0, 1] or uint8 in 0..255, of any size and of one or three channels,
    or PIL images or paths; the answer is an array of the same kind. Latents are float32 (N, *latent_shape). A result
    does not depend on what else is in its batch.
    """

    def __init__(
        self, config: CheckpointConfig, backend: Backend, others: Callable[[Capability], Sequence[str]] = lambda _: ()
    ) -> None:
        self.config, self.backend, self._others = config, backend, others

    def __repr__(self) -> str:
        return f"<Model {self.id} on {self.backend.name}: {', '.join(self.capabilities)}>"

    @property
    def id(self) -> str:
        """The model's name, `family.tag`."""
        return self.config.id

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What the model can do."""
        return self.config.can()

    @property
    def latent_shape(self) -> tuple[int | None, ...] | None:
        """The shape of one latent, None where the model has none; an axis of None follows the picture."""
        return self.config.latent.shape if self.config.latent else None

    def translate(self, images: Images) -> NDArray[Any]:
        """Do the model's job on pictures: as many pictures of the same size come back.

        Raises UnsupportedCapability if the model has no such job, UsageError for an array that is not pictures.
        """
        fit, spec = self._graph("translate").takes()
        return fit_translate(fit, _pictures(images), self._runner("translate"), spec)

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
        self._graph("decode")
        try:
            latents = np.ascontiguousarray(latents, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise UsageError(f"latents must be an array of numbers: {error}") from error
        shape = self.latent_shape or ()
        fits = [want is None or want == have for want, have in zip(shape, latents.shape[1:], strict=False)]
        if latents.ndim != len(shape) + 1 or not all(fits) or not len(latents):
            wanted = ", ".join(str(length or "any") for length in shape)
            raise UsageError(f"{self.id} decodes latents of shape (N, {wanted}), not {latents.shape}")
        if not np.isfinite(latents).all():
            raise UsageError("latents must be finite numbers")
        return self._finite(self._runner("decode")(latents)).clip(0.0, 1.0)

    def generate(self, n: int = 1, seed: int = 0) -> Array:
        """`n` new pictures; the first k of them are those of `generate(k, seed)`. float32 (n, C, H, W) in [0, 1]."""
        self.require("generate")
        latent = self.config.latent
        assert latent is not None
        sampler = latent.sampler
        shape = sampler.noise if sampler else latent.shape
        draw = noise(n, tuple(length or 1 for length in shape), seed)
        return self.decode(self.backend.run("sample", draw)[0] if sampler else draw)

    def _encoded(self, images: Images) -> tuple[Array, ...]:
        fit, spec = self._graph("encode").takes()
        answers = fit_encode(fit, _pictures(images), lambda batch: self.backend.run("encode", batch), spec)
        return tuple(map(self._finite, answers))

    def _finite(self, answer: Array) -> Array:
        if not np.isfinite(answer).all():
            raise ZooError(f"{self.id} gave numbers that are not finite; `zoo check {self.id}` examines it")
        return answer

    def require(self, capability: Capability) -> None:
        """Raise UnsupportedCapability, naming models that can, unless this model can do it."""
        if capability not in self.capabilities:
            others = ", ".join(self._others(capability))
            hint = f"; these can: {others}" if others else ""
            raise UnsupportedCapability(f"{self.id} can't {capability}, it can {', '.join(self.capabilities)}{hint}")

    def _graph(self, capability: Literal["encode", "decode", "translate"]) -> GraphSpec:
        self.require(capability)
        return self.config.capabilities[capability]

    def _runner(self, graph: Literal["encode", "decode", "translate"]) -> Callable[[Array], Array]:
        return lambda batch: self.backend.run(graph, batch)[0]


def _pictures(images: Images) -> NDArray[Any]:
    """Any kind of input as an array (N, 1 or 3, H, W), uint8 or float32 in [0, 1]."""
    if isinstance(images, np.ndarray):
        if images.dtype.kind not in "uifb":
            raise UsageError(f"pictures must be numbers, not an array of {images.dtype}")
        return images if images.dtype == np.uint8 else images.astype(np.float32, copy=False)
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
