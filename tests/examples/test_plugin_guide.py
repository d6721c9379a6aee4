"""docs/plugins.md: a newcomer does what it says, from the first line to the last, and its reference is current."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from environment import Environment, draw_pictures
from tiny import fill_in

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh elsewhere|sh|python)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
CARD = Path("runs/pixel-cats.toy/checkpoint/README.md")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "hub")
    from loopback import Hub

    with Hub() as running:
        running.token("hf_newcomer", "ana")
        yield running


def test_the_guide_works_from_the_first_line_to_the_last(hub, tmp_path: Path) -> None:
    environment, here = Environment(tmp_path / "env"), tmp_path / "here"
    draw_pictures(here / "pictures")
    elsewhere = tmp_path / "elsewhere"
    draw_pictures(elsewhere / "pictures", 0, 1)
    (elsewhere / "pictures" / "val" / "00.png").rename(elsewhere / "photo.png")
    web = {"HF_ENDPOINT": hub.url, "NO_PROXY": "127.0.0.1,localhost", "HF_HUB_DISABLE_TELEMETRY": "1"}
    for kind, text in BLOCKS:
        if kind == "python":
            first, _, rest = text.partition("\n")
            if first.startswith("# zoo-pixel-cats/"):
                (here / first.removeprefix("# ")).write_text(rest, encoding="utf-8")
            else:
                environment.run("python", "-c", text, cwd=here)
        elif kind == "sh elsewhere":
            away = {"HF_HOME": str(tmp_path / "their-cache"), "ZOO_DISABLE_PLUGINS": "pixel-cats"}
            environment.run("sh", "-ec", text, cwd=elsewhere, **web, **away)
            assert (elsewhere / "again.png").exists()
        else:
            if "zoo push" in text:
                fill_in(here / CARD)
            environment.run("sh", "-ec", text, cwd=here, HF_TOKEN="hf_newcomer", **web)
    (wheel,) = (here / "dist").iterdir()
    assert wheel.name == "zoo_pixel_cats-0.1.0-py3-none-any.whl"
    assert "pixel-cats.toy" in environment.run("zoo", "list", cwd=here)


def test_the_reference_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import plugin_reference

    monkeypatch.delitem(sys.modules, "plugin_reference")
    assert plugin_reference.written(GUIDE) == GUIDE, "run python scripts/plugin_reference.py"


def test_every_hook_and_public_name_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import plugin_reference

    monkeypatch.delitem(sys.modules, "plugin_reference")
    assert all(f"**`{hook}()`** {text.splitlines()[0]}" in GUIDE for hook, text in plugin_reference.hooks().items())
    described = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \| \S.* \|$", GUIDE, re.MULTILINE)
    assert set(plugin_reference.public_names()) <= set(described)
