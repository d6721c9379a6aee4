"""Graphs over the weights file: what the exporter would merge into other weights stays as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch
from safetensors.torch import save_file
from torch import nn

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


def test_a_norm_is_not_merged_into_the_weights_beside_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, picture = Normed().eval(), torch.rand(2, 1, 8, 8)
    weights = tmp_path / "model.safetensors"
    save_file({name: t.contiguous() for name, t in network.state_dict().items() if t.is_floating_point()}, weights)
    write_graph(network, "translate", picture, (), weights)
    session = onnxruntime.InferenceSession(tmp_path / "translate.onnx", providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"image": picture.numpy()})
    np.testing.assert_allclose(made, network.translate(picture).detach().numpy(), atol=1e-5)
