"""Attribute arithmetic, evaluated by a classifier: does an attribute change, and only that one?

Directions are learned on training pictures by regression on the labels that are measured, and the strengths are chosen
there too. Then every held-out picture has each attribute changed: added where it is absent, else taken away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.arrays import Doubles, Floats, Mask, Pixels
from zoo.catalog.spec import Metric
from zoo.datasets.attributes import tabulate
from zoo.datasets.labels import parse_label
from zoo.errors import UsageError
from zoo.inference.directions import Directions, apply, learn
from zoo.inference.model import Model
from zoo.metrics.features import FeatureNet
from zoo.metrics.figures import mean
from zoo.metrics.levels import Pictures, in_calls, levels, unit
from zoo.metrics.setting import Setting

Truth = Mask

# Training pictures the directions are learned on at most, and those of them the strengths are chosen on.
LEARNED_ON = 20_000
CHOSEN_ON = 600
STRENGTHS = tuple(quarters / 4 for quarters in range(2, 21))


@dataclass(frozen=True)
class Strength:
    """How far to go along a direction to add an attribute, and how far back to take it away."""

    adding: float
    removing: float

    def __str__(self) -> str:
        return f"+{self.adding:g}/-{self.removing:g}"


@dataclass(frozen=True)
class Change:
    """What a change of one attribute did to N pictures: whether each of K answers is another than before, (N, K)."""

    attribute: int
    changed: Truth

    def of(self, which: Truth) -> Change:
        """The same of some of the pictures, `which` (N,)."""
        return Change(self.attribute, self.changed[which])

    @property
    def flips(self) -> Doubles:
        """Whether the attribute's own answer changed."""
        return self.changed[:, self.attribute].astype(np.float64)

    @property
    def stays(self) -> Doubles:
        """Whether no other answer did."""
        others = np.delete(self.changed, self.attribute, axis=1)
        return np.asarray(~others.any(axis=1), np.float64)

    @property
    def score(self) -> float:
        """The smaller of the two shares, by which strengths are chosen."""
        return min(float(self.flips.mean()), float(self.stays.mean()))


class Arithmetic:
    """A model, the directions of K attributes in its latent space, and the classifier that evaluates them.

    `places` are the K among the classifier's answers.
    """

    def __init__(self, model: Model, net: FeatureNet, directions: Directions, places: Sequence[int]) -> None:
        self.model, self.net, self.directions, self.places = model, net, directions, list(places)

    def answers(self, pixels: Pixels) -> Truth:
        """What the classifier says of pictures, (N, K)."""
        return self.net.answers(pixels)[:, self.places] > 0.5

    def decoded(self, latents: Floats, size: int) -> Pixels:
        """Pictures of latents; `size` is how many values a picture has."""
        return np.concatenate([levels(part) for part in in_calls(self.model.decode, latents, size)])

    def change(self, latents: Floats, before: Truth, attribute: int, strength: Strength, size: int) -> Change:
        """Change one attribute of all pictures; `before` (N, K) are the answers to their reconstructions."""
        direction = self.directions.vectors[attribute]
        more, less = apply(latents, direction, strength.adding), apply(latents, direction, -strength.removing)
        present = before[:, attribute].reshape(-1, *[1] * (latents.ndim - 1))
        after = self.answers(self.decoded(np.where(present, less, more), size))
        return Change(attribute, after != before)

    def choose(self, latents: Floats, attribute: int, size: int) -> Strength:
        """For either way the strength of the best score on these latents, the smallest of those that share it."""
        before = self.answers(self.decoded(latents, size))
        present = before[:, attribute]
        changes = [self.change(latents, before, attribute, Strength(each, each), size) for each in STRENGTHS]
        adding, removing = (
            STRENGTHS[int(np.argmax([change.of(way).score for change in changes]))] if way.any() else STRENGTHS[0]
            for way in (~present, present)
        )
        return Strength(adding, removing)


def learned(model: Model, train: Pictures, labels: Sequence[str]) -> tuple[Directions, Floats]:
    """Directions of `labels` from evenly spaced training pictures, and the latents they come from.

    The regression is on these labels together, so that none carries another along; what else goes with an attribute, as
    beards with men, comes with it. Raises UsageError where nothing is known of the pictures.
    """
    places = train.spread(LEARNED_ON)
    table = tabulate([train.labels(place) for place in places], labels)
    if table.kept != tuple(labels):
        raise UsageError(f"the pictures' labels give {', '.join(table.kept)}, not {', '.join(labels)}")
    latents = np.concatenate([model.encode(unit(batch)) for batch in train.batches(places)])[table.rows]
    directions = learn(latents, table.values, table.names, model.config, keep=table.kept, exclusive=table.exclusive)
    return directions, latents


