"""The family pix2pix: the reference's layers and counts, its losses, what it keeps by, a run with two sub-networks."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from torch import nn

import zoo
from zoo.catalog.families import interface_of
from zoo.catalog.ports import ImageSpec
from zoo.catalog.registry import Registry
from zoo.errors import UsageError
from zoo.recipes.recipe import read_recipe, write_recipe
from zoo.training.objective import Batch
from zoo.training.run import Run
from zoo.training.train import find_recipe, train
from zoo_pix2pix.config import Pix2PixConfig
from zoo_pix2pix.network import PatchGAN, UNet
from zoo_pix2pix.objective import Pix2PixObjective

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from zoo.recipes.recipe import Recipe

SMALL = Pix2PixConfig(input_channels=1, channels=4, depth=3, upsample="nearest", fit="drawing", size=32)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def convolutions(network: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]


def added_up(widths: Sequence[int], inputs: int, outputs: int) -> int:
    """Parameters of the reference's U-Net, layer by layer: 4x4 convolutions, batch norms of two numbers a channel."""
    innermost = len(widths) - 1
    total = 16 * inputs * widths[0]
    for level in range(1, len(widths)):
        total += 16 * widths[level - 1] * widths[level] + (2 * widths[level] if level < innermost else 0)
        seen = widths[level] * (1 if level == innermost else 2)
        total += 16 * seen * widths[level - 1] + 2 * widths[level - 1]
    return total + 16 * 2 * widths[0] * outputs + outputs


def test_the_generator_has_the_references_count_layer_by_layer() -> None:
    config = Pix2PixConfig(norm="batch")
    with torch.device("meta"):
        network = UNet(config)
    assert config.widths() == [64, 128, 256, 512, 512, 512, 512, 512]
    assert parameters(network) == added_up(config.widths(), 3, 3) == 54_413_955
    assert len(convolutions(network)) == 16
    assert all((m.kernel_size, m.stride) == ((4, 4), (2, 2)) for m in convolutions(network))


def test_parameters_and_receptive_field_of_the_discriminator() -> None:
    with torch.device("meta"):
        network = PatchGAN(6, 64, 3, "batch")
    layers = [(6, 64, 2), (64, 128, 2), (128, 256, 2), (256, 512, 1), (512, 1, 1)]
    assert [(m.in_channels, m.out_channels, m.stride[0]) for m in convolutions(network)] == layers
    biases, norms = 64 + 1, 2 * (128 + 256 + 512)
    assert parameters(network) == sum(16 * a * b for a, b, _ in layers) + biases + norms == 2_768_705
    seen = 1
    for _, _, stride in reversed(layers):
        seen = (seen - 1) * stride + 4
    assert seen == 70


@pytest.mark.parametrize("upsample", ["transpose", "nearest"])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_any_multiple_goes_in_and_comes_out_in_its_size(upsample: str, norm: str) -> None:
    torch.manual_seed(0)
    config = msgspec.convert({"channels": 4, "depth": 3, "upsample": upsample, "norm": norm}, Pix2PixConfig)
    network = UNet(config).eval()
    for size in ((8, 8), (8, 24), (40, 16)):
        with torch.no_grad():
            made = network.translate(torch.rand(2, 3, *size))
        assert made.shape == (2, 3, *size)
        assert 0 <= made.min() < made.max() <= 1


def test_a_single_pixel_in_the_middle_is_trained_on_too() -> None:
    """Instance norm of one pixel would be an error, or nothing at all: there is none there."""
    torch.manual_seed(0)
    network = UNet(SMALL).train()
    made = network(torch.rand(2, 1, 8, 8))
    made.abs().mean().backward()
    gradients = [parameter.grad for parameter in network.down[-1].parameters()]
    assert all(gradient is not None and float(gradient.abs().sum()) > 0 for gradient in gradients)


def test_noise_is_in_training_only_and_batches_do_not_matter() -> None:
    torch.manual_seed(0)
    network, given = UNet(SMALL), torch.rand(8, 1, 32, 32)
    with torch.no_grad():
        noisy = [network.train().translate(given) for _ in range(2)]
        whole = network.eval().translate(given)
        alone = torch.cat([network.translate(given[row : row + 1]) for row in range(8)])
    assert not torch.equal(*noisy)
    assert (whole - alone).abs().max() < 1e-5
    assert sum(isinstance(module, nn.Dropout) for module in UNet(Pix2PixConfig(channels=1)).modules()) == 3


