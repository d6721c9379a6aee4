"""A feature network and a model whose answers can be foretold: the brightness of the two halves of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

SHARP = 40.0


def halves(images: np.ndarray) -> np.ndarray:
    """Mean level of the left and the right half, (N, 2)."""
    images = images.astype(np.float32) / (255 if images.dtype == np.uint8 else 1)
    middle = images.shape[3] // 2
    return np.stack([images[..., :middle].mean((1, 2, 3)), images[..., middle:].mean((1, 2, 3))], axis=1)


@dataclass
class Evaluator:
    """Says whether the left and the right half are bright. The features are the two levels."""

    kind: str = "attributes"
    id: str = "feature-net.halves"
    capabilities: tuple[str, ...] = ("encode",)

    @property
    def config(self):
        settings = {"labels": ["left", "right"], "kind": self.kind}
        return SimpleNamespace(config=settings, weights=SimpleNamespace(sha256="ab" * 32))

    def encode(self, images):
        levels = halves(images)
        return np.concatenate([levels, SHARP * (levels - 0.5)], axis=1)


@dataclass
class Painter:
    """Its latent is the two levels less a half, turned by 45 degrees; it paints each half in its level."""

    id: str = "painter.test"
    prior: str = "normal"
    spread: float = 0.1
    drawn: list[str] = field(default_factory=list)
    capabilities: tuple[str, ...] = ("encode", "decode", "generate")
    turn = np.array([[1, 1], [-1, 1]], np.float32) / np.float32(np.sqrt(2))

    @property
    def config(self):
        latent = SimpleNamespace(shape=(2,), prior=self.prior)
        return SimpleNamespace(id=self.id, config={}, latent=latent, weights=SimpleNamespace(sha256="cd" * 32))

    @property
    def interface(self):
        return SimpleNamespace(graphs=lambda: ("encode", "decode", *(["sample"] if self.prior == "sampler" else [])))

    def encode(self, images):
        return (halves(images) - 0.5) @ self.turn

    def decode(self, latents):
        levels = (latents @ self.turn.T + 0.5).astype(np.float32)
        return np.repeat(levels[:, None, None, :], 4, axis=3).repeat(8, axis=2).clip(0, 1)

    def draw(self, n, seed=0, prior="default"):
        self.drawn.append(prior)
        scale = self.spread if prior == "default" else 1.0
        return scale * np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


@dataclass
class Halves:
    """A source of pictures of two levels, labelled by which half is bright."""

    n: int
    seed: int = 0

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.bright = rng.integers(0, 2, (self.n, 2))
        self.values = np.where(self.bright, 0.75, 0.25) + rng.uniform(-0.05, 0.05, (self.n, 2))

    def __len__(self):
        return self.n

    def picture(self, index):
        levels = np.repeat(np.rint(255 * self.values[index]).astype(np.uint8), 4)
        return np.broadcast_to(levels, (1, 8, 8)).copy()

    def name(self, index):
        return str(index)

    def labels(self, index):
        left, right = self.bright[index]
        return {"file": f"{index}.png", "left": str(left), "brightness": str(right * 0.9)}
