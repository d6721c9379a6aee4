"""`zoo run`: what it writes where, what it prints, and what it leaves alone."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command import Zoo, draw, files
from PIL import Image

from zoo.pictures.images import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    from conftest import FakePlugins


def test_files_and_folders_into_a_folder(zoo: Zoo, tiny: str) -> None:
    draw("a.jpg", "b.png", "folder/c.webp", "folder/deep/d.png")
    assert zoo("run", tiny, "a.jpg", "b.png", "folder/", "-o", "out/").lines == ["out/a.jpg", "out/b.png", "out/c.webp"]
    assert zoo("run", tiny, "folder", "-r", "-o", "kept").lines == ["kept/c.webp", "kept/deep/d.png"]
    for name in ("out/a.jpg", "kept/deep/d.png"):
        with Image.open(name) as image:
            assert (image.size, image.mode) == ((8, 6), "RGB")


def test_the_default_lies_beside_the_input_and_bears_the_task(zoo: Zoo, tiny: str) -> None:
    draw("folder/a.jpg")
    assert zoo("run", tiny, "folder/a.jpg").lines == ["folder/a.colorize.jpg"]


def test_the_task_the_family_and_the_model_mean_the_same(zoo: Zoo) -> None:
    draw("a.png")
    assert zoo("run", "colorize", "a.png").lines == ["a.colorize.png"]
    first = Path("a.colorize.png").read_bytes()
    for name in ("colorizer-unet", "colorizer-unet.photos"):
        assert zoo("run", name, "a.png", "-f").lines == ["a.colorize.png"]
        assert Path("a.colorize.png").read_bytes() == first


def test_quoted_patterns(zoo: Zoo, tiny: str) -> None:
    draw("a.jpg", "b.jpg", "c.png")
    assert zoo("run", tiny, "*.jpg").lines == ["a.colorize.jpg", "b.colorize.jpg"]


def test_nothing_is_overwritten_without_force(zoo: Zoo, tiny: str) -> None:
    draw("a.png", "b.png")
    zoo("run", tiny, "a.png", "-o", "b.png")
    Path("b.png").write_bytes(b"mine")
    assert (
        zoo("run", tiny, "a.png", "-o", "b.png").error(2) == "b.png exists: use --force, or -o to write somewhere else"
    )
    assert Path("b.png").read_bytes() == b"mine"
    assert zoo("run", tiny, "a.png", "-o", "b.png", "--force").lines == ["b.png"]
    assert Path("b.png").read_bytes() != b"mine"


def test_a_result_goes_through_a_link_with_force(zoo: Zoo, tiny: str) -> None:
    draw("a.png", "other/b.png")
    before = Path("other/b.png").read_bytes()
    Path("link.png").symlink_to("other/b.png")
    assert "exists" in zoo("run", tiny, "a.png", "-o", "link.png").error(2)
    assert zoo("run", tiny, "a.png", "-o", "link.png", "-f").lines == ["link.png"]
    assert Path("link.png").is_symlink()
    assert Path("other/b.png").read_bytes() != before
    assert files() == ["a.png", "link.png", "other/b.png"]


def test_results_of_one_name_stop_each_other_and_nothing_else(zoo: Zoo, tiny: str) -> None:
    draw("folder/a.png", "folder/b.gif", "folder/b.png", "folder/c.png")
    done = zoo("run", tiny, "folder", "-o", "out")
    assert (done.code, done.out) == (2, b"out/a.png\nout/c.png\n")
    assert done.err.splitlines() == [
        "error: folder/b.gif and folder/b.png would both be written to out/b.png: run one of them into another folder",
        "error: folder/b.png and folder/b.gif would both be written to out/b.png: run one of them into another folder",
        "error: 2 of 4 pictures failed",
    ]
    assert not Path("out/b.png").exists()


def test_a_pattern_below_a_folder_with_brackets(zoo: Zoo, tiny: str) -> None:
    draw("holiday [2024]/1.png", "holiday [2024]/2.png")
    assert zoo("run", tiny, "holiday [2024]/*.png", "-o", "out/").lines == ["out/1.png", "out/2.png"]


def test_an_input_is_not_overwritten_even_with_force(zoo: Zoo, tiny: str) -> None:
    draw("a.png")
    before = Path("a.png").read_bytes()
    Path("link.png").symlink_to("a.png")
    Path("hard.png").hardlink_to("a.png")
    for out in ("a.png", "./a.png", "link.png", "hard.png", "."):
        assert "is an input and would be overwritten" in zoo("run", tiny, "a.png", "-f", "-o", out).error(2)
    assert Path("a.png").read_bytes() == before


def test_a_second_run_over_a_folder_takes_the_same_inputs(zoo: Zoo, tiny: str) -> None:
    draw("folder/a.png", "folder/b.png")
    first = zoo("run", tiny, "folder").lines
    assert zoo("run", tiny, "folder", "--force").lines == first
    assert len(files()) == 4


def test_side_by_side_is_wider(zoo: Zoo, tiny: str) -> None:
    draw("a.png")
    zoo("run", tiny, "a.png", "--side-by-side")
    with Image.open("a.colorize.png") as image:
        assert image.width > 16


@pytest.mark.parametrize("words", [("-",), ("-", "-o", "-"), ("a.jpg", "-o", "-")])
def test_a_pipe_carries_the_picture_and_nothing_else(zoo: Zoo, tiny: str, words: tuple[str, ...]) -> None:
    draw("a.jpg")
    result = zoo("run", tiny, *words, stdin=Path("a.jpg").read_bytes())
    assert (result.code, result.err) == (0, "")
    with Image.open(BytesIO(result.out)) as image:
        assert (image.format, image.size) == ("JPEG", (8, 6))
    assert files() == ["a.jpg"]


def test_standard_input_into_a_file(zoo: Zoo, tiny: str) -> None:
    draw("a.jpg")
    assert zoo("run", tiny, "-", "-o", "b.png", stdin=Path("a.jpg").read_bytes()).lines == ["b.png"]


def test_quality_makes_smaller_files(zoo: Zoo, tiny: str) -> None:
    Image.effect_noise((64, 64), 80).save("a.jpg")
    sizes = []
    for quality in (95, 20):
        zoo("run", tiny, "a.jpg", "-o", f"{quality}.jpg", "--quality", quality)
        sizes.append(Path(f"{quality}.jpg").stat().st_size)
    assert sizes[1] < sizes[0] / 2


def test_bad_files_are_listed_and_the_first_sets_the_exit_code(zoo: Zoo, tiny: str) -> None:
    draw("folder/a.png", "folder/d.png")
    Path("folder/b.png").write_bytes(b"no picture")
    Path("folder/c.jpg").write_bytes(b"")
    result = zoo("run", tiny, "folder", "absent.png")
    assert result.code == 7
    assert result.out.decode().splitlines() == ["folder/a.colorize.png", "folder/d.colorize.png"]
    assert result.err.splitlines() == [
        "error: folder/b.png is not a picture of a known format, or its beginning is damaged",
        "error: folder/c.jpg is empty",
        "error: absent.png: no such file",
        "error: 3 of 5 pictures failed",
    ]
    assert zoo("run", tiny, "absent.png", "folder", "-f").code == 3


def test_notes_on_an_input_are_no_errors(zoo: Zoo, tiny: str) -> None:
    frames = [Image.new("L", (4, 4), shade) for shade in (0, 255)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    result = zoo("run", tiny, "a.gif")
    assert (result.code, result.out) == (0, b"a.colorize.png\n")
    assert result.err == "note: a.gif: animated: first of 2 taken\n"


def test_alone_it_lists_the_tasks_with_an_example_each(zoo: Zoo) -> None:
    head, *rows = zoo("run").lines
    assert head.split() == ["TASK", "MODEL", "EXAMPLE"]
    assert ["colorize", "colorizer-unet.photos", "zoo", "run", "colorize", "photo.jpg"] in [row.split() for row in rows]


def test_alone_without_models_it_says_where_to_look(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "latent-zoo")
    result = zoo("run")
    assert (result.code, result.out) == (0, b"")
    assert "`zoo plugins` shows what is" in result.err


def test_without_a_picture_it_says_what_to_name(zoo: Zoo) -> None:
    assert zoo("run", "colorize").error(2) == "name a picture or a folder: zoo run colorize photo.jpg"


def test_a_task_with_two_models_wants_the_name_of_one(zoo: Zoo, fake_plugins: FakePlugins) -> None:
    fake_plugins.install("other", '@hookimpl\ndef zoo_models():\n    yield from bundled("other")\n')
    for tag in ("one", "two"):
        fake_plugins.checkpoint("other", f"painter.{tag}", task="paint")
    draw("a.png")
    assert "2 models" in zoo("run").out.decode()
    message = zoo("run", "paint", "a.png").error(2)
    assert "task 'paint' has more than one model: painter.one, painter.two; give the name of one" in message


def test_a_broken_plugin_is_noted_and_stops_nothing(zoo: Zoo, tiny: str, fake_plugins: FakePlugins) -> None:
    fake_plugins.install("broken", "import no_such_module")
    draw("a.png")
    result = zoo("run", tiny, "a.png")
    assert (result.code, result.out) == (0, b"a.colorize.png\n")
    assert result.err.startswith("note: plugin 'it' of broken 1.0 is left out (load): ModuleNotFoundError")
    assert result.err.count("\n") == 1


def test_the_limit_of_pixels_is_that_of_reading(zoo: Zoo, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("zoo.cli.batches.do", lambda model, planned, options, *more, **named: seen.append(options) or 0)
    draw("a.png")
    zoo("run", tiny, "a.png")
    zoo("run", tiny, "a.png", "--max-pixels", "0.5")
    assert [options.max_pixels for options in seen] == [DEFAULT_MAX_PIXELS, 500_000]


def test_debug_shows_where_an_error_came_from(zoo: Zoo, tiny: str) -> None:
    Path("a.png").touch()
    result = zoo("--debug", "run", tiny, "a.png")
    assert result.code == 7
    assert result.err.startswith("Traceback (most recent call last):")
    assert result.err.endswith("error: a.png is empty\n")
    assert "pictures/reading.py" in result.err


def test_escape_codes_in_file_names_are_not_printed(zoo: Zoo, tiny: str) -> None:
    name = "a\x1b[31m\nb.png"
    Path(name).touch()
    assert zoo("run", tiny, name).error(7) == "a [31m b.png is empty"


def test_a_fault_of_the_program_is_one_line_too(zoo: Zoo, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError("this\nwas never thought of")

    monkeypatch.setattr("zoo.jobs.planning.plan", fail)
    draw("a.png")
    message = zoo("run", tiny, "a.png").error(1)
    assert message.startswith("unexpected RuntimeError: this was never thought of; `zoo --debug ...` shows where")


def test_an_interrupt_ends_with_130(zoo: Zoo, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.jobs.planning.plan", interrupt)
    draw("a.png")
    assert zoo("run", tiny, "a.png").error(130) == "interrupted"


def test_a_reader_that_has_enough_is_no_error(zoo: Zoo, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*arguments: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("zoo.jobs.running._write", gone)
    draw("a.png", "b.png")
    for words in (("a.png", "-o", "-"), ("a.png", "b.png")):
        assert zoo("run", tiny, *words).lines == []


def test_a_grid_has_every_result_and_is_not_an_input_later(zoo: Zoo, tiny: str) -> None:
    draw("album/a.png", "album/b.png", "album/c.png", "album/d.png")
    for force in ((), ("--force",)):
        lines = zoo("run", tiny, "album", "-o", "out", "--grid", "album/sheet.png", *force).lines
        assert lines == ["out/a.png", "out/b.png", "out/c.png", "out/d.png", "album/sheet.png"]
    with Image.open("album/sheet.png") as image:
        assert image.size == (2 * 256 + 4, 2 * 256 + 4)
    Path("album/sheet.png").unlink()
    zoo("run", tiny, "album", "-o", "pairs", "--side-by-side", "--grid", "pairs.png")
    with Image.open("pairs.png") as image:
        assert image.size == (2 * 512 + 4, 2 * 256 + 4)


def test_an_unwritable_grid_is_refused_before_any_work(zoo: Zoo, tiny: str) -> None:
    draw("a.png", "old.png")
    assert "old.png" in zoo("run", tiny, "a.png", "--grid", "old.png").error(2)
    assert "sheet.txt" in zoo("run", tiny, "a.png", "--grid", "sheet.txt").error(2)
    assert files() == ["a.png", "old.png"]


def test_strength_multiplies_colours_and_one_is_as_trained(zoo: Zoo) -> None:
    draw("a.png", size=(40, 30))
    colours = {}
    for words in ((), ("1",), ("0",), ("0.5",), ("2",)):
        zoo("run", "colorize", "a.png", "-f", *(("--strength", *words) if words else ()))
        with Image.open("a.colorize.png") as image:
            red, _, blue = (np.asarray(band, np.int16) for band in image.convert("RGB").split())
        colours[words] = Path("a.colorize.png").read_bytes(), float(np.abs(red - blue).mean())
    assert colours["1",][0] == colours[()][0]
    assert colours["0",][1] == 0 < colours["0.5",][1] < colours["1",][1] < colours["2",][1]


@pytest.mark.parametrize("value", ["-0.1", "2.1", "nan", "inf"])
def test_strengths_out_of_range_are_refused(zoo: Zoo, value: str) -> None:
    draw("a.png")
    told = zoo("run", "colorize", "a.png", "--strength", value).error(2)
    assert told.startswith("--strength takes 0 (gray) to 2, 1 is as trained, not ")
    assert files() == ["a.png"]


def test_strength_is_for_colorizers(zoo: Zoo, tiny: str) -> None:
    draw("a.png")
    told = zoo("run", tiny, "a.png", "--strength", "1").error(2)
    assert told == "tiny.test has no colour strength: --strength is for colorizers"
    assert files() == ["a.png"]


def test_lines_of_photos_are_for_models_of_drawings(zoo: Zoo, tiny: str) -> None:
    draw("a.png")
    assert zoo("run", tiny, "a.png", "--from-photo").error(2).startswith("--from-photo is for models")
