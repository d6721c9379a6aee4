"""What a Hub can do to someone who pulls a model from it, and the answer each gets: cases 1 to 41 of docs/hub.md.

Each case has a repository and a machine of its own. For all of them: one line of error or none, the exit code, an end
in bounded time, nothing half-written in the cache and nothing under a hash that is not its own, no token in sight.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from loopback import Hub, Repository
from machine import Machine

MIB = 1024 * 1024
UNSAFE_NAMES = (
    "../up.txt", "a/../../up.txt", "/root.txt", "a//b.txt", "./a.txt", "..", "a\\b.txt", "..\\up.txt", "C:\\x.txt",
    "C:x.txt", "\\\\host\\share\\x.txt", "nul\0.txt", "a\nb.txt", "trailing.", "trailing ", "",
)  # fmt: skip


@dataclass
class World:
    """What a case may change before the command runs."""

    hub: Hub
    machine: Machine
    name: str
    repository: Repository
    files: dict[str, bytes]

    def cache(self) -> str:
        """Pull once while all is well; the commit that was pulled."""
        assert self.machine.zoo("pull", self.name).code == 0
        return self.repository.head


Change = Callable[[World], object]


@dataclass(frozen=True)
class Case:
    number: int
    what: str
    code: int
    says: str
    prepare: Change
    env: dict[str, str | None] = field(default_factory=dict)
    seconds: float = 5
    name: str = "{name}"


def nothing(world: World) -> None:
    """All is well on the Hub."""


def state(**values: object) -> Change:
    return lambda world: [setattr(world.repository, name, value) for name, value in values.items()]


def on(path: str, kind: str, **how: Any) -> Change:
    """A fault in answers about the repository; `path` is what follows its name."""
    return lambda world: world.hub.fault(kind, re.escape(world.name) + path, **how)


def on_files(kind: str, **how: Any) -> Change:
    """A fault in the bodies of weights and graphs."""
    return lambda world: world.hub.fault(kind, f"/cdn/{world.name}", **how)


def on_head(kind: str, **how: Any) -> Change:
    return on("/resolve", kind, method="HEAD", **how)


def answers(path: str, value: object) -> Change:
    return on(path, "rewrite", by=lambda _: value)


def lists(**changes: object) -> Change:
    """The listing lies about config.json."""

    def lie(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, **changes} if row["path"] == "config.json" else row for row in rows]

    return on("/tree", "rewrite", by=lie)


def headers(**values: str) -> Change:
    return on("/resolve", "headers", set={name.replace("_", "-"): value for name, value in values.items()})


def holds(without: str = "", **files: bytes) -> Change:
    """Other files: `_` in a name stands for a point."""

    def put(world: World) -> None:
        kept = {name: data for name, data in world.files.items() if name != without}
        world.hub.commit(world.repository, {**kept, **{name.replace("_", "."): data for name, data in files.items()}})

    return put


def many_tags(world: World) -> None:
    world.repository.tags |= {f"v1.{number}": world.repository.head for number in range(7)}


def unreachable(world: World) -> None:
    world.machine.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"


BAD = {"HF_TOKEN": "hf_unknown_secret"}
READS = {"HF_TOKEN": "hf_other_secret"}
OFFLINE = {"HF_HUB_OFFLINE": "1"}
SOON = {"ZOO_HUB_TIMEOUT": "1"}
IMPATIENT = {"HF_HUB_DOWNLOAD_TIMEOUT": "1"}
WAIT_LONG = {"code": 429, "headers": {"Retry-After": "3600"}}
WAIT = {"code": 429, "headers": {"Retry-After": "1"}, "times": 1}
NO_MODEL = r"no such model on http.*\(or it is private: set HF_TOKEN\)"
NO_WEIGHTS = "has no model.safetensors, only README.md, config.json, translate.onnx"
CLOSE = r"has no revision 'v1.9'; there is (v1\.\d, ){4}v1\.\d$"
DAMAGED = r"is damaged on the Hub or on its way: (sha256|git-sha1) \w+… instead of \w+…; fetched twice, not kept"
UP = '"../../../../evil"'

FAILURES = [
    Case(1, "there is no such model", 3, NO_MODEL, nothing, name="ana/no"),
    Case(2, "private, to a stranger", 3, NO_MODEL, state(private=True)),
    Case(3, "gated, to a stranger", 4, "gated: accept its terms at http.*, then set HF_TOKEN", state(gated=True)),
    Case(4, "gated, not granted", 4, "gated: your account has no access yet", state(gated=True), READS),
    Case(5, "a bad token", 4, "token refused by http.*: renew the one in HF_TOKEN", nothing, BAD),
    Case(7, "disabled by the Hub", 4, "disabled by the Hub", state(disabled=True)),
    Case(8, "no such revision", 3, CLOSE, many_tags, name="{name}@v1.9"),
    Case(9, "no weights", 3, NO_WEIGHTS, holds(without="model.safetensors")),
    Case(10, "a pickle", 7, r"pickle refused: model\.bin", holds(without="model.safetensors", model_bin=b"\x80\x04.")),
    Case(12, "offline, not cached", 5, "not in the cache, and offline", nothing, OFFLINE),
    Case(14, "the server is down", 5, "can't reach http://127.0.0.1:9", unreachable),
    Case(17, "HEAD answers 500 for ever", 5, "the Hub answers 500, 3 times in a row", on_head("status", code=500)),
    Case(18, "HEAD is reset for ever", 5, "can't reach http", on_head("reset")),
    Case(19, "the files fail for ever", 5, "the Hub answers 503, 3 times in a row", on_files("status", code=503)),
    Case(20, "the files are refused for ever", 5, "the Hub answers 403", on_files("status", code=403)),
    Case(21, "wait an hour", 5, "asks to wait 3600 s", on("", "status", **WAIT_LONG)),
    Case(22, "the API hangs", 5, "no answer from http.* given up after 1 s", on("/revision", "hang"), SOON),
    Case(22, "the listing hangs", 5, "no answer from http.* given up after 1 s", on("/tree", "hang"), SOON),
    Case(23, "a body stalls for ever", 5, "unstable.*3 times in a row", on_files("stall", after=50), IMPATIENT),
    Case(28, "a bit flips, always", 6, DAMAGED, on_files("flip")),
    Case(28, "a bit of config.json flips, always", 6, DAMAGED, on("/resolve/.*config", "flip")),
    Case(30, "a page of the same length", 6, DAMAGED, on_files("swap", data=b"<html>Log in")),
    Case(31, "a body longer than announced", 6, "longer than its", on_files("longer", size=40 * MIB)),
    Case(32, "a gzip bomb", 6, "longer than its", on_files("bomb", size=60 * MIB)),
    Case(35, "an ETag that leads up", 6, "unsafe answer: the ETag", headers(ETag=UP, X_Linked_ETag=UP)),
    Case(35, "an ETag that is ..", 6, "unsafe answer: the ETag", headers(ETag='".."', X_Linked_ETag='".."')),
    Case(36, "a commit in a header", 6, "unsafe answer: the commit", headers(X_Repo_Commit="../../../evil")),
    Case(36, "a commit of the API", 6, "unsafe answer: the commit", answers("/revision", {"id": "a/b", "sha": "../x"})),
    Case(38, "redirects in a circle", 5, "fails", on("/tree", "redirect", to="?again")),
    Case(38, "a redirect to a file", 5, "fails", on("/tree", "redirect", to="file:///etc/passwd")),
    Case(40, "the API answers a web page", 5, "is not a Hub", on("/revision", "swap", data=b"<html>")),
    Case(40, "the API answers no name", 5, "is not a Hub", answers("/revision", {"a": 1})),
    Case(40, "the API answers a list", 5, "is not a Hub", answers("/revision", [1])),
    Case(40, "the listing lacks fields", 5, "is not a Hub", answers("/tree", [{"type": "file"}])),
    Case(40, "a size that is no number", 6, "listed without size and hash", lists(size="large")),
    Case(40, "a hash that is a path", 6, "listed without size and hash", lists(oid="../../x")),
    Case(40, "no headers of a Hub", 5, "is not a Hub", on("/resolve", "headers", drop=["X-Repo-Commit"])),
    Case(54, "an index of shards", 7, "splits the weights", holds(model_safetensors_index_json=b"{}")),
    Case(56, "a config.json of 50 MB", 7, "at most 262144 are read", lists(size=50_000_000)),
]
PASSING = [
    Case(16, "HEAD answers 500 once", 0, "answers 500; trying again", on_head("status", code=500, times=1)),
    Case(16, "the API answers 503 once", 0, "answers 503; trying again", on("/revision", "status", code=503, times=1)),
    Case(18, "HEAD is reset once", 0, "can't reach http.*; trying again", on_head("reset", times=1)),
    Case(19, "the files fail once", 0, "the Hub answers 500; trying again", on_files("status", code=500, times=1)),
    Case(20, "an address that has expired", 0, "", on_files("status", code=403, times=1)),
    Case(21, "wait a second", 0, "too many requests; waiting 1 s", on("/tree", "status", **WAIT)),
    Case(23, "a body stalls once", 0, "unstable", on_files("stall", after=50, times=1), IMPATIENT),
    Case(24, "a slow but steady body", 0, "", on_files("slow", size=60, pause=0.3), {"HF_HUB_DOWNLOAD_TIMEOUT": "2"}),
    Case(29, "a bit flips once", 0, r"damaged \(sha256 .*\); downloading it again", on_files("flip", times=1)),
]


def named(case: Case) -> str:
    return f"{case.number}-{case.what.replace(' ', '-')}"


@pytest.fixture
def world(hub: Hub, machine: Machine, files: dict[str, bytes], request: pytest.FixtureRequest) -> World:
    name = f"ana/w{hashlib.sha1(request.node.nodeid.encode()).hexdigest()[:12]}"
    return World(hub, machine, name, hub.add(name, files), dict(files))


@pytest.mark.parametrize("case", FAILURES, ids=named)
def test_what_fails_says_why_and_leaves_nothing_behind(world: World, case: Case, pace: float) -> None:
    around = world.machine.folder.parent
    case.prepare(world)
    result = world.machine.zoo("pull", case.name.format(name=world.name), **case.env)
    line = result.error(case.code)
    assert re.search(case.says, line), line
    assert case.name.format(name=world.name).split("@")[0] in line
    assert result.seconds < case.seconds + 10 * pace, result
    assert "_secret" not in result.err
    assert "Traceback" not in result.err
    assert not list(around.rglob("*.incomplete"))
    assert not [path for path in around.rglob("*") if "evil" in str(path.relative_to(around))]
    size = sum(path.stat().st_size for path in around.rglob("*") if path.is_file())
    assert size < 2 * MIB


@pytest.mark.parametrize("name", UNSAFE_NAMES, ids=repr)
def test_37_a_file_name_that_leads_elsewhere_is_refused_before_anything_is_written(
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


def test_37_through_the_whole_of_it(world: World) -> None:
    row = {"type": "file", "path": "../../../../evil", "size": 1, "oid": "0" * 40}
    on("/tree", "rewrite", by=lambda rows: [*rows, row])(world)
    assert "unsafe file name" in world.machine.zoo("pull", world.name).error(7)
    assert not list(world.machine.home.rglob("*.safetensors"))


def works(world: World, **env: str | None) -> str:
    result = world.machine.zoo("pull", world.name, **env)
    assert result.out.startswith(f"hub:{world.name}@{world.repository.head}#"), result
    return result.notes


@pytest.mark.parametrize("case", PASSING, ids=named)
def test_what_passes_is_waited_for(world: World, case: Case) -> None:
    case.prepare(world)
    assert re.search(case.says, works(world, **case.env))
    assert (world.machine.cached(world.name) / "snapshots" / world.repository.head / "model.safetensors").is_file()


def test_6_a_bad_token_does_no_harm_to_what_is_cached(world: World) -> None:
    world.cache()
    notes = works(world, **BAD)
    assert notes.count("can't ask the Hub for updates") == 1
    assert "token refused" in notes
    assert "_secret" not in notes


def test_11_offline_a_cached_model_runs_and_nothing_is_asked(world: World, picture: Path) -> None:
    commit = world.cache()
    before = len(world.hub.seen)
    for name in (world.name, f"{world.name}@{commit}"):
        result = world.machine.zoo("run", f"hub:{name}", picture, "--force", **OFFLINE)
        assert (result.code, result.err) == (0, "")
    assert len(world.hub.seen) == before


def test_13_offline_what_is_missing_is_named(world: World) -> None:
    commit = world.cache()
    (world.machine.cached(world.name) / "snapshots" / commit / "translate.onnx").unlink()
    assert "not whole in the cache, and offline: translate.onnx missing" in world.machine.zoo(
        "pull", world.name, **OFFLINE
    ).error(5)


def test_15_without_a_server_the_cached_model_is_used_and_that_is_said(world: World, pace: float) -> None:
    commit = world.cache()
    result = world.machine.zoo("pull", world.name, HF_ENDPOINT="http://127.0.0.1:9")
    assert f"can't ask the Hub for updates (hub:{world.name}: can't reach" in result.notes
    assert f"the cached commit {commit[:12]} is used" in result.notes
    assert result.seconds < 2 + 10 * pace


def big(files: dict[str, bytes], folder: Path) -> dict[str, bytes]:
    """The small checkpoint with 25 MiB of weights that nothing uses."""
    import json
    import struct

    old = files["model.safetensors"]
    (length,) = struct.unpack("<Q", old[:8])
    header, data = json.loads(old[8 : 8 + length]), old[8 + length :]
    more = 25 * MIB
    header["pad"] = {"dtype": "F16", "shape": [more // 2], "data_offsets": [len(data), len(data) + more]}
    text = json.dumps(header, separators=(",", ":")).encode()
    assert folder
    weights = struct.pack("<Q", len(text)) + text + data + bytes(range(256)) * (more // 256)
    config = json.loads(files["config.json"])
    config["weights"] |= {"bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}
    return {**files, "model.safetensors": weights, "config.json": json.dumps(config).encode()}


@pytest.fixture
def large(world: World, tmp_path: Path) -> World:
    """A world whose weights have 25 MiB. Their graph does not fit them, so only the download is looked at."""
    world.hub.commit(world.repository, big(world.files, tmp_path))
    return world


def test_25_a_body_that_is_cut_goes_on_where_it_was(large: World) -> None:
    large.hub.fault("cut", f"/cdn/{large.name}", after=15 * MIB, times=1)
    large.machine.zoo("pull", large.name)
    (blob,) = [path for path in large.machine.blobs(large.name) if path.stat().st_size > 25 * MIB]
    assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    ranges = [seen.headers["range"] for seen in large.hub.seen if large.name in seen.path and "range" in seen.headers]
    assert ranges == [f"bytes={10 * MIB}-"]


def test_26_a_body_that_is_cut_again_and_again_is_given_up(large: World, pace: float) -> None:
    large.hub.fault("cut", f"/cdn/{large.name}", after=9 * MIB)
    result = large.machine.zoo("pull", large.name)
    assert re.search("too unstable.*3 times in a row", result.error(5))
    assert result.seconds < 8 + 10 * pace
    assert not list(large.machine.home.rglob("*.incomplete"))


def test_27_a_server_that_ignores_ranges_is_read_from_the_start(large: World) -> None:
    large.hub.fault("cut", f"/cdn/{large.name}", after=15 * MIB, times=1)
    large.hub.fault("whole", f"/cdn/{large.name}")
    large.machine.zoo("pull", large.name)
    assert max(path.stat().st_size for path in large.machine.blobs(large.name)) > 25 * MIB


@pytest.mark.parametrize("kind", ["longer", "bomb"])
def test_31_32_what_is_too_long_is_stopped_soon_and_not_at_its_end(world: World, kind: str) -> None:
    """Seen from the server: the client hangs up, so that the fault's work is cut short."""

    world.hub.fault(kind, f"/cdn/{world.name}", size=60 * MIB)

    result = world.machine.zoo("pull", world.name)
    assert "the answer is longer" in result.error(6)
    assert 0 < result.peak < MIB  # kilobytes
    assert not list(world.machine.home.rglob("*.incomplete"))


