"""Completion by the tab key."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from command import Zoo

if TYPE_CHECKING:
    from pathlib import Path


def completed(zoo: Zoo, monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """What bash is told at the end of the line."""
    words = line.split(" ")
    monkeypatch.setenv("_ZOO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    with pytest.raises(SystemExit) as ended:
        zoo()
    assert ended.value.code == 0
    return sys.stdout.buffer.getvalue().decode().split()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("zoo li", ["list"]),
        ("zoo run col", ["colorize", "colorizer-ae.photos", "colorizer-unet.photos"]),
        ("zoo run zzz", []),
        ("zoo run colorize ph", []),  # the shell offers files
        ("zoo run colorize --back", ["--backend"]),
        ("zoo run colorize x --backend o", ["onnx"]),
        ("zoo info col", ["colorizer-ae.photos", "colorizer-unet.photos", "colorizer-ae", "colorizer-unet"]),
        ("zoo check col", ["colorizer-ae.photos", "colorizer-unet.photos", "colorizer", "colorizer-unet"]),
        ("zoo eval col", ["colorizer-ae.photos", "colorizer-unet.photos"]),
        ("zoo card col", ["colorizer-ae.photos", "colorizer-unet.photos"]),
        ("zoo train col", ["colorizer-ae.photos", "colorizer-unet.photos"]),
    ],
)
def test_the_tab_key(zoo: Zoo, monkeypatch: pytest.MonkeyPatch, line: str, found: list[str]) -> None:
    assert completed(zoo, monkeypatch, line) == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "pwsh"])
def test_the_script_of_a_shell(zoo: Zoo, shell: str) -> None:
    script = "\n".join(zoo("--show-completion", shell).lines)
    assert "_ZOO_COMPLETE" in script
    assert f"complete_{shell.replace('pwsh', 'powershell')}" in script


def found_by_shellingham(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> None:
    def detect_shell() -> tuple[str, str]:
        if isinstance(answer, Exception):
            raise answer
        return answer, f"/bin/{answer}"

    monkeypatch.setitem(sys.modules, "shellingham", SimpleNamespace(detect_shell=detect_shell))


def test_without_a_name_it_is_the_shell_around(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by_shellingham(monkeypatch, "fish")
    assert zoo("--show-completion").lines == zoo("--show-completion", "fish").lines


def test_where_no_shell_is_around_it_is_that_of_the_user(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by_shellingham(monkeypatch, RuntimeError("no shell above"))
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert zoo("--show-completion").lines == zoo("--show-completion", "zsh").lines


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
@pytest.mark.parametrize("shell", ["", "/sbin/nologin"])
def test_where_the_shell_can_not_be_told_it_is_asked_for(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch, option: str, shell: str
) -> None:
    found_by_shellingham(monkeypatch, RuntimeError("no shell above"))
    monkeypatch.setenv("SHELL", shell)
    assert zoo(option).error(2) == f"can't tell which shell this is: say it, zoo {option} bash"


def test_installing_writes_where_the_shell_looks_and_once(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for _ in range(2):
        (line,) = zoo("--install-completion", "bash").lines
        assert line == f"{tmp_path}/.bash_completions/zoo.sh: completion is there in the next bash you open"
    assert "_ZOO_COMPLETE" in (tmp_path / ".bash_completions" / "zoo.sh").read_text()
    assert (tmp_path / ".bashrc").read_text().count("zoo.sh") == 1
