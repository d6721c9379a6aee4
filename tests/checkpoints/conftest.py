"""Fixtures for tests of checkpoints: all that the readers take here, the packages of the formats take too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import oracles
import pytest
from tiny import write_checkpoint

from zoo.checkpoints import format as checkpoint_format
from zoo.checkpoints import safetensors_header
from zoo.checkpoints.onnx import file as graph_file


@pytest.fixture
def tiny_checkpoint(tmp_path: Path) -> Path:
    """The folder of a valid small checkpoint that translates one channel to three."""
    return write_checkpoint(tmp_path / "tiny")


@pytest.fixture(autouse=True)
def agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look over every file as it is taken, whoever reads it: the last step of each reader is followed by its oracle."""
    read: dict[str, bytes] = {}
    _after(monkeypatch, graph_file, "decode", lambda _, data, __: read.update(graph=bytes(data)))
    _after(monkeypatch, graph_file, "_graph", lambda graph, *_: oracles.check_graph(read["graph"], graph))
    _after(monkeypatch, checkpoint_format, "check_graph", lambda graph, _, data, *__: oracles.check_shapes(data, graph))
    _after(monkeypatch, safetensors_header, "_parse", lambda _, data: read.update(weights=bytes(data)))
    _after(
        monkeypatch,
        safetensors_header,
        "_check_cover",
        lambda _, tensors, *__: oracles.check_weights(read["weights"], tensors),
    )


def _after(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, look: Callable[..., None]) -> None:
    inner = getattr(module, name)

    def both(*arguments: Any) -> Any:
        result = inner(*arguments)
        look(result, *arguments)
        return result

    monkeypatch.setattr(module, name, both)
