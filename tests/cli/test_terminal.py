"""Nothing untrusted is obeyed by a terminal: no escape codes, no C1 codes, no marks that turn writing round."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from command import Zoo, draw
from tiny import write_checkpoint

import zoo.cli
from zoo.catalog.spec import parse_config
from zoo.catalog.text import printable, printable_lines
from zoo.errors import UnsafeFileError

RED, CSI, TURN = "\x1b[31m", "\x9b31m", "\u202e"
EVIL = f"a{RED}b{CSI}c{TURN}d\u2028e\x7ff\u00adg"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Standard output is one."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: self is sys.stdout)
    assert sys.stdout.isatty()
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture
def carded(tmp_path: Path) -> str:
    """A model whose card is written by someone bad."""
    folder = write_checkpoint(tmp_path / "carded")
    (folder / "README.md").write_text(f"---\nlicense: mit\n---\n# {EVIL}\n\tkept &#27;[31m &#x9b;31m &#x202e;\n")
    return f"dir:{folder}"


def obeyed(text: str) -> set[str]:
    """What a terminal would obey in a text, but the ends of its lines and tabs."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")} - {"\n", "\t"}


def test_text_is_filtered_by_its_categories() -> None:
    assert printable(EVIL) == "a [31mb 31mc d e f g"
    assert printable("größe 大 \u200d\u200c") == "größe 大 \u200d\u200c"
    assert printable("a\r\n\x00\tb") == "a b"
    assert printable_lines(f"a\r\n\tb{RED}\n") == "a\n\tb [31m\n"


def test_only_the_console_prints() -> None:
    """Everything else goes through its filter."""
    files = [path for path in Path(zoo.cli.__file__).parent.glob("*.py") if path.name != "console.py"]
    assert len(files) > 10
    found = [path.name for path in files if re.search(r"(?<![\w.])print\(|stdout\.write\(", path.read_text())]
    assert found == []


def test_names_of_results_are_harmless_on_a_terminal(zoo: Zoo, tiny: str, terminal: None) -> None:
    draw(f"{EVIL}.png")
    result = zoo("run", tiny, f"{EVIL}.png", "-o", "out")
    assert result.code == 0
    assert result.out.decode() == f"out/{printable(EVIL)}.png\n"


def test_names_of_results_are_exact_in_a_pipe(zoo: Zoo, tiny: str) -> None:
    draw(f"{EVIL}.png")
    assert zoo("run", tiny, f"{EVIL}.png", "-o", "out").out.decode() == f"out/{EVIL}.png\n"


@pytest.mark.parametrize("words", [("info", "--card"), ("card",)])
def test_cards_are_harmless(zoo: Zoo, carded: str, words: tuple[str, ...]) -> None:
    verb, *options = words
    result = zoo(verb, carded, *options)
    assert result.code == 0
    assert obeyed(result.out.decode()) == set()
    assert "\tkept &#27;[31m" in result.out.decode()


def test_cards_laid_out_on_a_terminal_are_harmless(zoo: Zoo, carded: str, terminal: None) -> None:
    """Layout turns `&#27;` into the character it stands for."""
    result = zoo("info", carded, "--card")
    assert result.code == 0
    assert "kept" in result.out.decode()
    assert obeyed(result.out.decode()) == set()


def test_a_traceback_is_harmless(zoo: Zoo, tiny: str) -> None:
    Path(f"{EVIL}.png").touch()
    result = zoo("--debug", "run", tiny, f"{EVIL}.png")
    assert "Traceback" in result.err
    assert obeyed(result.err) == set()


@pytest.mark.parametrize("char", ["\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\u2029", "\u00ad", "\n"])
@pytest.mark.parametrize("where", ["summary", "config", "key", "protocol"])
@pytest.mark.parametrize("escaped", [True, False])
def test_config_json_refuses_characters_to_be_obeyed(tmp_path: Path, char: str, where: str, escaped: bool) -> None:
    config = json.loads((write_checkpoint(tmp_path / "tiny") / "config.json").read_text())
    metric = {"name": "psnr", "value": 1.0, "split": "val", "n": 1, "protocol": f"p{char}", "command": "zoo eval"}
    config |= {
        "summary": {"summary": f"a{char}b"},
        "config": {"config": {"a": [{"b": f"{char}"}]}},
        "key": {"config": {f"a{char}": 1}},
        "protocol": {"metrics": [metric]},
    }[where]
    text = json.dumps(config, ensure_ascii=escaped)
    with pytest.raises(UnsafeFileError, match=r"a terminal obeys|of format 3 or older: "):
        parse_config(text.encode(), "config.json")


def test_config_json_takes_every_script(tmp_path: Path) -> None:
    config = json.loads((write_checkpoint(tmp_path / "tiny") / "config.json").read_text())
    config["summary"] = "größe, 大きさ, \u00a0 \\ 🦁"
    for escaped in (True, False):
        text = json.dumps(config, ensure_ascii=escaped)
        assert parse_config(text.encode(), "config.json").summary == config["summary"]
