"""Graphs over the weights file: what the exporter would merge into other weights stays as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from zoo.catalog.interface import Interface, Role
from zoo.catalog.ports import ImageSpec
from zoo.errors import TrainingError
from zoo.training.graph import write_graph

if TYPE_CHECKING:
    from pathlib import Path


class Normed(nn.Module):
    """A norm after a convolution and before one, both of which an optimiser likes to merge."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
        self.body[1].running_mean.uniform_(-1.0, 1.0)
        self.body[1].running_var.uniform_(0.5, 2.0)

    def translate(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


class Tabled(nn.Module):
    """Adds a table that is not among the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.rand(1, 1, 160, 160), persistent=False)

    def translate(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.table


def gray(side: int) -> Interface:
    image = ImageSpec(channels=1, size=(side, side))
    return Interface(roles={"translate": Role(image, image, "pad")})


def test_a_large_table_that_is_no_weight_is_named(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    save_file({"other": torch.zeros(1)}, weights)
    with pytest.raises(TrainingError, match=r"needs table of shape \(1, 1, 160, 160\), .*a buffer .* persistent"):
        write_graph(Tabled(), "translate", gray(160), (torch.rand(2, 1, 160, 160),), weights)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_norm_is_not_merged_into_the_weights_beside_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, picture = Normed().eval(), torch.rand(2, 1, 8, 8)
    weights = tmp_path / "model.safetensors"
    save_file({name: t.contiguous() for name, t in network.state_dict().items() if t.is_floating_point()}, weights)
    write_graph(network, "translate", gray(8), (picture,), weights)
    session = onnxruntime.InferenceSession(tmp_path / "translate.onnx", providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"image": picture.numpy()})
    np.testing.assert_allclose(made, network.translate(picture).detach().numpy(), atol=1e-5)
