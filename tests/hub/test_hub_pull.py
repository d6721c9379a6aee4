"""Pulling from a Hub that misbehaves, where one command and its error are not enough to see it.

The others are in test_hub_failures.py.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from repository import git_sha1
from world import BAD, MIB, OFFLINE, World, big, on

from zoo.checkpoints.hub.reference import parse

UNSAFE_NAMES = (
    "../up.txt", "a/../../up.txt", "/root.txt", "a//b.txt", "./a.txt", "..", "a\\b.txt", "..\\up.txt", "C:\\x.txt",
    "C:x.txt", "\\\\host\\share\\x.txt", "nul\0.txt", "a\nb.txt", "trailing.", "trailing ", "",
)  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE_NAMES, ids=repr)
def test_an_unsafe_file_name_in_the_listing_is_refused(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, since nothing gets as far as the client's settings."""
    from huggingface_hub import constants

    from zoo.checkpoints.hub import listing
    from zoo.checkpoints.hub.reference import parse
    from zoo.errors import UnsafeFileError

    class Api:
        def list_repo_tree(self, *_: object, **__: object) -> list[Any]:
            from huggingface_hub.hf_api import RepoFile

            return [RepoFile(path=name, size=1, oid="0" * 40)]

    monkeypatch.setattr(constants, "ENDPOINT", "https://example.test")
    monkeypatch.setattr(listing, "HfApi", Api)
    with pytest.raises(UnsafeFileError, match="unsafe file name"):
        listing.tree(parse("ana/x"))


def test_an_unsafe_file_name_stops_the_whole_pull(world: World) -> None:
    row = {"type": "file", "path": "../../../../evil", "size": 1, "oid": "0" * 40}
    on("/tree", "rewrite", by=lambda rows: [*rows, row])(world)
    assert "unsafe file name" in world.machine.zoo("pull", world.name).error(7)
    assert not list(world.machine.home.rglob("*.safetensors"))


def test_with_a_bad_token_the_cached_model_is_used(world: World) -> None:
    world.cache()
    notes = world.works(**BAD)
    assert notes.count("can't ask the Hub for updates") == 1
    assert "token refused" in notes
    assert "_secret" not in notes


def test_offline_a_cached_model_runs_without_a_request(world: World, picture: Path) -> None:
    commit = world.cache()
    before = len(world.hub.seen)
    for name in (world.name, f"{world.name}@{commit}"):
        result = world.machine.zoo("run", f"hub:{name}", picture, "--force", **OFFLINE)
        assert (result.code, result.err) == (0, "")
    assert len(world.hub.seen) == before


def test_offline_what_is_missing_is_named(world: World) -> None:
    commit = world.cache()
    (world.machine.cached(world.name) / "snapshots" / commit / "translate.onnx").unlink()
    assert "not whole in the cache, and offline: translate.onnx missing" in world.machine.zoo(
        "pull", world.name, **OFFLINE
    ).error(5)


def test_without_a_server_the_cached_model_is_used(world: World, pace: float) -> None:
    commit = world.cache()
    result = world.machine.zoo("pull", world.name, HF_ENDPOINT="http://127.0.0.1:9")
    assert f"can't ask the Hub for updates (hub:{world.name}: can't reach" in result.notes
    assert f"the cached commit {commit[:12]} is used" in result.notes
    assert result.seconds < 2 + 10 * pace


@pytest.fixture
def large(world: World) -> World:
    """A world whose weights have 25 MiB. Their graph does not fit them, so only the download is looked at."""
    world.hub.commit(world.repository, big(world.files))
    return world


def test_a_search_that_hangs_is_given_up(world: World, pace: float) -> None:
    world.hub.fault("hang", r"/api/models\?.*stuck")
    result = world.machine.zoo("search", "stuck", "--timeout", "1")
    assert "no answer from" in result.error(5)
    assert result.seconds < 3 + 10 * pace


def test_a_body_that_is_cut_resumes_where_it_was(large: World) -> None:
    large.hub.fault("cut", f"/cdn/{large.name}", after=15 * MIB, times=1)
    large.machine.zoo("pull", large.name)
    (blob,) = [path for path in large.machine.blobs(large.name) if path.stat().st_size > 25 * MIB]
    assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    ranges = [seen.headers["range"] for seen in large.hub.seen if large.name in seen.path and "range" in seen.headers]
    assert ranges == [f"bytes={10 * MIB}-"]


def test_a_body_that_is_cut_again_and_again_is_given_up(large: World, pace: float) -> None:
    large.hub.fault("cut", f"/cdn/{large.name}", after=9 * MIB)
    result = large.machine.zoo("pull", large.name)
    assert re.search("too unstable.*3 times in a row", result.error(5))
    assert result.seconds < 8 + 10 * pace
    assert not list(large.machine.home.rglob("*.incomplete"))


def test_a_server_that_ignores_ranges_is_read_from_the_start(large: World) -> None:
    large.hub.fault("cut", f"/cdn/{large.name}", after=15 * MIB, times=1)
    large.hub.fault("whole", f"/cdn/{large.name}")
    large.machine.zoo("pull", large.name)
    assert max(path.stat().st_size for path in large.machine.blobs(large.name)) > 25 * MIB


@pytest.mark.parametrize("kind", ["longer", "bomb"])
def test_a_body_that_is_too_long_is_stopped_early(world: World, kind: str) -> None:
    """Seen from the server: the client hangs up, so that the fault's work is cut short."""

    world.hub.fault(kind, f"/cdn/{world.name}", size=60 * MIB)

    result = world.machine.zoo("pull", world.name)
    assert re.search("the answer is longer|it comes packed", result.error(6))
    assert 0 < result.peak < MIB  # kilobytes
    assert not list(world.machine.home.rglob("*.incomplete"))


