"""Many plugins, broken plugins, plugins that quarrel or are gone: right output, and one clear line for each trouble."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command import Zoo, draw
from tiny import edit_config, write_checkpoint

if TYPE_CHECKING:
    from conftest import FakePlugins

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FAMILY = """
@hookimpl
def zoo_families():
    yield Family(
        name="tiny", summary="Small", config="a.config:C", network="a.network:N", objective="",
        capabilities=("translate",),
    )
"""


def test_working_plugins_are_listed_beside_broken_ones(
    zoo: Zoo, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    importlib.import_module("plugins").write_plugins(fake_plugins.folder)
    for name in ("plugins", "measure"):
        monkeypatch.delitem(sys.modules, name)
    result = zoo("list")
    assert result.code == 0
    listed = [line.split()[0] for line in result.out.decode().splitlines()]
    broken = [9, 19, 29, 39, 49]
    good = [number for number in range(50) if number not in broken]
    assert {name for name in listed if name.startswith("fake")} == {f"fake{n}.m{k}" for n in good for k in range(4)}
    notes = result.err.splitlines()
    assert {note.split(" is left out (")[0] for note in notes} == {
        f"note: plugin 'fake{number}' of fake{number} 1.0" for number in broken
    }
    assert len(notes) == len(broken)
    shown = {item["plugin"]: item for item in json.loads(zoo("plugins", "--json").out)}
    assert all(shown[f"fake{n}"]["state"] == "ok" and len(shown[f"fake{n}"]["models"]) == 4 for n in good)
    said = " ".join(shown[f"fake{number}"]["state"] for number in broken)
    for reason in ("(try: pip install a_module_that_is_absent)", "SyntaxError", "not today", "SystemExit: 3", "a str"):
        assert reason in said


def test_check_and_plugins_name_a_plugin_that_loads_torch(
    zoo: Zoo, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    fake_plugins.write("torch.py", "")
    fake_plugins.install("heavy-zoo", "import torch\n@hookimpl\ndef zoo_models(): return []\n", name="heavy")
    (row,) = [line for line in zoo("plugins").out.decode().splitlines() if line.startswith("heavy ")]
    assert "ok, but imports torch at load" in row
    checked = zoo("check", "heavy")
    assert checked.code == 9
    assert "FAILED  heavy: loads without torch" in checked.out.decode()
    assert "heavy_zoo.plugin imports torch at load" in checked.out.decode()


def test_the_second_plugin_that_claims_a_family_is_left_out(zoo: Zoo, fake_plugins: FakePlugins) -> None:
    fake_plugins.install("a-zoo", FAMILY, name="first")
    fake_plugins.install("b-zoo", FAMILY, name="second")
    (row,) = [line for line in zoo("plugins").out.decode().splitlines() if line.startswith("second ")]
    assert (
        "left out (conflict): PluginError: family 'tiny' of b-zoo (plugin 'second') is already brought by a-zoo" in row
    )
    assert "name the other in ZOO_DISABLE_PLUGINS" in row


def test_a_plugin_with_one_name_taken_is_left_out_in_part(zoo: Zoo, fake_plugins: FakePlugins) -> None:
    fake_plugins.install("a-zoo", FAMILY, name="first")
    fake_plugins.install(
        "b-zoo", FAMILY + FAMILY.partition("zoo_families():")[2].replace("tiny", "more"), name="second"
    )
    (row,) = [line for line in zoo("plugins").out.decode().splitlines() if line.startswith("second ")]
    assert "left out in part (conflict): PluginError: family 'tiny' of b-zoo" in row
    listed = zoo("list", "--families", "more")
    assert listed.out.decode().splitlines()[1].split() == ["more", "translate", "0", "second", "Small"]
    assert "note: plugin 'second' of b-zoo 1.0 is left out in part (conflict)" in listed.err


def test_a_checkpoint_of_a_format_to_come_asks_for_a_newer_zoo(zoo: Zoo, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    edit_config(folder, lambda config: config.update(format=4, something="new"))
    draw("a.png")
    line = zoo("run", f"dir:{folder}", "a.png").error(7)
    assert line.endswith("is of format 4, which this zoo is too old to read: pip install --upgrade latent-zoo")


def test_a_model_whose_plugin_is_gone_still_runs_from_its_files(
    zoo: Zoo, fake_plugins: FakePlugins, tmp_path: Path
) -> None:
    fake_plugins.install("a-zoo", FAMILY + '@hookimpl\ndef zoo_models():\n    yield from bundled("a_zoo")\n')
    cached = write_checkpoint(tmp_path / "cached")
    shutil.copytree(cached, fake_plugins.folder / "a_zoo" / "checkpoints" / "test")
    draw("a.png")
    assert zoo("run", "tiny.test", "a.png", "-o", "by-name.png").code == 0
    shutil.rmtree(fake_plugins.folder / "a_zoo-1.0.dist-info")
    assert "no model, family or task 'tiny.test'" in zoo("run", "tiny.test", "a.png").error(3)
    assert zoo("run", f"dir:{cached}", "a.png", "-o", "by-folder.png").code == 0
    line = zoo("run", f"dir:{cached}", "a.png", "-o", "never.png", "--backend", "torch").error(9)
    assert "the torch backend needs the family 'tiny', which no installed plugin has: pip install" in line
