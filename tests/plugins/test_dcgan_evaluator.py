"""The watch over a run of a DCGAN: which state is the best, and when it has failed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from zoo.errors import TrainingError
from zoo.evaluation.networks import Opener
from zoo_dcgan.config import DCGANConfig
from zoo_dcgan.evaluator import Evaluator
from zoo_dcgan.objective import DCGANObjective, DCGANOptions

if TYPE_CHECKING:
    from zoo.training.objective import Evaluation

TINY = DCGANConfig(size=8, latent=4, generator=(6, 4), discriminator=(3, 4, 5))


class Answer(nn.Module):
    """A generator of pictures that are given, each latent its own."""

    def __init__(self, pictures: torch.Tensor) -> None:
        super().__init__()
        self.pictures, self.weight, self.at = pictures, nn.Parameter(torch.zeros(())), 0

    def sample(self, noise: torch.Tensor) -> torch.Tensor:
        return noise

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        part = self.pictures[self.at : self.at + len(z)]
        self.at = (self.at + len(z)) % len(self.pictures)
        return part


def evaluated(made: torch.Tensor, epoch: float = 9.0, times: int = 1, **options: object) -> Evaluation:
    objective = DCGANObjective(TINY, DCGANOptions(evaluated=64, **options))
    rng = torch.Generator().manual_seed(0)
    objective.prepare((torch.rand(64, 1, 8, 8, generator=rng) * 255).byte())
    objective.epoch = epoch
    for _ in range(times):
        evaluation = objective.evaluate(Answer(made), [])
    return evaluation


def test_varied_images_score_better_than_one_image() -> None:
    rng = torch.Generator().manual_seed(1)
    like, same = torch.rand(64, 1, 8, 8, generator=rng), torch.full((64, 1, 8, 8), 0.5)
    good, bad = evaluated(like).figures, evaluated(same).figures
    assert good["score"] == -good["frechet"] > bad["score"]
    assert good["diversity"] == pytest.approx(1, abs=0.1)
    assert good["recall"] > 0.5 > bad["recall"] == 0
    assert bad["diversity"] == 0


def test_the_sheet_shows_sixty_four_pictures() -> None:
    samples = evaluated(torch.rand(64, 1, 8, 8)).samples
    assert samples is not None
    assert samples.shape == (3, 8 * 10 + 2, 8 * 10 + 2)


def test_a_collapse_stops_the_run_at_the_second_evaluation() -> None:
    same = torch.full((64, 1, 8, 8), 0.5)
    bounds = {"least_recall": 0.02, "least_diversity": 0.3}
    evaluated(same, times=1, **bounds)
    evaluated(same, epoch=1.0, times=2, **bounds)
    evaluated(same, times=2)
    with pytest.raises(TrainingError, match=r"collapsed.*recall is 0\.000, under 0\.02 and diversity.*objective\.r1"):
        evaluated(same, times=2, **bounds)


def test_numbers_that_are_not_finite_stop_the_run_at_once() -> None:
    with pytest.raises(TrainingError, match=r"not finite: lower optimizer\.generator\.lr"):
        evaluated(torch.full((64, 1, 8, 8), math.nan))


def test_images_to_evaluate_against_are_drawn_from_all_read() -> None:
    evaluator = Evaluator(8, 16, None)
    evaluator.prepare(torch.full((1, 8, 8), number % 256, dtype=torch.uint8) for number in range(200))
    assert evaluator.real is not None
    levels = np.rint(evaluator.real[:, 0] * 255)
    assert len(levels) == 16
    assert levels.max() > 100
    assert levels.min() < 60


def test_a_named_feature_network_is_used_to_evaluate(monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []
    look = SimpleNamespace(features=lambda pictures: pictures.reshape(len(pictures), -1)[:, :3].astype(np.float32))
    monkeypatch.setattr(Opener, "network", lambda opener, name: named.append(name) or look)
    assert evaluated(torch.rand(64, 1, 8, 8), features="feature-net.mnist").figures["frechet"] >= 0
    assert named == ["feature-net.mnist"]
