"""`zoo card` and `zoo check`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command import Zoo
from tiny import write_checkpoint

from zoo.testing import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import FakePlugins


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "tiny")


def test_card_prints_and_writes_nothing(zoo: Zoo, folder: Path) -> None:
    lines = zoo("card", f"dir:{folder}").lines
    assert lines[0] == "---"
    assert "# tiny.test" in lines
    assert not (folder / "README.md").exists()


def test_card_writes_and_keeps_what_people_wrote(zoo: Zoo, folder: Path) -> None:
    card = folder / "README.md"
    assert zoo("card", f"dir:{folder}", "--write").lines == [str(card)]
    card.write_text(card.read_text() + "\nMind the gap.\n")
    zoo("card", f"dir:{folder}", "--write")
    assert card.read_text().count("Mind the gap.") == 1
    assert zoo("card", f"dir:{folder}").out.decode() == card.read_text()


def test_card_check_names_each_fault(zoo: Zoo, folder: Path) -> None:
    advice = f"has no README.md: `zoo card dir:{folder} --write` makes one"
    assert advice in zoo("card", f"dir:{folder}", "--check").error(3)
    zoo("card", f"dir:{folder}", "--write")
    result = zoo("card", f"dir:{folder}", "--check")
    assert (result.code, result.out) == (7, b"")
    lines = result.err.splitlines()
    assert all(line.startswith("error: ") for line in lines)
    assert sum("says nothing under" in line for line in lines) == 3


def test_advice_repeats_a_name_as_a_shell_takes_it(zoo: Zoo, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "my tiny")
    assert f"`zoo card 'dir:{folder}' --write`" in zoo("card", f"dir:{folder}", "--check").error(3)
    assert zoo("info", f"dir:{folder}").lines[-1] == f"  zoo run 'dir:{folder}' photo.jpg"
    zoo("card", f"dir:{folder}", "--write")
    lines = zoo("check", f"dir:{folder}").out.decode()
    assert f"no figures: `zoo eval 'dir:{folder}' --write` computes them" in lines


def test_a_card_that_is_no_text_is_said(zoo: Zoo, folder: Path) -> None:
    (folder / "README.md").write_bytes(b"caf\xe9")
    for option in ("--write", "--check"):
        assert "is not UTF-8 text" in zoo("card", f"dir:{folder}", option).error(7)
    assert (folder / "README.md").read_bytes() == b"caf\xe9"


def test_a_card_that_can_not_be_written_is_said(zoo: Zoo, folder: Path) -> None:
    (folder / "README.md").mkdir()
    assert "README.md is not a regular file" in zoo("card", f"dir:{folder}", "--write").error(7)


def test_check_reports_what_passes_and_what_fails(zoo: Zoo, folder: Path) -> None:
    result = zoo("check", f"dir:{folder}")
    assert result.code == 9
    *good, bad = result.out.decode().splitlines()
    assert good == [
        "ok      files, hashes, tensors and graphs are what config.json promises",
        "ok      the weights are finite",
        "ok      translate: an item of a batch gives the same alone",
        "ok      translate: the same input gives the same again",
        "ok      translate: pictures lie in [0, 1]",
    ]
    assert bad.startswith("FAILED  the card is complete and agrees with config.json: ")
    assert result.err == f"error: 1 of 6 checks failed for dir:{folder}\n"


def test_a_line_appears_as_each_check_ends(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    shown = []

    def findings(name: str, registry: object) -> Iterator[Finding]:
        yield Finding("the first", passed=True)
        shown.append(capsysbinary.readouterr().out)
        yield Finding("the second", passed=False, advice="mend it")

    monkeypatch.setattr("zoo.testing.findings", findings)
    result = zoo("check", "anything")
    assert shown == [b"ok      the first\n"]
    assert result.out == b"FAILED  the second: mend it\n"
    assert result.err == "error: 1 of 2 checks failed for anything\n"


def test_check_as_json_is_one_list(zoo: Zoo, folder: Path) -> None:
    result = zoo("check", f"dir:{folder}", "--json")
    assert result.code == 9
    *good, bad = json.loads(result.out)
    assert good[1] == {"check": "the weights are finite", "passed": True, "advice": "", "skipped": False}
    assert (bad["check"], bad["passed"]) == ("the card is complete and agrees with config.json", False)
    assert bad["advice"]
    assert result.err == f"error: 1 of 6 checks failed for dir:{folder}\n"


def test_check_of_our_own_plugin_finds_nothing(zoo: Zoo) -> None:
    lines = zoo("check", "colorizer").lines
    assert len(lines) >= 5
    assert [line for line in lines if not line.startswith("ok      ")] == []
    assert "ok      colorizer-ae: its graphs answer as PyTorch does" in lines


@pytest.mark.parametrize("name", ["colorizer", "colorizer-ae"])
def test_check_without_pytorch_skips_what_needs_it(zoo: Zoo, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if not installed
    lines = zoo("check", name).lines
    assert "ok      colorizer-ae: the preset 'base' is a configuration" in lines
    assert "ok      colorizer-ae.photos: the checkpoint is whole" in lines
    rest = [line for line in lines if not line.startswith("ok      ")]
    assert len(rest) == 4
    assert all(line.endswith(": skipped, needs PyTorch: pip install 'latent-zoo[train]'") for line in rest)


def test_check_without_pytorch_still_finds_faults(
    zoo: Zoo, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    strings = "config='lame.config:C', network='lame.network:N', objective=''"
    code = f"@hookimpl\ndef zoo_families():\n    yield Family('weak', '', {strings}, capabilities=('encode',))\n"
    fake_plugins.install("lame", code)
    result = zoo("check", "weak")
    assert result.code == 9
    assert "FAILED  weak: the defaults are a configuration: " in result.out.decode()
    assert "-       weak: lame.network:N can be imported: skipped, needs PyTorch" in result.out.decode()


def test_check_of_a_broken_plugin_says_why(zoo: Zoo, fake_plugins: FakePlugins) -> None:
    fake_plugins.install("broken", "import no_such_module", name="lame")
    result = zoo("check", "lame")
    assert result.code == 9
    assert "FAILED  lame: loads, and its hooks give what they should: ModuleNotFoundError" in result.out.decode()
    assert result.err == "error: 1 of 1 checks failed for lame\n"
