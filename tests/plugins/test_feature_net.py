"""The feature networks: their layers and counts, what their latent holds, their objective."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from zoo.catalog import Registry
from zoo.catalog.families import configured, interface_of
from zoo.catalog.interface import Latent, Role
from zoo.catalog.ports import ImageSpec
from zoo.errors import TrainingError, UsageError
from zoo.training.objective import Batch
from zoo_features.config import FeatureConfig
from zoo_features.network import FeatureNet
from zoo_features.objective import FeatureObjective

NAMES = ("glasses", "smile")
CLASSES = ("zero", "one", "two")


def attributes(**options: object) -> FeatureObjective:
    config = FeatureConfig(labels=NAMES, size=16, width=4, features=5)
    return FeatureObjective(config, FeatureObjective.Options(**options))


def classes(**options: object) -> FeatureObjective:
    config = FeatureConfig(labels=CLASSES, kind="classes", channels=1, size=16, width=4, features=5)
    return FeatureObjective(config, FeatureObjective.Options(**options))


class Fixed(nn.Module):
    """Answers the same logits to any pictures, and remembers those it was shown."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.images = images
        return self.logits


def step(objective: FeatureObjective, net: nn.Module, batch: Batch) -> tuple[torch.Tensor, float]:
    ((name, loss, logs),) = objective.losses({"model": net}, batch, torch.Generator().manual_seed(0))
    assert name == "model"
    return loss, float(logs["accuracy"])


def counted(inputs: int, outputs: int) -> int:
    """Weights and bias of a 3x3 convolution, scale and offset of its norm."""
    return inputs * outputs * 9 + 3 * outputs


@pytest.mark.parametrize(("preset", "channels", "last", "answers"), [("faces", 3, 4, 4), ("digits", 1, 2, 10)])
def test_the_counts_are_those_of_the_layers(preset: str, channels: int, last: int, answers: int) -> None:
    config = configured(Registry.discover().family("feature-net"), {}, preset)
    network, w, f = FeatureNet(config), config.width, config.features
    blocks = [(w, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 2 * w)]
    expected = counted(channels, w // 2) + counted(w // 2, w)
    expected += sum(counted(a, b) + counted(b, b) for a, b in blocks)
    expected += sum(a * b for a, b in blocks[1:])
    expected += 2 * w * last * last * f + 2 * f + f * answers + answers
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == expected
    assert 300_000 < found < 600_000


def test_encode_gives_nonnegative_features_and_then_the_logits() -> None:
    network = FeatureNet(FeatureConfig(labels=NAMES, size=16, width=4, features=5)).eval()
    images = torch.rand(3, 3, 16, 16)
    with torch.no_grad():
        latent, logits = network.encode(images), network(images)
    assert latent.shape == (3, 7)
    assert (latent[:, :5] >= 0).all()
    assert torch.equal(latent[:, 5:], logits)


def test_a_picture_gets_the_same_answer_alone() -> None:
    network = FeatureNet(FeatureConfig(labels=NAMES, size=16, width=4)).eval()
    images = torch.rand(4, 3, 16, 16)
    with torch.no_grad():
        assert torch.allclose(network.encode(images)[1:2], network.encode(images[1:2]), atol=1e-5)


@pytest.mark.parametrize(("size", "stride"), [(16, 1), (16, 2), (28, 1), (50, 2)])
def test_any_side_can_be_configured(size: int, stride: int) -> None:
    network = FeatureNet(FeatureConfig(labels=NAMES, size=size, stride=stride, width=4)).eval()
    assert network(torch.rand(1, 3, size, size)).shape == (1, 2)


def test_the_interface_fits_the_schema() -> None:
    interface = interface_of(FeatureConfig(labels=NAMES, size=32, channels=1, features=5))
    assert interface.roles == {"encode": Role(ImageSpec(channels=1, size=(32, 32)), fit="resize")}
    assert interface.latent == Latent((7,), "none")


@pytest.mark.parametrize("values", [{"labels": []}, {"labels": ["a", "a"]}, {"labels": ["a b"]}, {}])
def test_labels_that_name_nothing_or_two_things_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="labels"):
        configured(Registry.discover().family("feature-net"), values)


