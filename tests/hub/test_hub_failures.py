"""What a Hub can do to someone who pulls a model from it, in two tables, which docs/hub.md sums up.

Each case has a repository and a machine of its own. For all of them: one line of error or none, the exit code, an end
in bounded time, nothing half-written in the cache and nothing under a hash that is not its own, no token in sight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from gzip import compress

import pytest
from world import (
    BAD,
    MIB,
    OFFLINE,
    Change,
    World,
    answers,
    headers,
    holds,
    lists,
    many_tags,
    nothing,
    on,
    on_files,
    on_head,
    state,
    unreachable,
)

READS = {"HF_TOKEN": "hf_other_secret"}
SOON = {"ZOO_HUB_TIMEOUT": "1"}
IMPATIENT = {"HF_HUB_DOWNLOAD_TIMEOUT": "1"}
WAIT_LONG = {"code": 429, "headers": {"Retry-After": "3600"}}
WAIT = {"code": 429, "headers": {"Retry-After": "1"}, "times": 1}
NO_MODEL = r"no such model on http.*\(or it is private: set HF_TOKEN\)"
NO_WEIGHTS = "has no model.safetensors, only README.md, config.json, translate.onnx"
CLOSE = r"has no revision 'v1.9'; there is (v1\.\d, ){4}v1\.\d$"
DAMAGED = r"is damaged on the Hub or on its way: (sha256|git-sha1) \w+… instead of \w+…; fetched twice, not kept"
LATE = "given up after 1 s"
PACKED = "unsafe answer: it comes packed"
TWICE = {"code": 200, "body": compress(compress(bytes(100 * MIB))), "headers": {"Content-Encoding": "gzip, gzip"}}
DEEP = {"code": 200, "body": b"[" * 200_000}
UP = '"../../../../evil"'


@dataclass(frozen=True)
class Case:
    name: str
    code: int
    says: str
    prepare: Change
    env: dict[str, str | None] = field(default_factory=dict)
    seconds: float = 5
    model: str = "{name}"


FAILURES = [
    Case("there is no such model", 3, NO_MODEL, nothing, model="ana/no"),
    Case("private, without a token", 3, NO_MODEL, state(private=True)),
    Case("gated, without a token", 4, "gated: accept its terms at http.*, then set HF_TOKEN", state(gated=True)),
    Case("gated, not granted", 4, "gated: your account has no access yet", state(gated=True), READS),
    Case("a bad token", 4, "token refused by http.*: renew the one in HF_TOKEN", nothing, BAD),
    Case("disabled by the Hub", 4, "disabled by the Hub", state(disabled=True)),
    Case("no such revision", 3, CLOSE, many_tags, model="{name}@v1.9"),
    Case("no weights", 3, NO_WEIGHTS, holds(without="model.safetensors")),
    Case("a pickle", 7, r"pickle refused: model\.bin", holds(without="model.safetensors", model_bin=b"\x80\x04.")),
    Case("offline, not cached", 5, "not in the cache, and offline", nothing, OFFLINE),
    Case("the server is down", 5, "can't reach http://127.0.0.1:9", unreachable),
    Case("HEAD answers 500 for ever", 5, "the Hub answers 500, 3 times in a row", on_head("status", code=500)),
    Case("HEAD is reset for ever", 5, "can't reach http", on_head("reset")),
    Case("the files fail for ever", 5, "the Hub answers 503, 3 times in a row", on_files("status", code=503)),
    Case("the files are refused for ever", 5, "the Hub answers 403", on_files("status", code=403)),
    Case("wait an hour", 5, "asks to wait 3600 s", on("", "status", **WAIT_LONG)),
    Case("the API hangs", 5, "no answer from http.* given up after 1 s", on("/revision", "hang"), SOON),
    Case("the listing hangs", 5, "no answer from http.* given up after 1 s", on("/tree", "hang"), SOON),
    Case("a head drips", 5, LATE, on("/tree", "drip", part="head"), SOON),
    Case("100 Continue drips", 5, LATE, on("/tree", "drip", part="continue"), SOON),
    Case("the size of a chunk drips", 5, LATE, on("/tree", "drip", part="extension"), SOON),
    Case("a trailer drips", 5, LATE, on("/tree", "drip", part="trailer"), SOON),
    Case("the head of a file drips", 5, LATE, on("/resolve", "drip", part="head"), SOON),
    Case("the size of a file's chunk drips", 5, LATE, on_files("drip", part="extension"), SOON),
    Case("a body stalls for ever", 5, "unstable.*3 times in a row", on_files("stall", after=50), IMPATIENT),
    Case("a bit flips, always", 6, DAMAGED, on_files("flip")),
    Case("a bit of config.json flips, always", 6, DAMAGED, on("/resolve/.*config", "flip")),
    Case("a page of the same length", 6, DAMAGED, on_files("swap", data=b"<html>Log in")),
    Case("a body longer than announced", 6, "longer than its", on_files("longer", size=40 * MIB)),
    Case("a listing that is packed twice", 6, PACKED, on("/tree", "status", **TWICE)),
    Case("a gzip bomb", 6, PACKED, on_files("bomb", size=60 * MIB)),
    Case("an ETag that leads up", 6, "unsafe answer: the ETag", headers(ETag=UP, X_Linked_ETag=UP)),
    Case("an ETag that is ..", 6, "unsafe answer: the ETag", headers(ETag='".."', X_Linked_ETag='".."')),
    Case("a commit in a header", 6, "unsafe answer: the commit", headers(X_Repo_Commit="../../../evil")),
    Case("a commit of the API", 6, "unsafe answer: the commit", answers("/revision", {"id": "a/b", "sha": "../x"})),
    Case("redirects in a circle", 5, "fails", on("/tree", "redirect", to="?again")),
    Case("a redirect to a file", 5, "fails", on("/tree", "redirect", to="file:///etc/passwd")),
    Case("the API answers a web page", 5, "is not a Hub", on("/revision", "swap", data=b"<html>")),
    Case("the API answers no name", 5, "is not a Hub", answers("/revision", {"a": 1})),
    Case("the API answers a list", 5, "is not a Hub", answers("/revision", [1])),
    Case("the listing lacks fields", 5, "is not a Hub", answers("/tree", [{"type": "file"}])),
    Case("a listing of lists in lists", 5, "is not a Hub", on("/tree", "status", **DEEP)),
    Case("a size that has no end", 6, "listed without size and hash", lists(size=float("inf"))),
    Case("an answer that leads nowhere", 5, "http", on("/tree", "redirect", to="http://[::1"), SOON),
    Case("a size that is no number", 6, "listed without size and hash", lists(size="large")),
    Case("a hash that is a path", 6, "listed without size and hash", lists(oid="../../x")),
    Case("no ETag", 5, "its answer lacks the header ETag", on("/resolve", "headers", drop=["ETag", "X-Linked-ETag"])),
    Case(
        "no headers of a Hub",
        5,
        "is not a Hub: .* lacks the header X-Repo-Commit",
        on("/resolve", "headers", drop=["X-Repo-Commit"]),
    ),
    Case("an index of shards", 7, "splits the weights", holds(model_safetensors_index_json=b"{}")),
    Case("a config.json of 50 MB", 7, "at most 262144 are read", lists(size=50_000_000)),
]
PASSING = [
    Case("HEAD answers 500 once", 0, "answers 500; trying again", on_head("status", code=500, times=1)),
    Case("the API answers 503 once", 0, "answers 503; trying again", on("/revision", "status", code=503, times=1)),
    Case("HEAD is reset once", 0, "can't reach http.*; trying again", on_head("reset", times=1)),
    Case("the files fail once", 0, "the Hub answers 500; trying again", on_files("status", code=500, times=1)),
    Case("an address that has expired", 0, "", on_files("status", code=403, times=1)),
    Case("wait a second", 0, "too many requests; waiting 1 s", on("/tree", "status", **WAIT)),
    Case("a body stalls once", 0, "unstable", on_files("stall", after=50, times=1), IMPATIENT),
    Case("no sizes of links", 0, "", on("/resolve", "headers", drop=["X-Linked-Size"])),
    Case("a slow but steady body", 0, "", on_files("slow", size=60, pause=0.3), {"HF_HUB_DOWNLOAD_TIMEOUT": "2"}),
    Case("a bit flips once", 0, r"damaged \(sha256 .*\); downloading it again", on_files("flip", times=1)),
]


def named(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.mark.parametrize("case", FAILURES, ids=named)
def test_what_fails_says_why_and_leaves_nothing_behind(world: World, case: Case, pace: float) -> None:
    around = world.machine.folder.parent
    case.prepare(world)
    result = world.machine.zoo("pull", case.model.format(name=world.name), **case.env)
    line = result.error(case.code)
    assert re.search(case.says, line), line
    assert case.model.format(name=world.name).split("@")[0] in line
    assert result.seconds < case.seconds + 10 * pace, result
    assert "_secret" not in result.err
    assert "Traceback" not in result.err
    assert not list(around.rglob("*.incomplete"))
    assert not [path for path in around.rglob("*") if "evil" in str(path.relative_to(around))]
    size = sum(path.stat().st_size for path in around.rglob("*") if path.is_file())
    assert size < 2 * MIB


@pytest.mark.parametrize("case", PASSING, ids=named)
def test_what_passes_is_waited_for(world: World, case: Case) -> None:
    case.prepare(world)
    assert re.search(case.says, world.works(**case.env))
    assert (world.machine.cached(world.name) / "snapshots" / world.repository.head / "model.safetensors").is_file()
