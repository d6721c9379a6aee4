"""Figures of a classifier: how often its answers are right, beside always giving the commonest one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from zoo.arrays import Floats, Pixels
from zoo.catalog.spec import CheckpointConfig, Metric
from zoo.datasets import Source, read_labels
from zoo.errors import UsageError
from zoo.inference.model import Model
from zoo.metrics import figures
from zoo.metrics.setting import Setting

# Other models make pictures as small as this, and classifiers of larger ones are to evaluate them too.
COARSE_SIDE = 32
# A card holds 64 figures: with more attributes than this, only their means stand on it.
LISTED_LABELS = 30
PROTOCOL = (
    "the picture as the source gives it, resized to the model's {size}; {answer}; the baseline is to give the split's "
    "commonest answer every time{coarse}"
)
ANSWERS = {
    "attributes": "an attribute is there where its logit is above 0, true labels by {labels}",
    "classes": "the class of the greatest logit, true one by {labels}",
}
COARSE = f"; coarse is of the same pictures brought to {COARSE_SIDE} x {COARSE_SIDE} first"


def is_classifier(config: CheckpointConfig) -> bool:
    """Whether the latent of a model ends in a logit for each of its `labels`."""
    kind, labels = config.config.get("kind"), config.config.get("labels")
    return kind in ANSWERS and isinstance(labels, list | tuple) and config.can() == ("encode",)


def measure(model: Model, source: Source, labels: Sequence[str], setting: Setting) -> list[Metric]:
    """Accuracy of every picture of a source: of each attribute and their mean, or of the class.

    `labels` are those of the recipe's `[data]`: one for each attribute, yes above 0.5, or one, the class's number.
    Raises UsageError where their number is wrong, and as `zoo.datasets.read_labels` does.
    """
    kind, names = model.config.config["kind"], tuple(model.config.config["labels"])
    wanted = 1 if kind == "classes" else len(names)
    if len(labels) != wanted:
        raise UsageError(f"{model.id} is measured with {wanted} labels of the pictures, not {len(labels)}")
    truth = read_labels(source, labels)
    truth = truth if kind == "classes" else (truth > 0.5).astype(np.float32)
    size = model.interface.takes("encode").size or (COARSE_SIDE, COARSE_SIDE)
    coarse = min(size) > COARSE_SIDE
    found, found_coarse = [], []
    for index in range(len(source)):
        picture = source.picture(index)
        found.append(_answer(model, picture))
        if coarse:
            found_coarse.append(_answer(model, _brought_down(picture)))
        setting.report(index + 1, len(source))
    named = ", ".join(labels) if len(labels) <= 8 else f"{len(labels)} columns that the recipe names"
    protocol = PROTOCOL.format(
        size=f"{size[0]} x {size[1]}", answer=ANSWERS[kind].format(labels=named), coarse=COARSE if coarse else ""
    )
    metrics = _metrics("accuracy", np.array(found), truth, names, setting, protocol)
    return metrics + (_metrics("coarse", np.array(found_coarse), truth, names, setting, protocol) if coarse else [])


def _answer(model: Model, picture: Pixels) -> Floats:
    """Yes (1) or no (0) to each attribute, or the class's number, of a uint8 picture (C, H, W)."""
    logits = model.encode(picture[None])[0, -len(model.config.config["labels"]) :]
    if model.config.config["kind"] == "classes":
        return np.array([logits.argmax()], np.float32)
    return (logits > 0).astype(np.float32)


def _brought_down(picture: Pixels) -> Pixels:
    """A picture (C, H, W) at COARSE_SIDE, averaged over areas."""
    small = [Image.fromarray(plane).resize((COARSE_SIDE, COARSE_SIDE), Image.Resampling.BOX) for plane in picture]
    return np.stack([np.asarray(plane) for plane in small])


def _metrics(
    name: str,
    answers: Floats,
    truth: Floats,
    names: Sequence[str],
    setting: Setting,
    protocol: str,
) -> list[Metric]:
    """The mean over all answers, and each attribute's."""
    right = (answers == truth).astype(np.float64)
    common = np.array([np.unique(column, return_counts=True)[1].max() for column in truth.T]) / len(truth)
    found = [setting.metric(name, figures.mean(right.mean(axis=1)), protocol, len(truth), float(common.mean()))]
    if truth.shape[1] == len(names) <= LISTED_LABELS:
        for column, label in enumerate(names):
            summary = figures.mean(right[:, column])
            metric = setting.metric(f"{name}_{label.lower()}", summary, protocol, len(truth), float(common[column]))
            found.append(metric)
    return found
