"""Help: every verb has it, it fits a terminal, and it says nothing a person need not know."""

from __future__ import annotations

import re

import pytest
from command import VERBS, Zoo


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_plain_and_fits(zoo: Zoo, verb: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    words = [verb] if verb else []
    text = "\n".join(zoo(*words, "--help").lines)
    assert text.startswith("Usage: zoo " + (f"{verb} [OPTIONS]" if verb else "[OPTIONS] COMMAND"))
    assert max(map(len, text.splitlines())) <= width
    assert not re.search(r"<str>|<bool>|list\[|\{|─|None", text)
    assert zoo(*words, "-h").lines == text.splitlines()


def test_every_verb_is_in_the_help_of_the_command(zoo: Zoo) -> None:
    text = "\n".join(zoo().lines)
    for verb in VERBS:
        assert re.search(rf"^  {verb} +[A-Z].*\.$", text, re.MULTILINE), verb
    assert text.endswith("Start with: zoo run colorize photo.jpg")
    assert zoo("--debug").out.decode() == text + "\n"


def test_the_version_is_that_of_the_distribution(zoo: Zoo) -> None:
    from importlib.metadata import version

    assert zoo("--version").lines == [f"latent-zoo {version('latent-zoo')}"]
