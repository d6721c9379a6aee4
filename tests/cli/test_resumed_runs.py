"""Runs that resume, that take a list or a part, that keep a log, and that only say what they would do."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import Zoo, draw, files

ENTRY = {"input", "result", "sha256", "seconds", "error"}
# A process that kills itself, as `kill -9` does, the Nth time it comes to a place.
DYING = """
import os, signal, sys, zoo.files, zoo.jobs.logs, pathlib
from zoo.cli.app import call

place, count, *words = sys.argv[1:]
left = int(count)

def dying(owner, name, after=False):
    real = getattr(owner, name)
    def fake(*args, **named):
        global left
        left -= 1
        if left > 0:
            return real(*args, **named)
        if after:
            real(*args, **named)
        if place == "half a line":
            real(args[0], args[1][:9])
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, fake)

if place == "unsynced":
    dying(zoo.files.os, "fsync")
elif place == "unnamed":
    dying(zoo.files, "_name_if_free")
elif place == "unlogged":
    dying(zoo.files, "_name_if_free", after=True)
elif place == "half a line":
    class Os:
        def __getattr__(self, name):
            return getattr(os, name)
    zoo.jobs.logs.os = Os()
    dying(zoo.jobs.logs.os, "write")
sys.exit(call(words))
"""


def entries(path: str = "run.jsonl") -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def sha256(path: object) -> str:
    return hashlib.sha256(Path(str(path)).read_bytes()).hexdigest()


def counts(err: str) -> str:
    """What the last line on standard error says is done."""
    return err.splitlines()[-1].removeprefix("note: ").partition(";")[0]


def album(*numbers: int) -> list[str]:
    names = [f"in/{number}.png" for number in numbers]
    for number, name in zip(numbers, names, strict=True):
        draw(name, size=(8 + number, 6))
    return names


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("place", ["unsynced", "unnamed", "unlogged", "half a line"])
def test_a_run_killed_anywhere_is_resumed(tiny: str, place: str, jobs: int) -> None:
    names = album(*range(7))
    words = ["run", tiny, "in", "-o", "out", "--skip-existing", "--log", "run.jsonl", "--jobs", str(jobs)]
    before: dict[str, int] = {}
    for count in ("5", "2"):  # of three workers, two may be on their way to a name when the fifth picture gets there
        killed = subprocess.run([sys.executable, "-c", DYING, place, count, *words], check=False, timeout=120)
        assert killed.returncode == -signal.SIGKILL
        results = [path for path in Path("out").iterdir() if path.suffix == ".png"]
        before |= {str(path): path.stat().st_ino for path in results}
    done = subprocess.run([sys.executable, "-m", "zoo", *words], check=False, timeout=120, capture_output=True)
    assert done.returncode == 0, done.stderr
    results = [f"out/{number}.png" for number in range(7)]
    # Nothing half-written is left, but what was made and not yet locked: it is empty, hidden, and goes an hour later.
    kept = [name for name in files() if not (Path(name).name.startswith(".zoo-") and not Path(name).stat().st_size)]
    assert kept == sorted([*names, *results, "run.jsonl"])
    assert sorted(str(entry["input"]) for entry in entries()) == names  # each once
    assert all(entry["sha256"] == sha256(entry["result"]) for entry in entries())
    assert before
    assert all(Path(path).stat().st_ino == inode for path, inode in before.items())  # none was made again


def test_a_kill_from_outside_leaves_whole_lines(tiny: str) -> None:
    """It comes while the run waits for a picture, which is a pipe: what the log says then is true."""
    album(0, 1)
    os.mkfifo("in/2.png")
    words = [sys.executable, "-m", "zoo", "run", tiny, "in/0.png", "in/1.png", "in/2.png", "-o", "out"]
    options = ["--skip-existing", "--log", "run.jsonl", "--jobs", "1"]
    process = subprocess.Popen([*words, *options], stdout=-1, stderr=-1)
    assert process.stdout
    assert [process.stdout.readline() for _ in range(2)] == [b"out/0.png\n", b"out/1.png\n"]
    process.kill()
    process.communicate(timeout=60)
    assert [entry["sha256"] for entry in entries()] == [sha256("out/0.png"), sha256("out/1.png")]
    Path("in/2.png").unlink()
    album(2)
    done = subprocess.run([*words, *options], check=False, capture_output=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, b"out/2.png\n")
    assert counts(done.stderr.decode()) == "3 of 3 pictures: 1 done, 2 done before, 0 failed"
    assert [entry["input"] for entry in entries()] == ["in/0.png", "in/1.png", "in/2.png"]


def test_results_that_exist_are_left_out(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png", "in/b.png")
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"mine")
    done = zoo("run", tiny, "in", "-o", "out", "--skip-existing")
    assert (done.code, done.out) == (0, b"out/b.png\n")
    assert counts(done.err) == "2 of 2 pictures: 1 done, 1 done before, 0 failed"
    assert Path("out/a.png").read_bytes() == b"mine"


def test_an_empty_result_is_not_taken_for_done(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png", "out/a.png")
    whole = zoo("run", tiny, "in", "-o", "whole").lines
    Path("out/a.png").write_bytes(b"")
    assert zoo("run", tiny, "in", "-o", "out", "--skip-existing").out == b"out/a.png\n"
    assert sha256("out/a.png") == sha256(whole[0])


def test_a_failed_picture_is_logged_and_tried_again(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png")
    Path("in/b.png").write_bytes(b"no picture")
    words = ("run", tiny, "in", "-o", "out", "--skip-existing", "--log", "run.jsonl")
    assert zoo(*words).code == 7
    draw("in/b.png")
    assert zoo(*words).code == 0
    logged = [(entry["input"], entry["error"] is None) for entry in entries()]
    assert sorted(logged) == [("in/a.png", True), ("in/b.png", False), ("in/b.png", True)]
    assert all(entry.keys() == ENTRY for entry in entries())
    assert [entry["sha256"] for entry in entries() if entry["error"]] == [None]


def test_what_another_run_made_is_logged_once(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png")
    zoo("run", tiny, "in", "-o", "out")
    for _ in range(2):
        assert zoo("run", tiny, "in", "-o", "out", "--skip-existing", "--log", "run.jsonl").code == 0
    (entry,) = entries()
    assert entry["sha256"] == sha256("out/a.png")


def test_a_cut_last_line_is_mended(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png", "in/b.png")
    words = ("run", tiny, "in", "-o", "out", "--skip-existing", "--log", "run.jsonl")
    zoo(*words)
    whole = Path("run.jsonl").read_text()
    Path("run.jsonl").write_text(whole[:-7])
    assert zoo(*words).code == 0
    assert sorted(str(entry["input"]) for entry in entries()) == ["in/a.png", "in/b.png"]
    Path("run.jsonl").write_text(whole[:5])  # the first line itself
    assert zoo(*words).code == 0
    assert len(entries()) == 2


@pytest.mark.parametrize("text", ["a shopping list\n", "no end of a line", '{"input": 3}\n'])
def test_another_file_is_not_taken_for_a_log(zoo: Zoo, tiny: str, text: str) -> None:
    draw("a.png")
    Path("mine.txt").write_text(text)
    assert "mine.txt: line 1 is none of a run's log" in zoo("run", tiny, "a.png", "--log", "mine.txt").error(7)
    assert Path("mine.txt").read_text() == text
    assert files() == ["a.png", "mine.txt"]


def test_two_runs_do_not_share_a_log(zoo: Zoo, tiny: str) -> None:
    from zoo.jobs.logs import Log

    draw("a.png")
    with Log(Path("run.jsonl")):
        assert "a run that is not done" in zoo("run", tiny, "a.png", "--log", "run.jsonl").error(2)
    assert zoo("run", tiny, "a.png", "--log", "run.jsonl").code == 0


def test_a_log_that_cannot_be_written_stops_the_run(zoo: Zoo, tiny: str) -> None:
    draw("a.png")
    assert "none/run.jsonl can't be written" in zoo("run", tiny, "a.png", "--log", "none/run.jsonl").error(8)
    assert files() == ["a.png"]


def test_a_manifest_names_the_pictures(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png", "in/sub/[b].png", "c.png")
    Path("list").write_bytes(b"in/a.png\r\n\nin/sub/[b].png\nc.png")
    done = zoo("run", tiny, "--manifest", "list", "-o", "out")
    assert done.out == b"out/in/a.png\nout/in/sub/[b].png\nout/c.png\n"
    done = zoo("run", tiny, "--manifest", "-", "-o", "other", stdin=b"c.png\n")
    assert done.out == b"other/c.png\n"


def test_a_manifest_below_a_folder(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png", "in/sub/b.png", "in/c.png")
    Path("list").write_text("in/sub/b.png\na.png\n")
    assert zoo("run", tiny, "in/", "--manifest", "list", "-o", "out").out == b"out/sub/b.png\nout/a.png\n"


@pytest.mark.parametrize(
    ("text", "words", "code", "says"),
    [
        ("../a.png\n", (), 2, "line 1 of the manifest, ../a.png"),
        ("\n", (), 2, "the manifest names no picture"),
        ("a.png\n", ("a.png", "b.png"), 2, "one folder, which its lines are below"),
        (None, (), 3, "list: no such file"),
    ],
)
def test_a_manifest_that_is_none(
    zoo: Zoo, tiny: str, text: str | None, words: tuple[str, ...], code: int, says: str
) -> None:
    if text is not None:
        Path("list").write_text(text)
    before = files()
    assert says in zoo("run", tiny, *words, "--manifest", "list", "-o", "out").error(code)
    assert files() == before


def test_shards_are_all_pictures_once(zoo: Zoo, tiny: str) -> None:
    album(*range(12))
    parts = [set(zoo("run", tiny, "in", "-o", "out", "--shard", f"{part}/3").out.split()) for part in (1, 2, 3)]
    assert sorted(map(len, parts)) != [0, 0, 12]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 12
    album(*range(12, 20))  # what comes later leaves a picture in its part
    again = set(zoo("run", tiny, "in", "-o", "again", "--shard", "1/3", "--dry-run").out.decode().splitlines())
    assert {line.partition(" -> ")[2].replace("again/", "out/").encode() for line in again} >= parts[0]


def test_pictures_of_one_result_are_in_one_shard(zoo: Zoo, tiny: str) -> None:
    draw("in/a.gif", "in/a.png", "in/A.bmp")
    seen = [zoo("run", tiny, "in", "-o", "out", "--shard", f"{part}/5") for part in range(1, 6)]
    assert sorted(done.code for done in seen) == [0, 0, 0, 0, 2]
    assert sum("would both be written" in done.err for done in seen) == 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "1/2/3", "-1/2"])
def test_a_shard_that_is_none(zoo: Zoo, tiny: str, text: str) -> None:
    draw("a.png")
    assert f"not '{text}'" in zoo("run", tiny, "a.png", f"--shard={text}").error(2)


def test_a_part_of_many_needs_a_folder(zoo: Zoo, tiny: str) -> None:
    draw("a.png")
    assert "needs a folder" in zoo("run", tiny, "a.png", "-o", "b.png", "--shard", "1/1").error(2)


def test_a_dry_run_writes_nothing(zoo: Zoo, tiny: str) -> None:
    draw("in/a.png", "in/b.png", "out/a.png")
    before = files()
    done = zoo("run", tiny, "in", "none.png", "-o", "out", "--skip-existing", "--log", "run.jsonl", "--dry-run")
    assert (done.code, done.out) == (3, b"in/b.png -> out/b.png\n")
    assert done.err.splitlines() == [
        "error: none.png: no such file",
        "note: 1 to do, 1 done before, 1 that can't be done; nothing was written",
    ]
    assert "out/a.png exists" in zoo("run", tiny, "in", "-o", "out", "--dry-run").err
    assert files() == before


@pytest.mark.parametrize("options", [("--force",), ("--grid", "sheet.png")])
def test_options_that_contradict_each_other(zoo: Zoo, tiny: str, options: tuple[str, ...]) -> None:
    draw("a.png")
    assert "choose one" in zoo("run", tiny, "a.png", "--skip-existing", *options).error(2)
