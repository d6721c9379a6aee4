"""Both backends: the same answers, and what each wants to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny import write_checkpoint
from vaes import load_vae

import zoo
from zoo.catalog import Registry
from zoo.errors import (
    PluginError,
    UnsafeFileError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import FakePlugins

    from zoo.inference.model import Model


RNG = np.random.default_rng(0)
# The tiny network once more, as a plugin's, in PyTorch.
TINY_PLUGIN = """
@hookimpl
def zoo_families():
    yield Family(
        name="tiny", summary="One convolution", config="tiny_family.network:Config",
        network="tiny_family.network:Tiny", objective="tiny_family.network:Tiny", capabilities=("translate",),
    )
"""
TINY_NETWORK = """
import msgspec
import torch

class Config(msgspec.Struct):
    channels: int = 3

class Tiny(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, config.channels, 1)

    def translate(self, image):
        return self.conv(image).sigmoid()
"""


@pytest.fixture
def tiny_family(fake_plugins: FakePlugins) -> FakePlugins:
    fake_plugins.install("tiny-family", TINY_PLUGIN)
    fake_plugins.write("tiny_family/network.py", TINY_NETWORK)
    return fake_plugins


def load(name: str, backend: Any) -> Model:
    return zoo.load(name, backend=backend, device="cpu")


@pytest.fixture(params=["tiny", "colorizer-ae.photos"])
def named(request: pytest.FixtureRequest, tmp_path: Path, tiny_family: FakePlugins) -> str:
    return f"dir:{write_checkpoint(tmp_path / 'tiny')}" if request.param == "tiny" else request.param


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: on a machine with other work its threads wait for each other far longer than they work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_every_backend_gives_the_same_picture_in_any_batch(named: str) -> None:
    images = RNG.random((2, 1, 40, 56), np.float32)
    found = {}
    for backend in ("onnx", "torch"):
        model = load(named, backend)
        found[backend] = model.translate(images)
        np.testing.assert_allclose(model.translate(images[1:]), found[backend][1:], atol=1e-4)
    np.testing.assert_allclose(found["onnx"], found["torch"], atol=1e-3)


def test_auto_is_the_light_backend(tmp_path: Path) -> None:
    assert load_vae(tmp_path).backend.name == "onnx"


def test_the_torch_backend_wants_the_family(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="the family 'tiny', which no installed plugin has"):
        zoo.load(f"dir:{write_checkpoint(tmp_path)}", backend="torch", registry=Registry.build([]))


def test_the_torch_backend_wants_the_familys_weights(tmp_path: Path, tiny_family: FakePlugins) -> None:
    folder = write_checkpoint(tmp_path / "tiny", config={"channels": 4})
    with pytest.raises(UnsafeFileError, match=r"family's network; 2 of another shape: conv\.bias is \(3,\)"):
        zoo.load(f"dir:{folder}", backend="torch")


@pytest.mark.parametrize(
    ("how", "word"), [({"backend": "tensorflow"}, "no backend 'tensorflow'"), ({"device": "tpu"}, "no device 'tpu'")]
)
def test_unknown_backends_and_devices_are_refused(tmp_path: Path, how: dict[str, str], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        zoo.load(f"dir:{write_checkpoint(tmp_path)}", **how)
