"""A feature network at work: what a small classifier sees in pictures, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from zoo.arrays import Floats, Pixels
from zoo.errors import UsageError
from zoo.inference.model import Model
from zoo.metrics.levels import in_calls, unit


class Features(Protocol):
    """A network whose features are compared; one that answers has a label for each class or attribute."""

    labels: tuple[str, ...]
    kind: str

    @property
    def text(self) -> str:
        """Which network this is."""

    def features(self, pictures: Pixels) -> Floats:
        """Features (N, F) of uint8 pictures (N, C, H, W)."""

    def answers(self, pictures: Pixels) -> Floats:
        """Probabilities (N, K) of the labels."""


def seen(net: Features, batches: Iterable[Pixels]) -> Floats:
    """Features (N, F) of batches of pictures, uint8."""
    return np.concatenate([net.features(batch) for batch in batches])


class WithoutAnswers:
    """The base of networks that are used for their features alone."""

    labels: tuple[str, ...] = ()
    kind: str = "features"
    text: str

    def answers(self, pictures: Pixels) -> Floats:
        """Raises UsageError: it answers about nothing that is measured here."""
        raise UsageError(f"{self.text} has no answers for {len(pictures)} pictures: it is used for its features")


class FeatureNet:
    """A model of the family `feature-net`: pictures of any size in, features and an answer for each label out."""

    def __init__(self, model: Model) -> None:
        """Raises UsageError for a model that is no feature network."""
        settings = model.config.config
        if "encode" not in model.capabilities or not settings.get("labels"):
            raise UsageError(f"{model.id} is no feature network: name one with --features, as feature-net.faces")
        self.model = model
        self.labels: tuple[str, ...] = tuple(settings["labels"])
        self.kind: str = settings.get("kind", "attributes")

    @property
    def text(self) -> str:
        """Which network this is: its id and the beginning of its weights' sha256."""
        return f"{self.model.id} ({self.model.config.weights.sha256[:12]})"

    def features(self, pictures: Pixels | Iterable[Pixels]) -> Floats:
        """Features (N, F) of uint8 pictures (N, C, H, W), or of batches of them."""
        return self.look(pictures)[0]

    def answers(self, pictures: Pixels | Iterable[Pixels]) -> Floats:
        """Probabilities (N, K) of the labels."""
        return self.look(pictures)[1]

    def look(self, pictures: Pixels | Iterable[Pixels]) -> tuple[Floats, Floats]:
        """Features and probabilities at once."""
        if isinstance(pictures, np.ndarray):
            pictures = in_calls(lambda part: part, pictures, pictures[0].size)
        codes = np.concatenate([self.model.encode(unit(batch)) for batch in pictures])
        features, logits = codes[:, : -len(self.labels)], codes[:, -len(self.labels) :]
        if self.kind == "attributes":
            return features, 1.0 / (1.0 + np.exp(-logits))
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        return features, likely / likely.sum(axis=1, keepdims=True)