def test_right_answers_cost_less_than_wrong_ones() -> None:
    images, labels = torch.rand(2, 3, 16, 16), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    right, wrong = Fixed(8 * labels - 4), Fixed(4 - 8 * labels)
    for objective in (attributes(), attributes(softness=0.1)):
        good, good_share = step(objective, right, Batch(images, images, labels))
        bad, bad_share = step(objective, wrong, Batch(images, images, labels))
        assert (good_share, bad_share) == (1.0, 0.0)
        assert float(good) < 0.1 < 3 < float(bad)


def test_a_soft_label_near_the_middle_favours_a_middle_answer() -> None:
    images, labels = torch.rand(1, 3, 16, 16), torch.tensor([[0.55, 0.5]])
    sure, unsure = Fixed(torch.tensor([[4.0, -4.0]])), Fixed(torch.tensor([[0.5, 0.0]]))
    batch = Batch(images, images, labels)
    assert step(attributes(), sure, batch)[0] < step(attributes(), unsure, batch)[0]
    assert step(attributes(softness=0.1), sure, batch)[0] > step(attributes(softness=0.1), unsure, batch)[0]


def test_classes_are_numbers_and_exclude_each_other() -> None:
    images, labels = torch.rand(2, 1, 16, 16), torch.tensor([[2.0], [0.0]])
    net = Fixed(torch.tensor([[0.0, 0.0, 9.0], [0.0, 9.0, 0.0]]))
    loss, share = step(classes(), net, Batch(images, images, labels))
    assert share == 0.5
    assert float(loss) == pytest.approx(4.5, abs=0.01)


def test_only_the_worsened_share_loses_detail() -> None:
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    net = Fixed(torch.zeros(4, 2))
    step(attributes(worsened=0.5, resolution=(0.25, 0.25)), net, Batch(images, images, torch.zeros(4, 2)))
    assert net.images.shape == images.shape
    assert torch.equal(net.images[2:], images[2:])
    assert (net.images[:2].std(dim=(1, 2, 3)) < 0.5 * images[:2].std(dim=(1, 2, 3))).all()


@pytest.mark.parametrize("labels", [None, torch.zeros(2, 3)])
def test_labels_that_the_recipe_does_not_give_are_an_error(labels: torch.Tensor | None) -> None:
    images = torch.rand(2, 3, 16, 16)
    with pytest.raises(TrainingError, match=r"data\.labels"):
        step(attributes(), Fixed(torch.zeros(2, 2)), Batch(images, images, labels))


def test_an_evaluation_counts_every_answer_of_every_batch() -> None:
    images = torch.rand(2, 3, 16, 16)
    batches = [
        Batch(images, images, torch.tensor([[1.0, 0.7], [0.0, 0.2]])),
        Batch(images[:1], images[:1], torch.tensor([[1.0, 0.4]])),
    ]
    evaluation = attributes().evaluate(nn.Sequential(nn.Flatten(), nn.LazyLinear(2), Positive()), batches)
    assert evaluation.figures == pytest.approx({"accuracy": 0.5, "accuracy_glasses": 2 / 3, "accuracy_smile": 1 / 3})


class Positive(nn.Module):
    """Yes to everything."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(x)


@pytest.mark.parametrize("objective", [attributes(softness=0.1), classes(smoothing=0.1)], ids=["attributes", "classes"])
def test_a_few_steps_learn_a_few_pictures(objective: FeatureObjective) -> None:
    torch.manual_seed(0)
    config = objective.config
    images = torch.rand(8, config.channels, 16, 16)
    labels = torch.randint(0, 2, (8, 2 if config.kind == "attributes" else 1)).float()
    net = objective.networks()["model"]
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(6):
        loss, _ = step(objective, net, Batch(images, images, labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_naming_and_configuring_it_loads_no_pytorch() -> None:
    code = "import sys, zoo_features.plugin, zoo_features.config; print('torch' in sys.modules, 'numpy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
