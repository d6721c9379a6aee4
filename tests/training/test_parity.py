"""A checkpoint whose graphs answer otherwise than PyTorch is not written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from zoo.errors import TrainingError
from zoo.inference.backends.onnx import OnnxBackend
from zoo.loading import load
from zoo.recipes.recipe import ModelTable
from zoo.training.export import export
from zoo_conv_vae.config import ConvVAEConfig
from zoo_conv_vae.network import ConvVAE
from zoo_dense_vae.config import DenseVAEConfig
from zoo_dense_vae.network import DenseVAE

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = DenseVAEConfig(size=8, channels=1, hidden=(6,), latent=3)
TABLE = ModelTable(id="dense-vae.test", family="dense-vae", summary="Nothing", license="MIT")


def off(monkeypatch: pytest.MonkeyPatch, graph: str, by: float) -> None:
    """The first answer of one graph is wrong by as much."""
    run = OnnxBackend.run

    def wrong(self: OnnxBackend, name: Any, array: np.ndarray) -> tuple[np.ndarray, ...]:
        first, *rest = run(self, name, array)
        return (first + by * (name == graph), *rest)

    monkeypatch.setattr(OnnxBackend, "run", wrong)


@pytest.mark.parametrize("graph", ["encode", "decode", "translate"])
def test_graphs_that_differ_from_pytorch_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph: str
) -> None:
    off(monkeypatch, graph, 0.01)
    with pytest.raises(TrainingError, match=f"{graph}.onnx differs from PyTorch by 0.01"):
        export(DenseVAE(CONFIG), CONFIG, TABLE, "dense-vae", None, tmp_path / "checkpoint")
    assert not list(tmp_path.iterdir())


def test_graphs_that_agree_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off(monkeypatch, "none", 0.01)
    export(DenseVAE(CONFIG), CONFIG, TABLE, "dense-vae", None, tmp_path / "checkpoint")
    assert (tmp_path / "checkpoint" / "decode.onnx").is_file()


def test_a_spatial_latent_is_exported_and_walked(tmp_path: Path) -> None:
    layers: dict[str, Any] = {"encoder": (8,), "encoder_strides": (2,), "decoder": (8,), "decoder_strides": (2,)}
    config = ConvVAEConfig(size=8, latent=3, spatial=True, norm="none", **layers)
    folder = tmp_path / "checkpoint"
    table = ModelTable(id="conv-vae.test", family="conv-vae", summary="Nothing", license="MIT")
    export(ConvVAE(config), config, table, "conv-vae", None, folder)
    model = load(f"dir:{folder}")
    a, b = model.encode(np.random.default_rng(0).random((2, 3, 8, 8), np.float32))
    assert a.shape == (3, 4, 4)
    frames = model.interpolate(a, b, 5)
    assert frames.shape == (5, 3, 8, 8)
    assert np.allclose(frames[[0, -1]], model.decode(np.stack([a, b])), atol=1e-6)
    assert model.generate(2, seed=0).shape == (2, 3, 8, 8)
