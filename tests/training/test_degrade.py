"""Degradations: what they make of a picture, and their fixed forms."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from zoo.pictures.edges import edges
from zoo.pictures.outlines import shaded
from zoo.recipes.degrade import degrade, fixed, luma
from zoo.recipes.pictures import EdgesTable, GrayscaleTable, NoiseTable


def test_luma_is_pillows_mode_l() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    assert np.array_equal(luma(torch.from_numpy(pixels.transpose(2, 0, 1)))[0].numpy(), expected)


def test_without_settings_the_input_is_the_plain_gray() -> None:
    picture = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    assert torch.equal(degrade(picture, GrayscaleTable()), luma(picture))


@pytest.mark.parametrize(
    "setting",
    [
        {"lightness": (0.1, 0.1)},
        {"contrast": (0.5, 0.5)},
        {"noise": (0.1, 0.1), "noise_share": 1.0},
        {"jpeg": (20, 20), "jpeg_share": 1.0},
        {"sepia_share": 1.0},
    ],
)
def test_each_setting_changes_the_input_and_keeps_it_a_picture(setting: dict[str, object]) -> None:
    torch.manual_seed(0)
    picture = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
    changed = degrade(picture, msgspec.convert(setting | {"kind": "grayscale"}, GrayscaleTable))
    assert changed.shape == (1, 32, 32)
    assert changed.dtype == torch.uint8
    assert not torch.equal(changed, luma(picture))
    assert (changed.float() - luma(picture).float()).abs().mean() < 64


@pytest.mark.parametrize("sigma", [0.05, 0.2])
def test_noise_has_its_standard_deviation(sigma: float) -> None:
    torch.manual_seed(0)
    picture = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    noise = (degrade(picture, NoiseTable(sigma=(sigma, sigma))).float() - 128) / 255
    assert float(noise.std()) == pytest.approx(sigma, rel=0.03)
    assert abs(float(noise.mean())) < 0.01


def test_noise_is_drawn_from_its_range_and_clamped() -> None:
    torch.manual_seed(0)
    white = torch.full((1, 32, 32), 255, dtype=torch.uint8)
    noisy = [degrade(white, NoiseTable(sigma=(0.05, 0.3))) for _ in range(20)]
    spread = [float((255 - one.float()).mean()) / 255 for one in noisy]
    assert min(spread) < 0.05 < 0.09 < max(spread) < 0.13
    assert all((one == 255).float().mean() > 0.4 for one in noisy)


def test_an_edge_input_is_the_line_drawing_shaded_or_not() -> None:
    picture = torch.zeros((3, 32, 32), dtype=torch.uint8)
    picture[0, 8:24, 8:24] = 200
    lines = edges(picture.permute(1, 2, 0).numpy().copy())
    assert torch.equal(degrade(picture, EdgesTable())[0], torch.from_numpy(lines))
    assert torch.equal(degrade(picture, EdgesTable(shade=True))[0], torch.from_numpy(shaded(lines)))
    assert degrade(picture[:1], EdgesTable()).shape == (1, 32, 32)


def test_only_training_drawings_look_sketched() -> None:
    picture = torch.zeros((3, 48, 48), dtype=torch.uint8)
    picture[0, 8:40, 8:40] = 200
    table = EdgesTable(sketched_share=0.5, thickness=(3, 3))
    plain = degrade(picture, EdgesTable())
    torch.manual_seed(0)
    made = [degrade(picture, table) for _ in range(16)]
    same = sum(torch.equal(one, plain) for one in made)
    assert 2 < same < 14
    assert fixed(table) == EdgesTable()


def test_held_out_pictures_get_the_fixed_form() -> None:
    assert fixed(None) is None
    assert fixed(GrayscaleTable(sepia_share=1.0, lightness=(0.1, 0.2))) == GrayscaleTable()
    assert fixed(EdgesTable(shade=True, gaps=(0.0, 0.1))) == EdgesTable(shade=True)
    chosen, upper = fixed(NoiseTable(sigma=(0.1, 0.3), eval_sigma=0.2)), fixed(NoiseTable(sigma=(0.1, 0.3)))
    assert isinstance(chosen, NoiseTable)
    assert isinstance(upper, NoiseTable)
    assert (chosen.sigma, upper.sigma) == ((0.2, 0.2), (0.3, 0.3))
