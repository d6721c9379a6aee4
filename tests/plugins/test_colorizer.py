"""The colorizer family: the reference's layers and counts, its colour arithmetic, its objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from zoo.catalog.families import interface_of
from zoo.catalog.ports import ImageSpec
from zoo.pictures.color import rgb_to_lab as core_rgb_to_lab
from zoo.training.objective import Batch
from zoo_colorizer.config import ColorizerConfig
from zoo_colorizer.lab import lab_to_rgb, lightness, rgb_to_lab
from zoo_colorizer.network import Colorizer
from zoo_colorizer.objective import ColorizerObjective

# (in, out, stride) of every 3x3 convolution, and its parameters, as the reference lists them.
LAYERS = [
    (1, 64, 2, 640), (64, 128, 1, 73_856), (128, 128, 2, 147_584), (128, 256, 1, 295_168), (256, 256, 2, 590_080),
    (256, 512, 1, 1_180_160), (512, 512, 1, 2_359_808), (512, 256, 1, 1_179_904), (256, 128, 1, 295_040),
    (128, 64, 1, 73_792), (64, 32, 1, 18_464), (32, 16, 1, 4_624), (16, 2, 1, 290),
]  # fmt: skip


@pytest.fixture
def small() -> Colorizer:
    torch.manual_seed(0)
    return Colorizer(ColorizerConfig(size=32, channels=8)).eval()


def test_the_layers_are_those_of_the_reference() -> None:
    with torch.device("meta"):
        network = Colorizer(ColorizerConfig())
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    found = [(m.in_channels, m.out_channels, m.stride[0], sum(p.numel() for p in m.parameters())) for m in layers]
    assert found == LAYERS
    assert all(layer.kernel_size == (3, 3) for layer in layers)
    assert sum(parameter.numel() for parameter in network.parameters()) == 6_219_410
    assert not list(network.buffers())


def test_sizes_on_the_way(small: Colorizer) -> None:
    gray = torch.rand(2, 1, 32, 48)
    assert small.encoder(gray).shape == (2, 64, 4, 6)
    assert small(gray).shape == (2, 2, 16, 24)
    assert small.translate(gray).shape == (2, 3, 32, 48)


def test_a_new_network_keeps_detail_but_answers_nearly_evenly(small: Colorizer) -> None:
    gray = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        before_answer = small.decoder[:-2](small.encoder(lightness(gray) / 50 - 1))
        answer = small(gray)
    assert before_answer.std(dim=(2, 3)).max() > 0.05
    assert 0 < answer.std(dim=(2, 3)).max() < 0.05


def test_it_keeps_the_lightness_of_its_input(small: Colorizer) -> None:
    gray = torch.rand(1, 1, 32, 32) * 0.6 + 0.2
    with torch.no_grad():
        rgb = small.translate(gray)
    inside = (rgb > 0.001).all(1) & (rgb < 0.999).all(1)
    difference = (rgb_to_lab(rgb)[:, 0] - lightness(gray)[:, 0]).abs()
    assert inside.float().mean() > 0.5
    assert difference[inside].max() < 0.05


def test_the_chroma_scale_acts_at_use_only(small: Colorizer) -> None:
    gray = torch.rand(1, 1, 32, 32) * 0.5 + 0.25
    nn.init.normal_(small.decoder[-2].weight, std=0.2)
    with torch.no_grad():
        trained, used = small(gray), small.translate(gray)
        small.chroma_scale = 0.0
        assert torch.equal(small(gray), trained)
        still = small.translate(gray)
    assert not torch.allclose(still, used, atol=1e-3)
    assert torch.allclose(still, gray.expand_as(still), atol=1e-3)


def test_its_lab_is_the_cores_lab() -> None:
    rgb = torch.rand(1, 3, 16, 16)
    core = core_rgb_to_lab(rgb[0].permute(1, 2, 0).numpy())
    assert np.abs(rgb_to_lab(rgb)[0].permute(1, 2, 0).numpy() - core).max() < 0.02
    assert torch.allclose(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-4)


# CIE Lab of sRGB red, green and blue under D65: L* 53.24, 87.73, 32.30 (tables of the primaries, two decimals).
def test_lab_of_the_primaries() -> None:
    primaries = torch.eye(3).reshape(3, 3, 1, 1)
    expected = torch.tensor([[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86]])
    assert torch.allclose(rgb_to_lab(primaries)[:, :, 0, 0], expected, atol=0.05)


def test_the_interface_fits_the_schema() -> None:
    role = interface_of(ColorizerConfig(size=64)).roles["translate"]
    assert (role.fit, role.input) == ("chroma", ImageSpec(channels=1, size=(64, 64)))


def objective(**options: float) -> ColorizerObjective:
    return ColorizerObjective(ColorizerConfig(size=32, channels=8), ColorizerObjective.Options(**options))


def loss_of(answer: torch.Tensor, target: torch.Tensor, photos: Sequence[torch.Tensor] = (), **options: float) -> float:
    class Fixed(nn.Module):
        def forward(self, gray: torch.Tensor) -> torch.Tensor:
            return answer

    batch = Batch(target.mean(1, keepdim=True), target)
    prepared = objective(**options)
    if photos:
        prepared.prepare(photos)
    ((name, loss, logs),) = prepared.losses({"model": Fixed()}, batch, torch.Generator())
    assert name == "model"
    assert logs.keys() == {"chroma"}
    return float(loss)


def test_the_loss_is_zero_for_the_truth_and_grows_with_error() -> None:
    target = torch.rand(2, 3, 1, 1).expand(2, 3, 16, 16)
    truth = rgb_to_lab(target)[:, 1:, :8, :8] / 128
    assert loss_of(truth, target) < 1e-6
    assert 0 < loss_of(truth + 0.05, target) < loss_of(truth + 0.2, target)


def test_rare_colours_weigh_more_than_common_ones() -> None:
    red = torch.tensor([0.9, 0.2, 0.1]).view(3, 1, 1).expand(3, 16, 16)
    half = torch.cat([torch.full((1, 3, 16, 8), 0.5), red[None, :, :, :8]], 3)
    truth = torch.nn.functional.avg_pool2d(rgb_to_lab(half)[:, 1:], 2) / 128
    gray_wrong, red_wrong = truth.clone(), truth.clone()
    gray_wrong[..., :4] += 0.1
    red_wrong[..., 4:] += 0.1
    mostly_gray = [torch.full((3, 16, 16), 127, dtype=torch.uint8)] * 9 + [(red * 255).byte()]
    assert loss_of(red_wrong, half) == pytest.approx(loss_of(gray_wrong, half))
    assert loss_of(red_wrong, half, mostly_gray) > 1.5 * loss_of(gray_wrong, half, mostly_gray)
    bounded = loss_of(red_wrong, half, mostly_gray, max_weight=1.0)
    assert bounded < loss_of(red_wrong, half, mostly_gray)


def test_weights_have_mean_one_over_the_training_photos() -> None:
    torch.manual_seed(0)
    photos = [torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8) for _ in range(20)]
    prepared = objective(max_weight=1e9)
    prepared.prepare(photos)
    seen = torch.stack([photo[:, ::4, ::4] for photo in photos]).float() / 255
    bins = ((rgb_to_lab(seen)[:, 1:] + 128) / 10).long()
    weights = prepared.weights[bins[:, 0] * 26 + bins[:, 1]]
    assert float(weights.mean()) == pytest.approx(1.0, abs=1e-4)


def test_evaluation_finds_the_scale_that_undoes_boldness() -> None:
    torch.manual_seed(0)
    target = torch.rand(4, 3, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3) * 0.3 + 0.35

    class Bold(nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return 2.0 * torch.nn.functional.avg_pool2d(rgb_to_lab(target)[:, 1:], 2) / 128

    light = rgb_to_lab(target)[:, :1]
    gray = lab_to_rgb(torch.cat([light, torch.zeros_like(light), torch.zeros_like(light)], 1))[:, :1]
    evaluation = objective(chroma_floor=0.3).evaluate(Bold(), [Batch(gray, target)])
    assert evaluation.config == {"chroma_scale": 0.5}
    assert evaluation.figures["psnr_gain"] > 5
    assert evaluation.figures["gaining"] == 1.0
    assert evaluation.samples is not None
