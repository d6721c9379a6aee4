"""The zoo's contract, and what is particular about pictures that are made in steps."""

from __future__ import annotations

import torch
from zoo_ddpm.config import DDPMConfig
from zoo_ddpm.network import DDPM
from zoo_ddpm.objective import sample

from zoo.testing import check_family

CONFIG = DDPMConfig(size=16, widths=(8, 16), steps=4)


def test_the_family_holds_to_the_contract() -> None:
    check_family("ddpm")


def test_with_the_right_v_one_step_finds_the_picture() -> None:
    picture, noise = torch.rand(2, 1, 16, 16) * 2 - 1, torch.randn(2, 1, 16, 16)
    network = DDPM(CONFIG).eval()
    angle = torch.tensor(0.7 * torch.pi / 2)
    network.forward = lambda x, t: angle.cos() * noise - angle.sin() * picture  # type: ignore[method-assign]
    mixed = angle.cos() * picture + angle.sin() * noise
    made = network.denoise(mixed, torch.tensor([[0.7, 0.0]]).expand(2, 2))
    assert torch.allclose(made, picture, atol=1e-5)


def test_other_numbers_of_steps_begin_and_end_alike() -> None:
    network, noise = DDPM(CONFIG).eval(), torch.randn(2, 1, 16, 16)
    with torch.no_grad():
        made = [sample(network, noise, steps) for steps in (1, 3, 50)]
    assert all(pictures.shape == noise.shape for pictures in made)
    assert all(float(pictures.min()) >= 0.0 and float(pictures.max()) <= 1.0 for pictures in made)
