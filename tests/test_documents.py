"""The documents: their commands and snippets hold, and copies are equal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import zoo
from zoo.catalog.registry import Registry
from zoo.checkpoints.cards import problems

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = sorted(ROOT.glob("plugins/*/checkpoints/*"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_first_block_of_the_readme_is_two_commands() -> None:
    _, block = fenced(README)[0]
    lines = block.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("pip install . && zoo run colorize examples/")
    assert not any(character in block for character in "#$>")
    assert (ROOT / lines[0].split()[-1]).is_file()


def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (snippet,) = (body for language, body in fenced(README) if language == "python")
    exec(compile(snippet, "README.md", "exec"), {})
    assert (tmp_path / "coloured.png").exists()


@pytest.mark.parametrize("document", sorted(ROOT.glob("**/*.md")), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("folder", CHECKPOINTS, ids=lambda path: path.name)
def test_every_bundled_card_is_complete_and_copied(folder: Path) -> None:
    spec = Registry.discover().model(json.loads((folder / "config.json").read_text(encoding="utf-8"))["id"])
    assert problems(folder, spec.config) == []
    copy = ROOT / "model_cards" / f"{spec.id}.md"
    assert copy.read_text(encoding="utf-8") == (folder / "README.md").read_text(encoding="utf-8")


def test_every_public_name_exists_and_is_described() -> None:
    for name in zoo.__all__:
        value = getattr(zoo, name)
        assert name == "__version__" or value.__doc__


def test_every_example_picture_is_credited() -> None:
    credited = (ROOT / "examples" / "SOURCES.md").read_text(encoding="utf-8")
    pictures = [path for path in (ROOT / "examples").iterdir() if path.suffix in {".jpg", ".png"}]
    assert pictures
    for picture in pictures:
        if ".colorize." not in picture.name:
            assert f"`{picture.name}`" in credited


def test_the_leaderboard_is_that_of_the_cards() -> None:
    import runpy

    script = runpy.run_path(str(ROOT / "scripts" / "leaderboard.py"))
    written = (ROOT / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    assert written == script["text"](), "python scripts/leaderboard.py writes it anew"
