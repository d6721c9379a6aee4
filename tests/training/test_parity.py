"""A checkpoint whose graphs answer otherwise than PyTorch is not written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from zoo.errors import TrainingError
from zoo.inference.backends.onnx import OnnxBackend
from zoo.recipes.recipe import ModelTable
from zoo.training.export import export
from zoo_dense_vae.config import DenseVAEConfig
from zoo_dense_vae.network import DenseVAE

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

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