def test_39_the_token_goes_to_the_hub_only(world: World) -> None:
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


def test_39_nor_to_the_host_of_its_files(world: World) -> None:
    world.repository.private = True
    works(world, HF_TOKEN="hf_writes_secret")
    away = [seen for seen in world.hub.seen if world.name in seen.path and seen.path.startswith("/cdn")]
    assert len(away) == 2
    assert not any("authorization" in seen.headers for seen in away)


def test_41_a_listing_without_end_stops_at_the_limit(world: World) -> None:
    rows = [{"id": f"ana/endless-{number}", "tags": ["latent-zoo"], "sha": "0" * 40} for number in range(5)]
    link = {"Link": f'<{world.hub.url}/api/models?search=endless&cursor=1>; rel="next"'}
    world.hub.fault("rewrite", r"/api/models\?.*endless", by=lambda _: rows)
    world.hub.fault("headers", r"/api/models\?.*endless", set=link)
    before = len(world.hub.seen)
    result = world.machine.zoo("search", "endless", "--limit", "12")
    assert len(result.out.splitlines()) == 13
    assert "these are the first 12" in result.notes
    assert len(world.hub.seen) - before <= 4


def test_41_empty_pages_without_end_stop_at_the_timeout(world: World, pace: float) -> None:
    link = {"Link": f'<{world.hub.url}/api/models?search=void&cursor=1>; rel="next"'}
    world.hub.fault("rewrite", r"/api/models\?.*void", by=lambda _: [])
    world.hub.fault("headers", r"/api/models\?.*void", set=link)
    result = world.machine.zoo("search", "void", "--timeout", "1")
    assert "given up after 1 s; try again later" in result.error(5)  # whichever of the requests it is that is late
    assert result.seconds < 3 + 10 * pace
