"""A model at work: the one interface that every family has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.catalog.spec import Capability, CheckpointConfig, GraphSpec, ImageSpec
from zoo.errors import UnsupportedCapability, UsageError, ZooError
from zoo.inference.fit import fit_encode, fit_translate
from zoo.inference.images import gray_of, read_images, rgb_of
from zoo.inference.latents import noise

if TYPE_CHECKING:
    from PIL import Image

    from zoo.inference.backends import Backend

Array: TypeAlias = NDArray[np.float32]
Images: TypeAlias = "NDArray[Any] | Image.Image | str | PathLike[str] | Sequence[Image.Image | str | PathLike[str]]"


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
        graph = self._graph("translate")
        return fit_translate(graph.fit, self._pictures(images, graph.input), self._runner("translate"), graph.input)

    def encode(self, images: Images) -> Array:
        """Latents of pictures, the posterior mean of a VAE: float32 (N, *latent_shape)."""
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
        """Pictures of latents: float32 (N, C, H, W) in [0, 1]."""
        self._graph("decode")
        latents = np.ascontiguousarray(latents, dtype=np.float32)
        shape = self.latent_shape or ()
        fits = [want is None or want == have for want, have in zip(shape, latents.shape[1:], strict=False)]
        if latents.ndim != len(shape) + 1 or not all(fits) or not len(latents):
            raise UsageError(f"{self.id} decodes latents of shape (N, {', '.join(map(str, shape))}), not {latents.shape}")
        if not np.isfinite(latents).all():
            raise UsageError("latents must be finite numbers")
        return self._runner("decode")(latents)

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
        graph = self._graph("encode")
        pictures = self._pictures(images, graph.input)
        return fit_encode(graph.fit, pictures, lambda batch: self.backend.run("encode", batch), graph.input)

    def require(self, capability: Capability) -> None:
        """Raise UnsupportedCapability, naming models that can, unless this model can do it."""
        if capability not in self.capabilities:
            others = ", ".join(self._others(capability))
            hint = f"; these can: {others}" if others else ""
            raise UnsupportedCapability(f"{self.id} can't {capability}, it can {', '.join(self.capabilities)}{hint}")

    def _graph(self, capability: Literal["encode", "decode", "translate"]) -> GraphSpec:
        self.require(capability)
        return self.config.capabilities[capability]

    def _runner(self, graph: str) -> Callable[[Array], Array]:
        def run(batch: Array) -> Array:
            answer = self.backend.run(graph, batch)[0]
            if not np.isfinite(answer).all():
                raise ZooError(f"{self.id} gave numbers that are not finite; `zoo check {self.id}` examines it")
            return np.clip(answer, 0.0, 1.0, out=answer if answer.flags.writeable else None)

        return run

    def _pictures(self, images: Images, spec: ImageSpec) -> NDArray[Any]:
        """Any kind of input as (N, spec.channels, H, W), uint8 or float32 in [0, 1]."""
        if not isinstance(images, np.ndarray):
            several = isinstance(images, Sequence) and not isinstance(images, str)
            items = list(images) if several else [images]  # type: ignore[arg-type]
            images = read_images(*items, channels=1 if spec.channels == 1 else 3)
        if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
            raise UsageError(f"pictures are an array (N, 1 or 3, H, W), not {images.shape}")
        if images.dtype != np.uint8:
            images = images.astype(np.float32, copy=False)
            if not (images.min() >= 0.0 and images.max() <= 1.0):  # NaN fails too
                raise UsageError("pictures are float32 in [0, 1] or uint8 in 0..255; divide by 255?")
        if images.shape[1] == spec.channels:
            return images
        return gray_of(images) if spec.channels == 1 else rgb_of(images)


