"""The zoo's contract, and what is particular about answers that are larger than what is given."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from zoo_superres.config import UpscalerConfig
from zoo_superres.network import Upscaler

from zoo.testing import check_family


def test_the_family_holds_to_the_contract() -> None:
    check_family("upscaler")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_training_begins_at_interpolation(scale: int) -> None:
    network = Upscaler(UpscalerConfig(scale=scale, width=8, depth=2)).eval()
    images = torch.rand(2, 3, 9, 14)
    made = network.translate(images)
    assert made.shape == (2, 3, 9 * scale, 14 * scale)
    assert torch.allclose(made, functional.interpolate(images, scale_factor=scale, mode="bicubic").clamp(0, 1))
