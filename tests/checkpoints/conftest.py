"""Fixtures for tests of checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import write_checkpoint


@pytest.fixture
def tiny_checkpoint(tmp_path: Path) -> Path:
    """The folder of a valid small checkpoint that translates one channel to three."""
    return write_checkpoint(tmp_path / "tiny")
