"""A Hub model is run while plugins are broken, slow or in conflict.

All that plugins can do wrong is in catalog/test_discovery.py and catalog/test_registry.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loopback import Hub
from machine import Machine, Result
from tiny import make_model, port, write_checkpoint

if TYPE_CHECKING:
    from conftest import FakePlugins

BROKEN = {
    "imports": "import a_module_that_is_absent",
    "syntax": "def (",
    "raises": "@hookimpl\ndef zoo_families():\n    raise RuntimeError('not today')",
    "exits": "import sys\nsys.exit(3)",
    "signature": "@hookimpl\ndef zoo_families(surprise):\n    return []",
}
FAMILY = """
@hookimpl
def zoo_families():
    yield Family(
        name="tiny", summary="Small", config="PACKAGE.config:Config", network="PACKAGE.network:Net", objective="",
        capabilities=("translate",),
    )
"""
CONFIG = """
import msgspec

class Config(msgspec.Struct):
    pass
"""
NETWORK = """
import torch

class Net(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 3, 1)

    def translate(self, x):
        return self.conv(x).sigmoid()
"""


def install_family(plugins: FakePlugins, network: str, distribution: str = "tiny-zoo", name: str = "tiny") -> None:
    package = distribution.replace("-", "_")
    plugins.install(distribution, FAMILY.replace("PACKAGE", package), name=name)
    plugins.write(f"{package}/config.py", CONFIG)
    plugins.write(f"{package}/network.py", network)


def run(machine: Machine, plugins: FakePlugins, name: str, picture: Path, *words: str, **env: str) -> Result:
    env["ZOO_TEST_PLUGINS"] = str(plugins.folder)
    return machine.zoo("run", f"hub:{name}", picture, "-o", "made.png", *words, **env)


def test_broken_plugins_get_a_line_each_and_the_model_runs(
    machine: Machine, published: str, picture: Path, fake_plugins: FakePlugins
) -> None:
    for name, code in BROKEN.items():
        fake_plugins.install(f"{name}-zoo", code, name=name)
    made = machine.folder / "made.png"
    notes = run(machine, fake_plugins, published, picture).notes.splitlines()
    assert made.is_file()
    for name in BROKEN:
        assert len([note for note in notes if f"plugin '{name}' of {name}-zoo 1.0 is left out" in note]) == 1
    made.unlink()
    strict = run(machine, fake_plugins, published, picture, ZOO_STRICT_PLUGINS="1").error(9)
    assert "plugin 'exits' of exits-zoo 1.0 is left out" in strict
    assert not made.exists()


def test_a_family_is_not_imported_to_run_a_model_s_graphs(
    machine: Machine, published: str, picture: Path, fake_plugins: FakePlugins
) -> None:
    marker = machine.folder / "imported"
    mark = f"open({str(marker)!r}, 'w')\nimport a_library_that_is_absent\n"  # what takes long, or is not installed
    install_family(fake_plugins, mark + NETWORK)
    notes = run(machine, fake_plugins, published, picture).notes
    assert "family: tiny, installed" in notes
    assert not marker.exists()
    line = run(machine, fake_plugins, published, picture, "--force", "--backend", "torch").error(9)
    assert "pip install a_library_that_is_absent" in line
    assert "tiny_zoo.network" in line
    assert marker.exists()


def test_help_imports_no_plugin(machine: Machine, fake_plugins: FakePlugins) -> None:
    marker = machine.folder / "imported"
    fake_plugins.install("slow-zoo", f"open({str(marker)!r}, 'w')\n")
    for words in (["--help"], ["pull", "--help"], ["run", "--help"]):
        assert machine.zoo(*words, ZOO_TEST_PLUGINS=str(fake_plugins.folder)).code == 0
    assert not marker.exists()
    assert machine.zoo("list", ZOO_TEST_PLUGINS=str(fake_plugins.folder)).code == 0
    assert marker.exists()


def test_the_second_plugin_with_one_family_is_left_out(
    machine: Machine, published: str, picture: Path, fake_plugins: FakePlugins
) -> None:
    for distribution in ("b-zoo", "a-zoo"):
        install_family(fake_plugins, NETWORK, distribution, name=distribution[0])
    said = "plugin 'b' of b-zoo 1.0 is left out (conflict): PluginError: family 'tiny' of b-zoo"
    assert run(machine, fake_plugins, published, picture).notes.count(said) == 1
    strict = run(machine, fake_plugins, published, picture, "--force", ZOO_STRICT_PLUGINS="1")
    assert said in strict.error(9)


def test_the_torch_backend_names_weights_of_another_network(
    hub: Hub, machine: Machine, published: str, picture: Path, fake_plugins: FakePlugins, tmp_path: Path, pace: float
) -> None:
    """The graph fits its weights, but not the family's network: no bias, more tensors, a larger kernel."""
    import numpy as np
    from onnx import helper

    weights = {"conv.weight": np.ones((3, 1, 3, 3), np.float16)}
    weights |= {f"more.{number}": np.ones(2, np.float16) for number in range(6)}
    convolution = helper.make_node("Conv", ["image", "conv.weight"], ["translated"], pads=[1, 1, 1, 1])
    model = make_model([convolution], inputs=[port("image", ["n", 1, "h", "w"])], weights=weights)
    hub.add(
        "ana/another-s",
        {path.name: path.read_bytes() for path in write_checkpoint(tmp_path / "another", model, weights).iterdir()},
    )
    install_family(fake_plugins, NETWORK)
    assert run(machine, fake_plugins, "ana/another-s", picture).code == 0
    (machine.folder / "made.png").unlink()
    result = run(machine, fake_plugins, "ana/another-s", picture, "--backend", "torch")
    line = result.error(7)
    assert "hub:ana/another-s@" in line
    assert "the weights don't match the family's network; 1 missing: conv.bias; " in line
    assert "6 left over: more.0, more.1, more.2, more.3, more.4; " in line
    assert line.endswith("1 of another shape: conv.weight is (3, 1, 3, 3) instead of (3, 1, 1, 1)")
    assert not (machine.folder / "made.png").exists()
    assert result.seconds < 30 + 20 * pace
    assert run(machine, fake_plugins, published, picture, "--backend", "torch").code == 0  # its own weights


@pytest.mark.parametrize("verb", ["pull", "run"])
def test_a_strict_zoo_stops_before_any_request(
    machine: Machine, published: str, picture: Path, fake_plugins: FakePlugins, verb: str
) -> None:
    fake_plugins.install("exits-zoo", BROKEN["exits"], name="exits")
    before = len(machine.hub.requests(published))
    words = [f"hub:{published}", *([picture] if verb == "run" else [])]
    result = machine.zoo(verb, *words, ZOO_TEST_PLUGINS=str(fake_plugins.folder), ZOO_STRICT_PLUGINS="1")
    assert "plugin 'exits' of exits-zoo" in result.error(9)
    assert len(machine.hub.requests(published)) == before
    assert not machine.cached(published).exists()
