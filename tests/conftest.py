"""Fixtures for every test."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from importlib import metadata
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import msgspec
import pytest

from zoo.catalog import CheckpointConfig, Registry, format_config

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where test files run side by side, one for each core, a second thread of each would wait for the other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


class FakePlugins:
    """A folder on `sys.path` with distributions as an installer leaves them: a package and its `*.dist-info`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    def install(self, distribution: str, code: str, name: str = "it", version: str = "1.0") -> None:
        """Install a distribution whose entry point `name` is the package's module `plugin` with this code."""
        package = distribution.replace("-", "_")
        prelude = "from zoo.catalog import Family, ModelSpec, bundled, hookimpl\n"
        self.write(f"{package}/__init__.py", "")
        self.write(f"{package}/plugin.py", prelude + dedent(code))
        info = f"{package}-{version}.dist-info"
        self.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n\nAbout it\n")
        self.write(f"{info}/entry_points.txt", f"[zoo]\n{name} = {package}.plugin\n")

    def checkpoint(self, package: str, model: str, task: str | None = None, default_for: tuple[str, ...] = ()) -> None:
        """Put a checkpoint's config.json, and no more of it, into a package."""
        family, _, tag = model.partition(".")
        image = {"channels": 1}
        config = {
            "format": 1,
            "id": model,
            "family": family,
            "task": task,
            "default_for": default_for,
            "summary": f"The model {model}",
            "license": "Apache-2.0",
            "config": {},
            "capabilities": {
                "translate": {"graph": "t.onnx", "sha256": "0" * 64, "input": image, "output": image, "fit": "pad"}
            },
            "weights": {
                "file": "model.safetensors",
                "sha256": "0" * 64,
                "bytes": 8,
                "dtype": "float32",
                "parameters": 0,
                "buffers": 0,
            },
        }
        data = format_config(msgspec.convert(config, CheckpointConfig))
        self.write(f"{package}/checkpoints/{tag}/config.json", data.decode())

    def entry_points(self) -> list[metadata.EntryPoint]:
        """The entry points installed here, and no others."""
        found = (point for dist in metadata.distributions(path=[str(self.folder)]) for point in dist.entry_points)
        return [point for point in found if point.group == "zoo"]

    def registry(self) -> Registry:
        """What is installed here, and nothing else."""
        return Registry.discover(self.entry_points())


@pytest.fixture
def fake_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePlugins]:
    """A place to install fake plugins; what was imported from it is forgotten after the test."""
    for variable in ("ZOO_DISABLE_PLUGINS", "ZOO_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield FakePlugins(folder)
    for name, module in list(sys.modules.items()):
        if tmp_path in Path(getattr(module, "__file__", None) or "/").parents:
            del sys.modules[name]


@pytest.fixture
def heed_interrupts() -> Iterator[None]:
    """A shell that starts the tests in the background lets them, and so their children, ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
