"""Attribute arithmetic where the latent space is known: the brightness of two halves, turned."""

from __future__ import annotations

import numpy as np
import pytest
from brightness import Evaluator, Halves, Painter

from zoo.errors import UsageError
from zoo.evaluation import attributes
from zoo.evaluation.attributes import Arithmetic, Change, Strength, learned, truths
from zoo.metrics.features import FeatureNet
from zoo.metrics.levels import Pictures
from zoo.metrics.setting import Setting

LABELS = ("left", "brightness > 0.5")


def test_each_half_changes_by_itself() -> None:
    train, test = Pictures(Halves(60)), Pictures(Halves(30, seed=1))
    setting = Setting("test", "zoo eval it")
    metrics = attributes.measure(Painter(), FeatureNet(Evaluator()), train, test, LABELS, (0, 1), setting)
    found = {metric.name: metric for metric in metrics}
    for name in ("left_flips", "left_others_stay", "left_right_stays", "right_flips", "right_others_stay"):
        assert found[name].value == 1.0, name
    assert found["left_accuracy"].value == found["right_accuracy_reconstructed"].value == 1.0
    share = Halves(30, seed=1).bright[:, 0].mean()
    assert found["left_accuracy"].baseline == pytest.approx(max(share, 1 - share), abs=1e-4)
    assert "left +0.75/-0.75, right +0.75/-0.75" in found["left_flips"].protocol
    assert len(found["left_flips"].protocol) < 600


def test_the_strength_is_the_least_that_flips_all() -> None:
    """From 0.25 to 0.75, half the way just crosses the middle for some; three quarters do for all."""
    model, net = Painter(), FeatureNet(Evaluator())
    directions, latents = learned(model, Pictures(Halves(60)), LABELS)
    assert Arithmetic(model, net, directions, (0, 1)).choose(latents, 0, 64) == Strength(0.75, 0.75)
    before = net.answers(Pictures(Halves(60)).array()) > 0.5
    weak = Arithmetic(model, net, directions, (0, 1)).change(latents, before, 0, Strength(0.25, 0.25), 64)
    assert weak.flips.mean() == 0.0


def test_a_change_that_takes_others_along_is_seen() -> None:
    changed = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]], bool)
    change = Change(0, changed)
    assert list(change.flips) == [1, 1, 0]
    assert list(change.stays) == [1, 0, 0]
    assert change.score == pytest.approx(1 / 3)


def test_truth_is_what_the_labels_say() -> None:
    source = Halves(20)
    assert np.array_equal(truths(Pictures(source), LABELS), source.bright.astype(bool))


def test_only_named_attributes_are_changed_and_measured() -> None:
    train, test, net = Pictures(Halves(60)), Pictures(Halves(30, seed=1)), FeatureNet(Evaluator())
    places = attributes.chosen(net, ["right"])
    metrics = attributes.measure(Painter(), net, train, test, LABELS, places, Setting("test", "zoo eval it"))
    names = [metric.name for metric in metrics]
    assert names == ["right_accuracy", "right_accuracy_reconstructed", "right_flips", "right_others_stay"]
    found = {metric.name: metric.value for metric in metrics}
    assert found["right_flips"] == found["right_accuracy"] == 1.0


def test_names_are_those_of_the_classifier_or_all() -> None:
    net = FeatureNet(Evaluator())
    assert attributes.chosen(net, ["all"]) == [0, 1]
    assert attributes.chosen(net, ["right", "left", "right"]) == [1, 0]
    for names, message in ((["tall"], "knows no 'tall': name some of left, right"), ([], "needs the names")):
        with pytest.raises(UsageError, match=message):
            attributes.chosen(net, names)


def test_a_classifier_of_classes_is_refused() -> None:
    with pytest.raises(UsageError, match="does not answer attributes"):
        attributes.chosen(FeatureNet(Evaluator(kind="classes")), ["left"])
