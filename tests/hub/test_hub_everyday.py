"""A day with the Hub: searching, looking, running, keeping house, and a plugin whose model lies there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loopback import Hub
from machine import Machine

from zoo.checkpoints.hub.reference import Reference, parse
from zoo.errors import UsageError

if TYPE_CHECKING:
    from conftest import FakePlugins


def test_search_shows_models_of_the_zoo_only(hub: Hub, machine: Machine, files: dict[str, bytes]) -> None:
    hub.add("ana/findme", files)
    hub.add("ana/findme-other", {"README.md": b"---\nlibrary_name: timm\nlicense: mit\n---\n"})
    lines = machine.zoo("search", "findme").out.splitlines()
    assert lines[0].split() == ["MODEL", "LICENSE", "DOWNLOADS", "LIKES", "TAGS"]
    assert [line.split()[:2] for line in lines[1:]] == [["hub:ana/findme", "apache-2.0"]]
    (row,) = json.loads(machine.zoo("search", "findme", "--json").out)
    assert (row["name"], row["license"]) == ("hub:ana/findme", "apache-2.0")
    assert "no model for the zoo has 'nothing-like-it'" in machine.zoo("search", "nothing-like-it").notes
    assert "offline" in machine.zoo("search", HF_HUB_OFFLINE="1").error(5)


def test_what_a_search_shows_is_not_obeyed_by_a_terminal(hub: Hub, machine: Machine) -> None:
    evil = "a\x1b[31mb\x9b31mc\u202ed\ne"
    rows = [{"id": "ana/dyed", "sha": "0" * 40, "tags": ["latent-zoo", f"license:{evil}", evil], "downloads": 1}]
    hub.fault("rewrite", r"/api/models\?.*dyed", by=lambda _: rows)
    _, line = machine.zoo("search", "dyed").out.splitlines()
    assert re.split(r" {2,}", line) == ["hub:ana/dyed", "a [31mb 31mc d e", "1", "0", "a [31mb 31mc d e"]


def test_a_search_takes_counts_and_letters_that_are_none(hub: Hub, machine: Machine) -> None:
    row = {"id": "ana/odd", "sha": "0" * 40, "tags": ["latent-zoo", "a\ud800b"], "downloads": float("inf")}
    hub.fault("rewrite", r"/api/models\?.*odd", by=lambda _: [{**row, "likes": 10**30}])
    _, line = machine.zoo("search", "odd").out.splitlines()
    assert line.split() == ["hub:ana/odd", "-", "0", "0", "a?b"]
    (found,) = json.loads(machine.zoo("search", "odd", "--json").out)
    assert (found["downloads"], found["likes"]) == (0, 0)


def test_an_untrusted_model_is_introduced_once(machine: Machine, published: str, picture: Path) -> None:
    first = machine.zoo("run", f"hub:{published}", picture)
    assert "(made by: ana; license: Apache-2.0; family: tiny, not installed" in first.notes
    assert "made by" not in machine.zoo("run", f"hub:{published}", picture, "--force").notes
    shown = machine.zoo("info", f"hub:{published}")
    assert "made by     ana" in shown.out
    assert "family      tiny, not installed, so it runs through its graphs only" in shown.out
    assert "# tiny.test" in machine.zoo("info", f"hub:{published}", "--card").out


def test_the_torch_backend_says_which_family_to_install(machine: Machine, published: str, picture: Path) -> None:
    line = machine.zoo("run", f"hub:{published}", picture, "--backend", "torch").error(9)
    assert "needs the family 'tiny', which no installed plugin has: pip install the package that brings it" in line
    assert "(it was trained with zoo-tiny 1.0, latent-zoo 0.1.0)" in line


def test_the_cache_is_listed_and_a_model_deleted(machine: Machine, published: str) -> None:
    assert "no model of the Hub is in" in machine.zoo("cache", "list").notes
    machine.zoo("pull", published)
    commit = machine.hub.repositories[published].head
    header, line = machine.zoo("cache", "list").out.splitlines()
    assert header.split() == ["MODEL", "SIZE", "REVISIONS", "STATE"]
    assert line.split() == [f"hub:{published}@{commit}", "0.0", "MB", "main", "verified"]
    assert machine.zoo("cache", "clean", published).out == f"{machine.cached(published)}\n"
    assert not machine.cached(published).exists()
    assert "is not in the cache" in machine.zoo("cache", "clean", published).error(3)


def test_the_whole_name_pins_config_json_to_its_hash(machine: Machine, published: str) -> None:
    name = machine.zoo("pull", published).out.strip()
    before = len(machine.hub.seen)
    assert machine.zoo("pull", name).out.strip() == name
    assert len(machine.hub.seen) == before
    wrong = f"{name.partition('#')[0]}#{'0' * 64}"
    assert "it is not the checkpoint that was meant" in machine.zoo("pull", wrong).error(6)


@pytest.mark.parametrize("source", ["hub:ana/m", "hub:ana/m@main", f"hub:ana/m@{'a' * 40}", f"hub:ana/m#{'b' * 64}"])
def test_a_plugin_s_model_on_the_hub_must_be_pinned_whole(fake_plugins: FakePlugins, source: str) -> None:
    code = """
        from dataclasses import replace

        @hookimpl
        def zoo_models():
            yield from (replace(model, source=SOURCE) for model in bundled("zoo_far"))
        """
    fake_plugins.checkpoint("zoo_far", "tiny.far")
    fake_plugins.install("zoo-far", code.replace("SOURCE", repr(source)))
    (problem,) = fake_plugins.registry().problems
    assert "it must be hub:ORG/NAME@COMMIT#SHA256, whole, as `zoo pull` prints it" in problem.error


def test_a_plugin_s_pinned_model_is_brought(fake_plugins: FakePlugins) -> None:
    source = f"hub:ana/m@{'a' * 40}#{'b' * 64}"
    fake_plugins.checkpoint("zoo_far", "tiny.far")
    code = f"""
        from dataclasses import replace

        @hookimpl
        def zoo_models():
            yield from (replace(model, source={source!r}) for model in bundled("zoo_far"))
        """
    fake_plugins.install("zoo-far", code)
    assert fake_plugins.registry().model("tiny.far").source == source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana/m", Reference("ana/m")),
        ("hub:ana/m@v1.0", Reference("ana/m", "v1.0")),
        ("hub:ana/m@refs/pr/1", Reference("ana/m", "refs/pr/1")),
        (f"ana/m.x_y@{'a' * 40}#{'b' * 64}", Reference("ana/m.x_y", "a" * 40, "b" * 64)),
    ],
)
def test_names_are_read(text: str, expected: Reference) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "a/b/c",
        "../m",
        "ana/..",
        "ana/m--x",
        "-a/m",
        "ana/m@",
        "ana/m@../x",
        "ana/m@/x",
        "ana/m@a b",
        "ana/m#1",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)
