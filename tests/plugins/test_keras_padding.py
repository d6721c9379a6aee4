"""The networks' `padding = "end"` is what Keras does, so that its weights give its pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo_colorizer.network import EndConv2d as ColorizerConv2d
from zoo_conv_vae.network import EndConv2d, EndConvTranspose2d


def same_convolution(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Keras' strided "same" convolution by its definition: x (H, W, in), kernel (k, k, in, out)."""
    size, side = x.shape[0] // stride, kernel.shape[0]
    before = max((size - 1) * stride + side - x.shape[0], 0) // 2
    made = np.zeros((size, size, kernel.shape[3]))
    for y, column, i, j in np.ndindex(size, size, side, side):
        row, place = y * stride + i - before, column * stride + j - before
        if 0 <= row < x.shape[0] and 0 <= place < x.shape[1]:
            made[y, column] += x[row, place] @ kernel[i, j]
    return made


@pytest.mark.parametrize(("side", "stride"), [(3, 2), (5, 2), (3, 3), (7, 4), (3, 4), (3, 1)])
def test_padding_at_the_end_is_that_of_keras(side: int, stride: int) -> None:
    """A transposed convolution is the transpose of a convolution of the same kernel, by Keras' definition too."""
    torch.manual_seed(3)
    down = EndConv2d(2, 3, side, stride, bias=False)
    up = EndConvTranspose2d(3, 2, side, stride, output_padding=max(stride - side, 0), bias=False)
    up.weight = down.weight
    x, y = torch.rand(1, 2, 4 * stride, 4 * stride), torch.rand(1, 3, 4, 4)
    with torch.no_grad():
        made, back = down(x), up(y)
    kernel = down.weight.detach().numpy().transpose(2, 3, 1, 0)
    expected = same_convolution(x[0].numpy().transpose(1, 2, 0), kernel, stride)
    assert np.abs(made[0].numpy().transpose(1, 2, 0) - expected).max() < 1e-5
    assert back.shape == x.shape
    assert float((made * y).sum()) == pytest.approx(float((x * back).sum()), rel=1e-4)


def test_the_colorizer_s_is_the_same() -> None:
    torch.manual_seed(4)
    layer, other = EndConv2d(2, 3, 3, 2), ColorizerConv2d(2, 3, 3, 2)
    other.load_state_dict(layer.state_dict())
    x = torch.rand(1, 2, 8, 6)
    with torch.no_grad():
        assert torch.equal(layer(x), other(x))