def truths(pictures: Pictures, labels: Sequence[str]) -> Truth:
    """What the labels say of each picture, (N, K)."""
    parsed = [parse_label(label) for label in labels]
    rows = [[label.of(pictures.labels(place)) > 0.5 for label in parsed] for place in range(len(pictures))]
    return np.array(rows, np.bool_)


def chosen(net: FeatureNet, names: Sequence[str]) -> list[int]:
    """The places of attributes among the network's answers; of all of them for the one name `all`.

    Raises UsageError for a network whose answers exclude each other, and for a name that is none of its.
    """
    if net.kind != "attributes":
        raise UsageError(f"{net.model.id} does not answer attributes, each yes or no: name another with --features")
    if tuple(names) == ("all",):
        return list(range(len(net.labels)))
    unknown = [name for name in names if name not in net.labels]
    if unknown or not names:
        wrong = f"knows no {unknown[0]!r}" if unknown else "needs the names of attributes"
        raise UsageError(f"{net.model.id} {wrong}: name some of {', '.join(net.labels)} with --attributes, or all")
    return [net.labels.index(name) for name in dict.fromkeys(names)]


def measure(
    model: Model,
    net: FeatureNet,
    train: Pictures,
    test: Pictures,
    labels: Sequence[str],
    places: Sequence[int],
    setting: Setting,
) -> list[Metric]:
    """The attributes at `places` of the answers of `net` changed in every picture of `test`.

    `labels` are what all its answers were trained on. Raises UsageError if they are not as many.
    """
    if len(labels) != len(net.labels):
        raise UsageError(f"{net.model.id} gives {len(net.labels)} answers, its recipe names {len(labels)} labels")
    labels, names = [labels[place] for place in places], [net.labels[place] for place in places]
    directions, known = learned(model, train, labels)
    arithmetic = Arithmetic(model, net, directions, places)
    size = train.picture(0).size
    some = known[np.linspace(0, len(known) - 1, min(CHOSEN_ON, len(known))).round().astype(int)]
    names = [re.sub(r"[^a-z0-9]+", "_", name.lower()) for name in names]
    strengths = {name: arithmetic.choose(some, place, size) for place, name in enumerate(names)}
    pixels = test.array(range(len(test)))
    latents = np.concatenate(list(in_calls(model.encode, unit(pixels), size)))
    made = arithmetic.decoded(latents, size)
    seen, before = arithmetic.answers(pixels), arithmetic.answers(made)
    changes = []
    for place, strength in enumerate(strengths.values()):
        changes.append(arithmetic.change(latents, before, place, strength, size))
        setting.report(place + 1, len(names))
    metrics = _accuracy(names, truths(test, labels), seen, before, net, setting)
    return metrics + _shares(names, changes, strengths, (len(known), len(some)), net, setting)


def _accuracy(
    names: Sequence[str], true: Truth, seen: Truth, rebuilt: Truth, net: FeatureNet, setting: Setting
) -> list[Metric]:
    """How often the classifier is right, on pictures and on their reconstructions."""
    protocol = (
        f"Share of pictures of which {net.text} is right about the attribute (probability over or under a half); "
        "reconstructed: the same for their reconstructions; the baseline is to give the commoner answer always"
    )
    common = np.maximum(true.mean(axis=0), 1 - true.mean(axis=0))
    return [
        setting.metric(
            f"{name}_accuracy{suffix}",
            mean((answers == true)[:, k].astype(np.float64)),
            protocol,
            len(true),
            float(common[k]),
        )
        for suffix, answers in (("", seen), ("_reconstructed", rebuilt))
        for k, name in enumerate(names)
    ]


def _shares(
    names: Sequence[str],
    changes: Sequence[Change],
    strengths: Mapping[str, Strength],
    counts: tuple[int, int],
    net: FeatureNet,
    setting: Setting,
) -> list[Metric]:
    """How often the changed attribute flips, and the others stay."""
    chosen = ", ".join(f"{name} {strength}" for name, strength in strengths.items())
    protocol = (
        f"Each attribute added where {net.text} does not see it in the reconstruction, else taken away, along "
        f"directions regressed on these labels of {counts[0]} training pictures; strengths ({chosen}, to add and to "
        f"take away) chosen on {counts[1]} of them by the smaller of the next two; flips: the classifier's answer "
        "changes; others_stay: none of its answers to the others measured here does; X_stays: that of X does not"
    )
    metrics = []
    for change, name in zip(changes, names, strict=True):
        n = len(change.changed)
        metrics += [
            setting.metric(f"{name}_flips", mean(change.flips), protocol, n, 0.0),
            setting.metric(f"{name}_others_stay", mean(change.stays), protocol, n, 1.0),
        ]
        metrics += [
            setting.metric(f"{name}_{other}_stays", mean((~change.changed[:, k]).astype(np.float64)), protocol, n, 1.0)
            for k, other in enumerate(names)
            if k != change.attribute
        ]
    return metrics
