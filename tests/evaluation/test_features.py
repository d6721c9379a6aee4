"""A feature network's latent is features and logits."""

from __future__ import annotations

import numpy as np
import pytest
from brightness import Evaluator, Halves, Painter

from zoo.errors import UsageError
from zoo.metrics.features import FeatureNet
from zoo.metrics.levels import Pictures

PIXELS = Pictures(Halves(5)).array()


def test_features_come_before_the_logits_of_the_labels() -> None:
    net = FeatureNet(Evaluator())
    features, answers = net.look(PIXELS)
    assert features.shape == answers.shape == (5, 2)
    assert np.array_equal(answers > 0.5, features > 0.5)
    assert answers == pytest.approx(1 / (1 + np.exp(-40 * (features - 0.5))), abs=1e-5)
    assert net.text == "feature-net.halves (abababababab)"


def test_classes_share_one_probability() -> None:
    answers = FeatureNet(Evaluator(kind="classes")).answers(PIXELS)
    assert answers.sum(axis=1) == pytest.approx(np.ones(5))


def test_batches_give_what_all_at_once_give() -> None:
    net = FeatureNet(Evaluator())
    assert np.array_equal(net.features(iter([PIXELS[:2], PIXELS[2:]])), net.features(PIXELS))


def test_another_model_is_refused() -> None:
    with pytest.raises(UsageError, match=r"painter\.test is no feature network"):
        FeatureNet(Painter())
