"""Pictures that arrive in a folder: only those that are whole, and each once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo.jobs.watching import Arrivals, arrivals


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("out").mkdir()


def write(name: str, text: str, changed: int) -> None:
    """A file of the time `changed`."""
    Path(name).write_text(text)
    os.utime(name, ns=(changed, changed))


def look(watched: Arrivals) -> list[str]:
    return [job.name for job in watched.look()]


def watch(**options: bool) -> Arrivals:
    return Arrivals("in", "out/", "colorize", **options)


def test_a_picture_has_arrived_when_it_stays_as_it_is() -> None:
    watched = watch()
    assert look(watched) == []
    write("in/a.jpg", "half", 1)
    assert look(watched) == []
    write("in/a.jpg", "more than half", 1)  # larger, at one time
    assert look(watched) == []
    write("in/a.jpg", "more than HALF", 2)  # as large, later
    assert look(watched) == []
    assert look(watched) == ["in/a.jpg"]
    assert look(watched) == []


def test_a_rename_brings_a_picture() -> None:
    watched = watch()
    write("in/.a.part", "whole", 1)
    assert [look(watched) for _ in range(3)] == [[], [], []]
    Path("in/.a.part").rename("in/a.jpg")
    assert [look(watched) for _ in range(3)] == [[], ["in/a.jpg"], []]
    write("in/b.part", "other", 1)
    Path("in/b.part").replace("in/a.jpg")  # as large, of one time, and another file
    assert [look(watched) for _ in range(3)] == [[], ["in/a.jpg"], []]


def test_what_is_done_is_left_out() -> None:
    write("in/a.jpg", "a", 1)
    write("in/b.jpg", "b", 1)
    write("out/a.jpg", "done", 1)
    watched = watch()
    assert [look(watched), look(watched)] == [[], ["in/b.jpg"]]


def test_what_failed_is_tried_again_when_it_changes() -> None:
    write("in/a.jpg", "bad", 1)
    watched = watch()
    assert [look(watched) for _ in range(3)] == [[], ["in/a.jpg"], []]
    write("in/a.jpg", "good", 2)
    assert [look(watched) for _ in range(3)] == [[], ["in/a.jpg"], []]


def test_a_picture_that_left_and_came_back_is_new() -> None:
    write("in/a.jpg", "a", 1)
    watched = watch()
    assert [look(watched), look(watched)] == [[], ["in/a.jpg"]]
    Path("in/a.jpg").unlink()
    assert look(watched) == []
    write("in/a.jpg", "a", 1)
    assert [look(watched), look(watched)] == [[], ["in/a.jpg"]]


def test_results_in_the_watched_folder_are_no_arrivals() -> None:
    write("in/a.jpg", "a", 1)
    write("in/b.colorize.jpg", "b", 1)
    write("in/sub.txt", "c", 1)
    watched = Arrivals("in", None, "colorize")
    assert [look(watched), look(watched)] == [[], ["in/a.jpg"]]


def test_folders_below_are_watched_if_that_is_said() -> None:
    Path("in/sub").mkdir()
    write("in/sub/a.jpg", "a", 1)
    assert [look(watched) for watched in [watch()] * 2] == [[], []]
    watched = watch(recursive=True)
    watched.look()
    assert [str(job.target) for job in watched.look()] == ["out/sub/a.jpg"]


def test_once_is_two_looks_and_one_pause() -> None:
    write("in/a.jpg", "a", 1)
    pauses: list[int] = []

    def pause() -> None:
        pauses.append(1)
        write("in/b.jpg", "still coming", len(pauses))

    assert [[job.name for job in jobs] for jobs in arrivals(watch(), pause, once=True)] == [["in/a.jpg"]]
    assert pauses == [1]


def test_it_goes_on_until_it_is_ended() -> None:
    looks = 0

    def pause() -> None:
        nonlocal looks
        looks += 1
        if looks == 7:
            raise KeyboardInterrupt
        if looks % 2:
            write(f"in/{looks}.jpg", "a", 1)

    found = []
    with pytest.raises(KeyboardInterrupt):
        for jobs in arrivals(watch(), pause):
            found += [job.name for job in jobs]
    assert found == ["in/1.jpg", "in/3.jpg", "in/5.jpg"]
