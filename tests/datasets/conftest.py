"""Tiny pictures to make sources of: one colour each, so that a test can tell them apart."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the packs."""
    folder = tmp_path / "packs"
    folder.mkdir()
    monkeypatch.setenv("ZOO_DATA", str(folder))
    return folder


@pytest.fixture
def png() -> Callable[[int], bytes]:
    """A PNG of 4 x 3 pixels whose red is the value given."""

    def make(red: int) -> bytes:
        data = BytesIO()
        Image.new("RGB", (4, 3), (red, 10, 20)).save(data, "PNG")
        return data.getvalue()

    return make


@pytest.fixture
def write(png: Callable[[int], bytes]) -> Callable[[Path, int], None]:
    """Write such a PNG."""

    def save(path: Path, red: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(red))

    return save
