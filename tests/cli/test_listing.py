"""`zoo list`, `zoo info`, `zoo plugins`: for people, and with --json for programs."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from command import Zoo
from tiny import write_checkpoint

from zoo.catalog import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import FakePlugins

PAINTERS = """
@hookimpl
def zoo_families():
    yield Family(
        name="painter", summary="Paints what is asked for", config="painters.a:C", network="painters.a:N",
        objective="painters.a:O", capabilities=("translate",), paper="Someone (1906)", presets={"small": {"width": 2}},
    )

@hookimpl
def zoo_models():
    yield from bundled("painters")
"""


@pytest.fixture
def painters(fake_plugins: FakePlugins) -> FakePlugins:
    fake_plugins.install("painters", PAINTERS, name="them", version="2.5")
    fake_plugins.checkpoint("painters", "painter.oil", task="paint", default_for=("paint",))
    fake_plugins.checkpoint("painters", "painter.ink", task="draw")
    return fake_plugins


def parsed(zoo: Zoo, *words: str) -> Any:
    return json.loads("\n".join(zoo(*words, "--json").lines))


def test_list_shows_every_model_in_columns(zoo: Zoo, painters: FakePlugins) -> None:
    head, *rows = zoo("list").lines
    assert head.split() == ["MODEL", "TASK", "PARAMETERS", "SUMMARY"]
    names = [row.split()[0] for row in rows]
    assert names == sorted(names)
    assert {"colorizer-ae.photos", "painter.ink", "painter.oil"} <= set(names)
    column = head.index("TASK")
    tasks = {row.split()[0]: row[column - 2 :].split("  ")[1] for row in rows}
    assert [tasks[name] for name in ("colorizer-ae.photos", "painter.ink", "painter.oil")] == [
        "colorize",
        "draw",
        "paint",
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["painter"], ["painter.ink", "painter.oil"]),
        (["*.o?l"], ["painter.oil"]),
        (["--task", "draw"], ["painter.ink"]),
        (["--family", "painter"], ["painter.ink", "painter.oil"]),
        (["oil", "--task", "draw"], []),
        (["nothing"], []),
    ],
)
def test_list_narrows(zoo: Zoo, painters: FakePlugins, words: list[str], found: list[str]) -> None:
    assert [row["id"] for row in parsed(zoo, "list", *words)] == found
    result = zoo("list", *words)
    assert result.code == 0
    assert [line.split()[0] for line in result.out.decode().splitlines()[1:]] == found
    assert result.err == ("" if found else "note: no model matches; `zoo list` shows all\n")


def test_a_line_of_the_list_fits_the_terminal(zoo: Zoo, painters: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    assert shutil.get_terminal_size().columns == 44
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    lines = zoo("list").lines
    assert max(map(len, lines)) == 44
    assert lines[1].endswith("…")


def test_list_in_json(zoo: Zoo, painters: FakePlugins) -> None:
    row = parsed(zoo, "list", "oil")[0]
    assert row == {
        "id": "painter.oil",
        "family": "painter",
        "task": "paint",
        "capabilities": ["translate"],
        "parameters": 0,
        "license": "Apache-2.0",
        "summary": "The model painter.oil",
        "source": "bundled:painters/oil",
        "plugin": "them",
    }


def test_list_of_families_has_those_without_models(zoo: Zoo, painters: FakePlugins) -> None:
    painters.install("sketchers", PAINTERS.replace("painter", "sketcher"), name="others")
    head, *rows = zoo("list", "--families").lines
    assert head.split() == ["FAMILY", "CAN", "MODELS", "PLUGIN", "SUMMARY"]
    found = {row.split()[0]: row.split(maxsplit=4)[1:] for row in rows}
    assert list(found) == sorted(found)
    assert found["painter"] == ["translate", "2", "them", "Paints what is asked for"]
    assert found["sketcher"] == ["translate", "0", "others", "Paints what is asked for"]
    assert parsed(zoo, "list", "--families", "sketch") == [parsed(zoo, "info", "sketcher")]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["paint"], ["painter"]),
        (["p?inter"], ["painter"]),
        (["--task", "draw"], ["painter"]),
        (["--family", "painter"], ["painter"]),
        (["paint", "--task", "colorize"], []),
    ],
)
def test_list_of_families_narrows(zoo: Zoo, painters: FakePlugins, words: list[str], found: list[str]) -> None:
    assert [row["family"] for row in parsed(zoo, "list", "--families", *words)] == found
    said = "" if found else "note: no family matches; `zoo list --families` shows all\n"
    assert zoo("list", "--families", *words).err == said


@pytest.mark.parametrize("name", ["painter.oil", "paint"])
def test_info_shows_a_model(zoo: Zoo, painters: FakePlugins, name: str) -> None:
    lines = zoo("info", name).lines
    assert lines[:2] == ["painter.oil", "  The model painter.oil"]
    facts = dict(line.strip().split("  ", 1) for line in lines[3:] if line.strip().count("  "))
    assert facts["family"].strip() == "painter"
    assert facts["can"].strip() == "translate"
    assert "gray, any size to gray, any size; any picture is padded" in facts["translate"]
    assert lines[-1] == "  zoo run paint photo.jpg"
    assert zoo("info", "painter.ink").lines[-1] == "  zoo run painter.ink photo.jpg"


@pytest.mark.parametrize("name", sorted(Registry.discover().models))
def test_info_answers_for_every_bundled_model(zoo: Zoo, name: str) -> None:
    assert zoo("info", name).lines[0] == name


def test_info_shows_a_folder(zoo: Zoo, tmp_path: Path) -> None:
    metric = {"name": "mean_error", "value": 0.5, "baseline": 0.75, "stderr": 0.01, "split": "val", "n": 23}
    training = {"recipe": "x.toml", "data": "pack:x", "steps": 5000, "seconds": 90, "hardware": "a cat", "version": "1"}
    metric |= {"protocol": "whole pictures", "command": "zoo eval x"}
    folder = write_checkpoint(tmp_path / "tiny", training=training, metrics=[metric])
    lines = [line.split() for line in zoo("info", f"dir:{folder}").lines]
    assert ["weights", "6", "parameters,", "0.0", "MB", "of", "float16"] in lines
    assert ["trained", "by", "x.toml:", "5,000", "steps,", "2", "minutes", "on", "a", "cat"] in lines
    assert ["mean", "error", "0.5", "±", "0.01", "0.75", "23", "of", "val"] in lines
    assert ["computed", "by:", "zoo", "eval", "x"] in lines
    assert lines[-1] == ["zoo", "run", f"dir:{folder}", "photo.jpg"]


def test_info_shows_a_latent(zoo: Zoo, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny", latent={"shape": [4, None, None], "prior": "none"})
    assert "  latent     4 x any x any, prior none" in zoo("info", f"dir:{folder}").lines


def test_info_shows_a_family(zoo: Zoo, painters: FakePlugins) -> None:
    lines = zoo("info", "painter").lines
    assert lines[:2] == ["painter (family)", "  Paints what is asked for"]
    assert "  models   painter.ink, painter.oil" in lines
    assert "  presets  small" in lines
    assert parsed(zoo, "info", "painter")["paper"] == "Someone (1906)"


def test_info_in_json_is_the_config_and_its_source(zoo: Zoo) -> None:
    facts = parsed(zoo, "info", "colorize")
    assert facts["id"] == "colorizer-unet.photos"
    assert facts["source"] == "bundled:zoo_colorizer_unet/photos"
    assert facts["weights"]["parameters"] == 4_228_327
    assert facts["capabilities"]["translate"]["fit"] == "chroma"


def test_plugins_shows_who_brings_what_and_what_is_wrong(
    zoo: Zoo, painters: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    painters.install("broken", "import no_such_module", name="lame")
    painters.install("silent", "raise SystemExit('no')", name="mute")
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "mute")
    rows = {line.split()[0]: line for line in zoo("plugins").lines}
    assert rows["PLUGIN"].split() == ["PLUGIN", "DISTRIBUTION", "FAMILIES", "MODELS", "STATE"]
    assert rows["them"].split() == ["them", "painters", "2.5", "1", "2", "ok"]
    assert rows["colorizer"].split()[1] == "latent-zoo"
    assert "left out (load): ModuleNotFoundError: No module named 'no_such_module'" in rows["lame"]
    assert rows["mute"].endswith("disabled by ZOO_DISABLE_PLUGINS")
    states = {row["plugin"]: (row["state"], row["models"]) for row in parsed(zoo, "plugins")}
    assert states["them"] == ("ok", ["painter.ink", "painter.oil"])
    assert states["lame"][0].startswith("left out (load)")


def test_a_broken_plugin_is_one_line_beside_the_list(zoo: Zoo, painters: FakePlugins) -> None:
    painters.install("broken", "import no_such_module", name="lame")
    result = zoo("list")
    assert result.code == 0
    assert b"painter.oil" in result.out
    assert result.err.count("\n") == 1
    assert result.err.startswith("note: plugin 'lame' of broken 1.0 is left out (load): ModuleNotFoundError")


def test_without_plugins_the_list_says_where_to_look(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "latent-zoo")
    assert zoo("list").err == "note: no models; see `zoo plugins`\n"
