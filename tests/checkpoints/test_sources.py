"""Sources: a prefix and a place become a verified checkpoint, or one line that says what is wrong."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from zoo.checkpoints.sources import open_source
from zoo.errors import NotFoundError, PluginError, UsageError, ZooError


def test_dir_opens_a_folder_and_expands_the_home(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_source(f"dir:{tiny_checkpoint}").config.id == "tiny.test"
    monkeypatch.setenv("HOME", str(tiny_checkpoint.parent))
    assert open_source("dir:~/tiny").origin == "dir:~/tiny"


def test_a_bundled_folder_is_found_without_importing_anything(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "zoo_fake_family"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    shutil.copytree(tiny_checkpoint, package / "checkpoints" / "test")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert open_source("bundled:zoo_fake_family/test").folder == package / "checkpoints" / "test"
    assert "zoo_fake_family" not in sys.modules


@pytest.mark.parametrize(
    ("source", "kind", "word"),
    [
        ("bundled:zoo_never_installed/x", PluginError, "not installed"),
        ("bundled:zoo/absent", NotFoundError, "no checkpoint 'absent'"),
        ("bundled:json.tool/x", UsageError, "PACKAGE/TAG"),
        ("bundled:zoo/../x", UsageError, "PACKAGE/TAG"),
        ("bundled:zoo", UsageError, "PACKAGE/TAG"),
        ("dir:", UsageError, "dir:PATH"),
        ("dir:/no/such/folder", NotFoundError, "no folder"),
        ("dir:~nobody-of-that-name/x", NotFoundError, "home folder"),
        ("hub:someone", UsageError, "hub:ORG/NAME[@REVISION]"),
        ("hub:../model", UsageError, "hub:ORG/NAME[@REVISION]"),
        ("hub:someone/model@", UsageError, "no branch, tag or commit"),
        ("hub:someone/model@a/../b", UsageError, "no branch, tag or commit"),
        ("hub:someone/model#abc", UsageError, "sha256 of config.json"),
        ("ftp:x", UsageError, "unknown source 'ftp'"),
        ("model", UsageError, "bundled:PACKAGE/TAG, dir:PATH or hub:ORG/NAME[@REVISION]"),
    ],
)
def test_what_can_not_be_opened_says_why(source: str, kind: type[ZooError], word: str) -> None:
    with pytest.raises(kind) as caught:
        open_source(source)
    assert type(caught.value) is kind
    assert word in str(caught.value)
