"""`zoo import --config`: several options are one table of settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Zoo

from zoo.cli.checkpoints import _merged


def test_several_options_are_merged_and_the_last_counts(here: Path) -> None:
    (here / "base.toml").write_text('channels = 8\nnorm = "instance"\n', encoding="utf-8")
    assert _merged(["base.toml", "depth=3", 'norm="batch", padding="end"']) == {
        "channels": 8,
        "norm": "batch",
        "depth": 3,
        "padding": "end",
    }
    assert _merged([]) == {}


@pytest.mark.parametrize("texts", [["depth=3", "norm="], ["none.toml"]])
def test_settings_that_are_no_toml_are_refused(zoo: Zoo, texts: list[str]) -> None:
    options = [word for text in texts for word in ("--config", text)]
    assert "--config takes name=value" in zoo("import", "a.pth", "--family", "pix2pix", *options).error(2)
