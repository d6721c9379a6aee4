"""From words to jobs: what is taken for an input, where each result goes, and what is refused before any work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo.errors import NotFoundError, UsageError
from zoo.jobs.planning import Job, plan, with_candidates


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures; planning looks at names only."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.PNG", "album/c.jpeg", "album/d.webp", "album/notes.txt", "album/sub/e.tif"):
        touch(name)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def planned(*inputs: str, out: str | None = None, recursive: bool = False) -> dict[str, str]:
    jobs = plan(inputs, out, "colorize", recursive)
    return {str(job.source): str(job.target) for job in jobs}


def test_an_empty_name_is_not_the_current_folder() -> None:
    with pytest.raises(UsageError, match="a picture's name is empty"):
        planned("a.jpg", "")
    with pytest.raises(UsageError, match="the name after -o is empty"):
        planned("a.jpg", out="")


def test_results_lie_beside_their_inputs() -> None:
    assert planned("a.jpg", "album") == {
        "a.jpg": "a.colorize.jpg",
        "album/c.jpeg": "album/c.colorize.jpeg",
        "album/d.webp": "album/d.colorize.webp",
    }


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("x.gif", "x.colorize.png"),  # 256 colours are too few
        ("x.heic.pgm", "x.heic.colorize.png"),  # gray only
        ("x.JPG", "x.colorize.JPG"),
        ("x.v2.tiff", "x.v2.colorize.tiff"),
        ("x", "x.colorize.png"),
    ],
)
def test_a_result_keeps_the_suffix_if_that_holds_colours(name: str, result: str) -> None:
    touch(name)
    assert planned(name) == {name: result}


@pytest.mark.parametrize("out", ["out/", "out", "album", "out/deeper/"])
def test_a_folder_as_output_takes_each_under_its_own_name(out: str) -> None:
    assert planned("a.jpg", "b.PNG", out=out) == {
        "a.jpg": f"{out.rstrip('/')}/a.jpg",
        "b.PNG": f"{out.rstrip('/')}/b.PNG",
    }
    assert planned("a.jpg", out=out) == {"a.jpg": f"{out.rstrip('/')}/a.jpg"}


def test_a_file_as_output_takes_one() -> None:
    assert planned("a.jpg", out="new.webp") == {"a.jpg": "new.webp"}
    touch("single/x.jpg")
    assert planned("single", out="new.webp") == {"single/x.jpg": "new.webp"}
    with pytest.raises(
        UsageError, match=r"new\.webp names one file, but there are 2 inputs: name a folder, new\.webp/"
    ):
        planned("a.jpg", "b.PNG", out="new.webp")


def test_recursive_keeps_the_paths_below() -> None:
    assert planned("album", out="out", recursive=True) == {
        "album/c.jpeg": "out/c.jpeg",
        "album/d.webp": "out/d.webp",
        "album/sub/e.tif": "out/sub/e.tif",
    }
    assert planned("album", recursive=True)["album/sub/e.tif"] == "album/sub/e.colorize.tif"


def test_a_pattern_keeps_the_paths_below_its_fixed_part() -> None:
    assert planned("album/**/*.[jt][pi]*", out="out") == {
        "album/c.jpeg": "out/c.jpeg",
        "album/sub/e.tif": "out/sub/e.tif",
    }
    assert list(planned("*.jpg")) == ["a.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    touch("a[1].jpg", "a1.jpg")
    assert planned("a[1].jpg") == {"a[1].jpg": "a[1].colorize.jpg"}


def test_a_tilde_is_home_at_the_beginning_of_a_path_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "album"))
    touch("~x.jpg")
    assert planned("~x.jpg") == {"~x.jpg": "~x.colorize.jpg"}
    assert list(planned("~/*.jpeg", out="~/out")) == [str(folder / "album" / "c.jpeg")]


def test_a_second_run_does_not_take_the_results_of_the_first() -> None:
    first = planned("album", "*.jpg", recursive=True)
    touch(*first.values())
    assert planned("album", "*.jpg", recursive=True) == first


def test_a_result_folder_among_the_inputs_is_not_read_again() -> None:
    first = planned("album", out="album/out", recursive=True)
    touch(*first.values())
    assert planned("album", out="album/out", recursive=True) == first
    assert planned("album/**/*.jpeg", out="album/out") == {"album/c.jpeg": "album/out/c.jpeg"}


def test_a_result_named_by_hand_is_an_input() -> None:
    touch("a.colorize.jpg")
    assert planned("a.colorize.jpg") == {"a.colorize.jpg": "a.colorize.colorize.jpg"}


def test_hidden_files_of_a_folder_are_no_inputs() -> None:
    before = planned("album", recursive=True)
    touch("album/._c.jpeg", "album/.thumbnails/c.jpeg", "album/__MACOSX/c.jpeg", "album/@eaDir/c.jpeg/thumb.jpg")
    assert planned("album", recursive=True) == before


def test_a_picture_named_twice_is_done_once() -> None:
    Path("link.jpg").symlink_to("a.jpg")
    assert planned("a.jpg", "./a.jpg", "*.jpg", out="out") == {"a.jpg": "out/a.jpg", "link.jpg": "out/link.jpg"}
    assert planned("a.jpg", "a.jpg", out="new.png") == {"a.jpg": "new.png"}


def test_the_order_is_that_of_the_words_and_sorted_within() -> None:
    assert list(planned("b.PNG", "album", "a.jpg")) == ["b.PNG", "album/c.jpeg", "album/d.webp", "a.jpg"]


def test_standard_input_and_output() -> None:
    assert plan(["-"], "-", "colorize") == [Job(None, None)]
    assert plan(["a.jpg"], "-", "colorize") == [Job(Path("a.jpg"), None)]
    assert plan(["-"], "x.png", "colorize") == [Job(None, Path("x.png"))]
    assert plan(["-", "a.jpg"], "out/", "colorize")[0] == Job(None, Path("out/stdin.png"))
    for inputs, out in ((["a.jpg", "b.PNG"], "-"), (["-", "a.jpg"], None)):
        with pytest.raises(UsageError, match="standard output takes one picture"):
            plan(inputs, out, "colorize")


def test_a_missing_file_is_left_for_its_turn() -> None:
    assert list(planned("absent.jpg", "a.jpg")) == ["absent.jpg", "a.jpg"]


@pytest.mark.parametrize("name", ["hard.jpg", "soft.jpg", "a.jpg", "album/../a.jpg"])
def test_a_result_never_replaces_an_input_whatever_it_is_called(name: str) -> None:
    os.link("a.jpg", "hard.jpg")
    Path("soft.jpg").symlink_to("a.jpg")
    with pytest.raises(UsageError, match="is an input and would be overwritten"):
        planned("a.jpg", out=name)


def test_a_result_never_replaces_another_input() -> None:
    touch("a.colorize.jpg")
    with pytest.raises(UsageError, match=r"a\.colorize\.jpg is an input and would be overwritten"):
        planned("a.jpg", "a.colorize.jpg")
    with pytest.raises(UsageError, match="is an input"):
        planned("album", out="album")


def test_two_results_with_one_name_do_not_stop_other_jobs() -> None:
    touch("album/c.gif", "other/b.jpg", "other/c.gif", "other/c.png")
    first, *both = plan(["other"], "out", "colorize")
    assert (first.name, first.fault) == ("other/b.jpg", None)
    assert [str(job.fault) for job in both] == [
        "other/c.gif and other/c.png would both be written to out/c.png: run one of them into another folder",
        "other/c.png and other/c.gif would both be written to out/c.png: run one of them into another folder",
    ]
    jobs = plan(["album/c.gif", "other/c.gif", "a.jpg", "other/c.png"], "out", "colorize")
    assert [isinstance(job.fault, UsageError) for job in jobs] == [True, True, False, True]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("holiday [2024]/*.png", {"holiday [2024]/1.png": "1.png", "holiday [2024]/2.png": "2.png"}),
        ("holiday [2024]/[1].png", {"holiday [2024]/1.png": "1.png"}),
        ("holiday [2024]/sub [a]/?.png", {"holiday [2024]/sub [a]/3.png": "3.png"}),
        ("holiday [2024]/**/[3].png", {"holiday [2024]/sub [a]/3.png": "sub [a]/3.png"}),
        ("*/sub [a]/*.png", {"holiday [2024]/sub [a]/3.png": "holiday [2024]/sub [a]/3.png"}),
        (
            "h*/[12].png",
            {"holiday [2024]/1.png": "holiday [2024]/1.png", "holiday [2024]/2.png": "holiday [2024]/2.png"},
        ),
        ("roll [[]x]/*", {"roll [x]/4.png": "roll [x]/4.png"}),
        ("roll ?x?/*", {"roll [x]/4.png": "roll [x]/4.png"}),
    ],
)
def test_brackets_are_part_of_a_name_that_is_there(folder: Path, pattern: str, found: dict[str, str]) -> None:
    touch(
        "holiday [2024]/1.png",
        "holiday [2024]/2.png",
        "holiday [2024]/sub [a]/3.png",
        "holiday 2/9.png",
        "roll [x]/4.png",
    )
    assert planned(pattern, out="out") == {source: f"out/{target}" for source, target in found.items()}
    below = {str(folder / source): f"out/{target}" for source, target in found.items()}
    assert planned(f"{folder}/{pattern}", out="out") == below


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        (["empty"], "no pictures in empty; --recursive looks into its folders"),
        (["a.jpg", "empty"], "no pictures in empty"),
        (["*.nothing"], r"no picture matches \*\.nothing"),
        (["absent/*.jpg"], "no picture matches"),
    ],
)
def test_words_that_name_no_picture_are_refused(inputs: list[str], word: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(NotFoundError, match=word):
        plan(inputs, None, "colorize")


def test_no_words_are_refused() -> None:
    with pytest.raises(UsageError, match="name at least one picture"):
        plan([], None, "colorize")


def test_an_earlier_sheet_is_not_an_input_and_replaces_none() -> None:
    touch("album/sheet.png")
    jobs = plan(["album"], None, "colorize", sheet="album/sheet.png")
    assert [str(job.source) for job in jobs] == ["album/c.jpeg", "album/d.webp"]
    for out, sheet in ((None, "a.jpg"), ("out.png", "out.png")):
        with pytest.raises(UsageError, match="is an input or a result and can't be the sheet too"):
            plan(["a.jpg"], out, "colorize", sheet=sheet)


def test_candidates_are_numbered_before_the_label() -> None:
    jobs = with_candidates(
        [Job(Path("a.jpg"), Path("a.colorize.jpg")), Job(Path("b.png"), Path("out/b.png"))], 2, "colorize"
    )
    assert [str(job.target) for job in jobs] == ["a.1.colorize.jpg", "a.2.colorize.jpg", "out/b.1.png", "out/b.2.png"]
    assert [job.candidate for job in jobs] == [0, 1, 0, 1]


def test_candidates_need_files() -> None:
    with pytest.raises(UsageError, match="takes one picture"):
        with_candidates([Job(None, None)], 2, "colorize")
