"""`zoo web`: what the folder holds, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tiny import write_checkpoint

from zoo.catalog.registry import Registry
from zoo.errors import IntegrityError, NotFoundError, UnsafeFileError, UsageError
from zoo.web import runtime
from zoo.web.runtime import runtime_files
from zoo.web.shelf import Shelf
from zoo.web.site import build_site

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNTIME = {name: f"// {name}".encode() for name in runtime.FILES}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, bytes]:
    """A runtime of a few bytes that counts as the pinned one."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in RUNTIME.items()}
    monkeypatch.setattr(runtime, "FILES", hashes)
    return RUNTIME


def archive(files: Mapping[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return data.getvalue()


def test_a_site_is_the_page_and_the_checkpoints_own_files(shelf: Shelf, tmp_path: Path) -> None:
    site = tmp_path / "site"
    size = build_site(shelf, ["tiny.test", "tiny.vae"], site, RUNTIME)
    assert size == sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    listed = json.loads((site / "models.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in listed["models"]] == ["tiny.test", "tiny.vae"]
    for name in ("tiny.test", "tiny.vae"):
        folder = shelf.find(name).folder
        for file in folder.iterdir():
            assert (site / "models" / name / file.name).read_bytes() == file.read_bytes()
        about = json.loads((site / "models" / name / "about.json").read_text(encoding="utf-8"))
        assert about["config"] == hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
        assert (site / "models" / name / about["sample"]).is_file()
    text = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.json"))
    assert str(shelf.find("tiny.vae").folder) not in text


def test_the_index_says_who_runs_the_models(shelf: Shelf, tmp_path: Path) -> None:
    build_site(shelf, ["tiny.test"], tmp_path / "site", RUNTIME)
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert '<meta name="zoo-engine" content="browser">' in index
    assert "script-src 'self' 'wasm-unsafe-eval';" in index
    assert 'src="/' not in index
    assert 'href="/' not in index


def test_the_readme_makes_it_a_static_space(shelf: Shelf, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    build_site(shelf, ["tiny.test"], tmp_path / "site", RUNTIME)
    front = (tmp_path / "site" / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    facts = yaml.safe_load(front)
    assert (facts["sdk"], facts["title"], facts["license"]) == ("static", "tiny.test", "apache-2.0")


def test_a_folder_that_exists_is_replaced_only_if_it_is_a_site(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    for force in (False, True):
        with pytest.raises(UsageError, match="exists"):
            build_site(shelf, ["tiny.test"], tmp_path / "mine", RUNTIME, force)
    assert (tmp_path / "mine" / "diary.txt").read_text() == "dear diary"
    site = tmp_path / "site"
    build_site(shelf, ["tiny.test"], site, RUNTIME)
    with pytest.raises(UsageError, match="--force replaces it"):
        build_site(shelf, ["tiny.vae"], site, RUNTIME)
    build_site(shelf, ["tiny.vae"], site, RUNTIME, force=True)
    assert [path.name for path in (site / "models").iterdir()] == ["tiny.vae"]


def test_a_site_that_can_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    shelf = Shelf(Registry.build([]), [f"dir:{folder}"])
    shelf.open("tiny.test")
    (folder / "config.json").write_text("{}")
    with pytest.raises(IntegrityError, match="has changed"):
        build_site(shelf, ["tiny.test"], tmp_path / "site", RUNTIME)
    assert {path.name for path in tmp_path.iterdir()} == {"tiny"}


def test_the_runtime_is_taken_from_a_folder_or_an_archive(few: Mapping[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "package" / "dist").mkdir(parents=True)
    for name, data in few.items():
        (tmp_path / "package" / "dist" / name).write_bytes(data)
    (tmp_path / "package.tgz").write_bytes(archive(few))
    for path in ("package", "package/dist", "package.tgz"):
        assert runtime_files(tmp_path / path) == few


def test_another_runtime_is_refused(few: Mapping[str, bytes], tmp_path: Path) -> None:
    changed = {**few, "ort-wasm-simd-threaded.wasm": b"other"}
    (tmp_path / "other.tgz").write_bytes(archive(changed))
    with pytest.raises(IntegrityError, match="is not that of onnxruntime-web"):
        runtime_files(tmp_path / "other.tgz")
    (tmp_path / "words.tgz").write_bytes(b"words")
    with pytest.raises(UnsafeFileError, match="no archive"):
        runtime_files(tmp_path / "words.tgz")
    with pytest.raises(NotFoundError, match="no such file"):
        runtime_files(tmp_path / "nothing.tgz")
    with pytest.raises(NotFoundError, match="has no ort"):
        runtime_files(tmp_path)


def test_a_download_is_compared_with_what_was_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "urlopen", lambda url, timeout: io.BytesIO(b"something else"))
    with pytest.raises(IntegrityError, match="gave another file"):
        runtime_files()
