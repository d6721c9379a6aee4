"""`zoo watch`: a folder whose pictures are done as they come, until it is ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Zoo, draw, files


@pytest.fixture(autouse=True)
def heed_interrupts() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def unpaused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for, none of which is made."""
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    return made


def test_once_does_what_is_there(zoo: Zoo, tiny: str, unpaused: list[float]) -> None:
    draw("in/a.png", "in/b.jpg")
    words = ("watch", tiny, "in", "-o", "out", "--once", "--log", "log.jsonl", "--interval", "7")
    assert sorted(zoo(*words).lines) == ["out/a.png", "out/b.jpg"]
    assert unpaused == [7.0]
    assert zoo(*words).lines == []
    draw("in/c.png")
    assert zoo(*words).lines == ["out/c.png"]
    logged = [json.loads(line)["input"] for line in Path("log.jsonl").read_text().splitlines()]
    assert sorted(logged) == ["in/a.png", "in/b.jpg", "in/c.png"]


def test_results_are_those_of_a_run(zoo: Zoo, tiny: str, unpaused: list[float]) -> None:
    draw("in/a.png")
    zoo("run", tiny, "in", "-o", "run")
    zoo("watch", tiny, "in", "-o", "watched", "--once")
    assert Path("run/a.png").read_bytes() == Path("watched/a.png").read_bytes()


def test_a_picture_that_cannot_be_read_stops_no_other(zoo: Zoo, tiny: str, unpaused: list[float]) -> None:
    draw("in/a.png")
    Path("in/b.png").write_bytes(b"no picture")
    done = zoo("watch", tiny, "in", "-o", "out", "--once")
    assert (done.code, done.out) == (7, b"out/a.png\n")


def test_an_empty_folder_is_no_error(zoo: Zoo, tiny: str, unpaused: list[float]) -> None:
    Path("in").mkdir()
    assert zoo("watch", tiny, "in", "-o", "out", "--once").lines == []
    assert files() == []


@pytest.mark.parametrize("name", ["none", "s3://bucket/in/"])
def test_only_a_folder_of_this_machine_is_watched(zoo: Zoo, tiny: str, name: str) -> None:
    assert f"{name} is no folder of this machine" in zoo("watch", tiny, name).error(3)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tiny: str, how: signal.Signals) -> None:
    draw("in/a.png")
    words = [sys.executable, "-m", "zoo", "watch", tiny, "in", "-o", "out", "--interval", "0.05"]
    process = subprocess.Popen(words, stdout=-1, stderr=-1)
    assert process.stdout
    assert process.stdout.readline() == b"out/a.png\n"
    draw("new.png")
    Path("new.png").rename("in/b.png")
    assert process.stdout.readline() == b"out/b.png\n"
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"note: watching in; Ctrl-C ends it\nnote: ended\n")
    assert files() == ["in/a.png", "in/b.png", "out/a.png", "out/b.png"]