def test_the_interface_fits_the_schema() -> None:
    drawing = interface_of(SMALL).roles["translate"]
    assert (drawing.fit, drawing.input) == ("drawing", ImageSpec(channels=1, size=(32, 32), multiple=8))
    free = interface_of(Pix2PixConfig()).roles["translate"]
    assert (free.fit, free.input) == ("pad", ImageSpec(channels=3, multiple=256))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fit": "drawing", "input_channels": 1}, "needs the size"),
        ({"size": 300}, "no multiple of 256"),
        ({"fit": "drawing", "size": 256}, "must take images of channels=1"),
        ({"fit": "chroma", "output_channels": 1}, "must give images of channels=3"),
        ({"fit": "shaded-drawing", "size": 256}, "must take images of channels=1"),
        ({"norm": "group"}, "norm"),
    ],
)
def test_configurations_that_cannot_work_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(settings, Pix2PixConfig)


def moves(adversarial: str) -> tuple[dict[str, nn.Module], list[tuple[str, torch.Tensor, dict[str, object]]], int]:
    """Networks, what one step yields, and how often the generator ran."""
    torch.manual_seed(0)
    objective = Pix2PixObjective(SMALL, msgspec.convert({"adversarial": adversarial}, Pix2PixObjective.Options))
    nets, runs = objective.networks(), []
    nets["generator"].register_forward_hook(lambda *of: runs.append(1))
    batch = Batch(torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32))
    return nets, list(objective.losses(nets, batch, torch.Generator())), len(runs)


@pytest.mark.parametrize("adversarial", ["bce", "lsgan", "hinge"])
def test_a_step_is_two_moves_on_the_same_made_pictures(adversarial: str) -> None:
    nets, found, runs = moves(adversarial)
    assert list(nets) == ["generator", "discriminator"]
    assert [name for name, _, _ in found] == ["discriminator", "generator"]
    assert runs == 1
    found[0][1].backward()
    assert all(parameter.grad is None for parameter in nets["generator"].parameters())
    assert any(float(parameter.grad.abs().sum()) > 0 for parameter in nets["discriminator"].parameters())
    found[1][1].backward(inputs=list(nets["generator"].parameters()))
    assert any(float(parameter.grad.abs().sum()) > 0 for parameter in nets["generator"].parameters())


def test_without_a_discriminator_the_loss_is_the_distance() -> None:
    nets, found, _ = moves("none")
    assert list(nets) == ["generator"]
    ((name, loss, logs),) = found
    assert name == "generator"
    assert float(loss.detach()) == pytest.approx(100 * 2 * float(logs["l1"]))


def test_the_weight_of_the_adversary_is_the_generators_alone() -> None:
    found = []
    for weight in (1.0, 0.25):
        torch.manual_seed(0)
        options = {"adversarial": "lsgan", "adversarial_weight": weight, "l1_weight": 0.0}
        objective = Pix2PixObjective(SMALL, msgspec.convert(options, Pix2PixObjective.Options))
        batch = Batch(torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32))
        losses = objective.losses(objective.networks(), batch, torch.Generator())
        found.append([float(loss.detach()) for _, loss, _ in losses])
    assert found[1] == pytest.approx([found[0][0], found[0][1] / 4])


@pytest.mark.parametrize("adversarial", ["bce", "lsgan", "hinge"])
def test_losses_are_low_where_a_network_reaches_its_aim(adversarial: str) -> None:
    objective = Pix2PixObjective(SMALL, msgspec.convert({"adversarial": adversarial}, Pix2PixObjective.Options))
    real, made = torch.full((1, 1, 4, 4), 1.0), torch.full((1, 1, 4, 4), -1.0 if adversarial != "lsgan" else 0.0)
    assert objective._against(real, 1.0) + objective._against(made, -1.0) < objective._against(
        made, 1.0
    ) + objective._against(real, -1.0)
    assert objective._fooled(real) < objective._fooled(made)


class Fixed(nn.Module):
    """Answers the same pictures, in [0, 1], to every batch."""

    def __init__(self, answer: torch.Tensor) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.answer * 2 - 1


def test_what_is_kept_is_near_the_truth_and_not_gray() -> None:
    rng = torch.Generator().manual_seed(0)
    true = torch.nn.functional.interpolate(torch.rand(6, 3, 8, 8, generator=rng), (64, 64), mode="nearest")
    gray = true.mean(dim=(1, 2, 3), keepdim=True).expand_as(true) * 0.5 + true * 0.5
    noisy = (true + (torch.rand(true.shape, generator=rng) - 0.5) * float((gray - true).abs().mean()) * 4).clamp(0, 1)
    objective = Pix2PixObjective(SMALL, Pix2PixObjective.Options())
    batch = [Batch(true[:, :1], true)]
    right, dull, rough = (objective.evaluate(Fixed(answer), batch).figures for answer in (true, gray, noisy))
    assert right["l1"] == pytest.approx(0.0, abs=1e-6)
    assert right["patch_frechet"] == pytest.approx(0.0, abs=1e-3)
    assert right["score"] > max(dull["score"], rough["score"])
    assert dull["patch_frechet"] > 0.1
    sheet = objective.evaluate(Fixed(true), batch).samples
    assert sheet is not None
    assert sheet.shape == (3, 6 * 128, 3 * 128)