def test_the_token_goes_to_the_hub_only(world: World) -> None:
    world.repository.private = True
    elsewhere = world.hub.url.replace("127.0.0.1", "localhost")
    headers = {"Link": f'<{elsewhere}/api/models/{world.name}/tree/{world.repository.head}>; rel="next"'}
    world.hub.fault("headers", f"{world.name}/tree", set=headers, times=1)
    world.machine.zoo("pull", world.name, HF_TOKEN="hf_writes_secret")
    asked = [seen for seen in world.hub.seen if world.name in seen.path]
    home = [seen for seen in asked if seen.host.startswith("127.0.0.1")]
    away = [seen for seen in asked if seen.host.startswith("localhost")]
    assert all("authorization" in seen.headers for seen in home)
    assert {seen.path.split("/")[1] for seen in away} == {"api"}  # where the listing sent it, without the token
    assert not any("authorization" in seen.headers for seen in away)


def test_the_token_does_not_go_to_the_host_of_files(world: World) -> None:
    world.repository.private = True
    world.works(HF_TOKEN="hf_writes_secret")
    away = [seen for seen in world.hub.seen if world.name in seen.path and seen.path.startswith("/cdn")]
    assert len(away) == 2
    assert not any("authorization" in seen.headers for seen in away)


def test_a_listing_without_end_stops_at_the_limit(world: World) -> None:
    rows = [{"id": f"ana/endless-{number}", "tags": ["latent-zoo"], "sha": "0" * 40} for number in range(5)]
    link = {"Link": f'<{world.hub.url}/api/models?search=endless&cursor=1>; rel="next"'}
    world.hub.fault("rewrite", r"/api/models\?.*endless", by=lambda _: rows)
    world.hub.fault("headers", r"/api/models\?.*endless", set=link)
    before = len(world.hub.seen)
    result = world.machine.zoo("search", "endless", "--limit", "12")
    assert len(result.out.splitlines()) == 13
    assert "these are the first 12" in result.notes
    assert len(world.hub.seen) - before <= 4


def test_empty_pages_without_end_stop_at_the_timeout(world: World, pace: float) -> None:
    link = {"Link": f'<{world.hub.url}/api/models?search=void&cursor=1>; rel="next"'}
    world.hub.fault("rewrite", r"/api/models\?.*void", by=lambda _: [])
    world.hub.fault("headers", r"/api/models\?.*void", set=link)
    result = world.machine.zoo("search", "void", "--timeout", "1")
    assert "given up after 1 s; try again later" in result.error(5)  # whichever of the requests it is that is late
    assert result.seconds < 3 + 10 * pace


def test_two_files_with_one_etag_do_not_share_a_blob(world: World) -> None:
    """A mirror gives README.md, which is another config.json, the place of the config.json that was asked for."""
    good = world.files["config.json"]
    evil = good.replace(b"tiny.test", b"tiny.evil")
    world.hub.commit(world.repository, {**world.files, "README.md": evil})
    on("/resolve/.*README.md", "headers", set={"X-Linked-ETag": f'"{git_sha1(good)}"'})(world)
    name = f"{world.name}@{world.repository.head}#{hashlib.sha256(good).hexdigest()}"
    assert "README.md: unsafe answer: the ETag" in world.machine.zoo("pull", name).error(6)
    assert evil not in [blob.read_bytes() for blob in world.machine.blobs(world.name)]


def test_the_etag_of_a_redirected_answer_is_checked_too(world: World) -> None:
    """The hash is asked for at an address that looks like no file's."""
    fault = world.hub.fault("redirect", rf"{world.name}/resolve/.*README.md", to=f"/cdn/{world.name}/{'0' * 64}")
    headers = {"ETag": '"../../evil"', "X-Repo-Commit": world.repository.head}
    world.hub.fault("status", rf"/cdn/{world.name}/0", "HEAD", code=200, headers=headers)
    assert "unsafe answer: the ETag" in world.machine.zoo("pull", world.name).error(6)
    assert fault.hits
    assert not [path for path in world.machine.folder.rglob("*evil*") if path.is_file()]


def test_files_of_another_commit_are_refused(world: World) -> None:
    other = "ab" * 20
    on("/resolve", "headers", set={"X-Repo-Commit": other})(world)
    assert f"the commit '{other}' is not the one that was asked for" in world.machine.zoo("pull", world.name).error(6)
    assert not (world.machine.cached(world.name) / "snapshots" / other).exists()


def test_a_file_changed_after_verification_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: config.json changes after it was verified, and before it is read."""
    from zoo.checkpoints import sources
    from zoo.checkpoints.hub import cache, download
    from zoo.errors import IntegrityError

    commit = world.cache()
    monkeypatch.setattr(cache, "root", lambda: world.machine.home / "hub")
    monkeypatch.setattr(download, "_complete", lambda *_: pytest.fail("it is cached"))
    path = world.machine.cached(world.name) / "snapshots" / commit / "config.json"
    fetched = download.fetch(parse(f"{world.name}@{commit}"))
    evil = world.files["config.json"].replace(b"tiny.test", b"tiny.evil")
    monkeypatch.setattr(download, "fetch", lambda _: fetched)
    path.unlink()
    path.write_bytes(evil)
    with pytest.raises(IntegrityError, match=r"config\.json was changed meanwhile"):
        sources.open_source(f"hub:{world.name}@{commit}")