# A run on generated pictures, with both subnetworks.

TINY = (
    "model.config={ input_channels = 1, channels = 4, depth = 3, size = 32, fit = 'shaded-drawing' }",
    "data.size=16",
    "data.final_size=32",
    "data.final_epochs=1",
    "objective.discriminator_channels=4",
    "objective.discriminator_layers=1",
    "train.batch=4",
    "train.epochs=3",
    "train.eval_epochs=3",
    "train.save_seconds=0",
    "train.workers=0",
    "train.precision=float32",
)
KILLED = """
import os, signal, sys
from pathlib import Path
from zoo.catalog.registry import Registry
from zoo.recipes.recipe import read_recipe
from zoo.training.train import train

def die(step, steps, logs):
    if step == 5:
        os.kill(os.getpid(), signal.SIGKILL)

train(read_recipe(Path(sys.argv[1])), "pix2pix-emoji.toml", Path(sys.argv[2]), Registry.discover(), False, die)
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The emoji recipe on twelve drawings of coloured squares."""
    folder = tmp_path_factory.mktemp("squares")
    for split, count in (("train", 12), ("val", 4)):
        (folder / split).mkdir()
        for number in range(count):
            pixels = np.full((40, 40, 3), 255, np.uint8)
            pixels[8:32, 6 + number % 4 : 34] = (250 - 20 * number, 20 * number, 90)
            Image.fromarray(pixels).save(folder / split / f"{number:02d}.png")
    return read_recipe(find_recipe("pix2pix.emoji", Registry.discover()), (*TINY, f'data.source="folder:{folder}"'))


def quiet(step: int, steps: int, logs: object) -> None:
    """A report nobody reads."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> Path:
    """A run that was killed and resumed, and a whole one."""
    folder = tmp_path_factory.mktemp("runs")
    write_recipe(folder / "recipe.toml", recipe)
    command = [sys.executable, "-c", KILLED, folder / "recipe.toml", folder / "killed"]
    killed = subprocess.run(command, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    registry = Registry.discover()
    train(recipe, "pix2pix-emoji.toml", folder / "killed", registry, True, quiet)
    train(recipe, "pix2pix-emoji.toml", folder / "whole", registry, False, quiet)
    return folder


@pytest.mark.parametrize("other", ["degrade.shade=false", 'model.config={ fit = "drawing" }'])
def test_shading_must_agree_between_training_and_use(tmp_path: Path, other: str) -> None:
    registry = Registry.discover()
    unlike = read_recipe(find_recipe("pix2pix.emoji", registry), (other,))
    with pytest.raises(UsageError, match=r"set degrade\.shade to (true|false)"):
        train(unlike, "pix2pix-emoji.toml", tmp_path / "run", registry, False, quiet)
    assert not (tmp_path / "run").exists()


def test_a_killed_run_resumes_to_the_same_weights(runs: Path) -> None:
    states = [load_file(max((runs / run / "state").iterdir()) / "tensors.safetensors") for run in ("killed", "whole")]
    assert states[0].keys() == states[1].keys()
    assert {name.split(".")[1] for name in states[0] if name.startswith("net.")} == {"generator", "discriminator"}
    assert not [name for name in states[1] if not np.array_equal(states[0][name], states[1][name])]
    rows = [row for row in Run(runs / "killed").rows() if not row.get("evaluated")]
    assert [row["step"] for row in rows] == list(range(1, 10))
    assert all({"discriminator.loss", "generator.loss", "generator.l1"} <= row.keys() for row in rows)


def test_a_batch_of_one_is_a_row_of_eight_on_both_backends(runs: Path) -> None:
    rng = np.random.default_rng(0)
    drawings = np.full((8, 1, 50, 70), 255, np.uint8)
    for drawing in drawings[:, 0]:
        top, left = rng.integers(4, 15, 2)
        drawing[top : top + 25, [left, left + 40]] = 0
        drawing[[top, top + 24], left : left + 41] = 0
    given = drawings / np.float32(255)
    answers = {}
    for backend in ("onnx", "torch"):
        model = zoo.load(f"dir:{runs / 'whole' / 'checkpoint'}", backend)
        answers[backend] = model.translate(given)
        alone = np.concatenate([model.translate(given[row : row + 1]) for row in range(8)])
        assert answers[backend].shape == (8, 3, 50, 70)
        assert np.abs(answers[backend] - alone).max() < 1e-4
    assert np.abs(answers["onnx"] - answers["torch"]).max() < 1e-4
    assert answers["onnx"].std() > 0.01
