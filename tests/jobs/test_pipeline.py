"""Running a model over files: what is written, what is not, and that one bad picture stops no other."""

from __future__ import annotations

import os
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny import edit_config, write_checkpoint

import zoo
from zoo.errors import DiskError, UnsafeFileError, UsageError, ZooError
from zoo.inference.model import Model
from zoo.jobs.answers import Options
from zoo.jobs.planning import Job
from zoo.jobs.running import run_jobs
from zoo.pictures.images import read_picture


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return zoo.load(f"dir:{write_checkpoint(tmp_path_factory.mktemp('tiny'))}")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def jobs(*names: str) -> list[Job]:
    """A job for each name, `in/NAME` to `out/NAME`; the picture is there, of a size that tells it from the others."""
    Path("in").mkdir(exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (5 + number, 4), (200, 100, 50)).save(Path("in", name))
    return [Job(Path("in", name), Path("out", name)) for name in names]


def size(path: Path | str | None) -> tuple[int, int]:
    with Image.open(str(path)) as image:
        return image.size


def array(path: str, mode: str = "RGB") -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode))


def written() -> list[str]:
    return sorted(file.name for file in Path("out").iterdir())


@pytest.mark.parametrize("workers", [1, 2, None])
def test_each_result_is_its_own_inputs_in_the_order_of_the_jobs(model: Model, workers: int | None) -> None:
    todo = jobs(*(f"{number}.png" for number in range(12)))
    outcomes = list(run_jobs(model, todo, Options(), workers))
    assert [outcome.job for outcome in outcomes] == todo
    assert [outcome.error for outcome in outcomes] == [None] * 12
    for job in todo:
        assert size(job.target) == size(job.source)


def test_the_result_is_what_the_model_gives(model: Model) -> None:
    (job,) = jobs("a.png")
    list(run_jobs(model, [job], Options()))
    expected = model.translate("in/a.png")[0].transpose(1, 2, 0)
    np.testing.assert_allclose(array("out/a.png") / 255, expected, atol=1 / 255)


@pytest.mark.parametrize("workers", [1, 3])
def test_bad_pictures_stop_no_other(model: Model, workers: int) -> None:
    todo = jobs("a.png", "b.png", "c.png", "d.png")
    Path("in/b.png").write_bytes(b"no picture")
    Path("in/c.png").unlink()
    errors = [outcome.error for outcome in run_jobs(model, todo, Options(), workers)]
    assert [getattr(error, "exit_code", 0) for error in errors] == [0, 7, 3, 0]
    assert written() == ["a.png", "d.png"]


def test_who_stops_listening_stops_the_work(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second picture is being computed when listening stops: it is not written."""
    computing, ended = Event(), Event()

    class Stopped(Event):
        def set(self) -> None:
            super().set()
            ended.set()

    def translate(self: Model, images: np.ndarray, strength: float) -> np.ndarray:
        if images.shape[3] > 5:  # the second
            computing.set()
            assert ended.wait(timeout=60)
        return images.repeat(3, axis=1)

    monkeypatch.setattr(Model, "translate", translate)
    monkeypatch.setattr("zoo.jobs.running.Event", Stopped)
    outcomes = run_jobs(model, jobs("a.png", "b.png"), Options(), workers=2)
    next(outcomes)
    assert computing.wait(timeout=60)
    outcomes.close()
    assert written() == ["a.png"]


def test_who_stops_listening_to_one_worker_stops_the_work(model: Model) -> None:
    outcomes = run_jobs(model, jobs("a.png", "b.png"), Options(), workers=1)
    next(outcomes)
    outcomes.close()
    assert written() == ["a.png"]


def test_folders_of_results_are_made(model: Model) -> None:
    (job,) = jobs("a.png")
    deep = Job(job.source, Path("out/deep/er/a.png"))
    assert [outcome.error for outcome in run_jobs(model, [deep], Options())] == [None]
    assert size("out/deep/er/a.png") == (5, 4)


def test_the_folder_of_a_missing_input_is_not_made(model: Model) -> None:
    missing = Job(Path("absent/a.png"), Path("absent/a.colorize.png"))
    (outcome,) = run_jobs(model, [missing], Options())
    assert str(outcome.error) == "absent/a.png: no such file"
    assert not Path("absent").exists()


def test_a_file_in_place_of_a_folder_is_found_before_reading(model: Model) -> None:
    (job,) = jobs("a.png")
    Path("out").write_text("mine")
    with pytest.raises(DiskError, match="can't make the folder out: a file is in its way"):
        list(run_jobs(model, [job], Options()))
    with pytest.raises(DiskError, match="a file is in its way"):
        list(run_jobs(model, [Job(job.source, Path("out/sub/a.png"))], Options()))
    assert Path("out").read_text() == "mine"


def test_an_unwritable_folder_is_found_before_reading(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = jobs("a.png")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(DiskError, match="can't write into the folder out: permission denied"):
        list(run_jobs(model, todo, Options()))


def test_a_result_that_exists_is_replaced_by_force_only(model: Model) -> None:
    todo = jobs("a.png")
    list(run_jobs(model, todo, Options()))
    before = Path("out/a.png").read_bytes()
    (outcome,) = run_jobs(model, todo, Options(side_by_side=True))
    assert isinstance(outcome.error, UsageError)
    assert Path("out/a.png").read_bytes() == before
    (outcome,) = run_jobs(model, todo, Options(side_by_side=True, force=True))
    assert outcome.error is None
    assert Path("out/a.png").read_bytes() != before


def test_side_by_side_shows_the_input_on_the_left(model: Model) -> None:
    todo = jobs("a.png")
    list(run_jobs(model, todo, Options(side_by_side=True)))
    both, result = array("out/a.png"), model.translate("in/a.png")[0].transpose(1, 2, 0)
    assert both.shape[0] == 4
    assert both.shape[1] > 2 * 5
    gray = array("in/a.png", "L")
    np.testing.assert_array_equal(both[:, :5], np.repeat(gray[:, :, None], 3, axis=2))  # what the model was shown
    np.testing.assert_allclose(both[:, -5:] / 255, result, atol=1 / 255)


def test_cells_hold_whole_small_results_centred_on_white(model: Model) -> None:
    todo = jobs("a.png", "b.png")
    Image.new("RGB", (40, 10), (200, 100, 50)).save("in/a.png")
    cells = [outcome.cell for outcome in run_jobs(model, todo, Options(cell=8))]
    assert [cell.shape for cell in cells if cell is not None] == [(3, 8, 8), (3, 8, 8)]
    assert cells[0] is not None
    assert (cells[0][:, :2] == 255).all()
    np.testing.assert_allclose(cells[0][:, 3:5, 4] / 255, array("out/a.png")[4:6, 20].T / 255, atol=2 / 255)
    pairs = [outcome.cell for outcome in run_jobs(model, todo, Options(cell=8, side_by_side=True, force=True))]
    assert pairs[0] is not None
    assert pairs[0].shape == (3, 8, 16)
    np.testing.assert_array_equal(pairs[0][:, :, 8:], cells[0])
    assert [outcome.cell for outcome in run_jobs(model, todo, Options(force=True))] == [None, None]


class TestSixteenBits:
    LEVELS = np.random.default_rng(0).integers(0, 65536, (30, 40), dtype=np.uint16)

    @pytest.fixture
    def colorizer(self, tmp_path: Path) -> Model:
        folder = write_checkpoint(tmp_path / "chroma")
        edit_config(folder, lambda config: config["capabilities"]["translate"].update(fit="chroma"))
        return zoo.load(f"dir:{folder}")

    def run(self, model: Model, source: str, target: str, **options: Any) -> np.ndarray:
        """The result of the levels as a picture of this name."""
        Image.fromarray(self.LEVELS).save(source)
        list(run_jobs(model, [Job(Path(source), Path(target))], Options(force=True, **options)))
        return array(target)

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_a_colorizer_keeps_the_lightness_of_16_bits(self, colorizer: Model, suffix: str) -> None:
        self.run(colorizer, f"a.{suffix}", f"b.{suffix}")
        made = read_picture(f"b.{suffix}", deep=True).deep
        assert made is not None
        rgb = made / 65535
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
        light = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 65535
        assert np.abs(light - self.LEVELS).mean() < 1
        assert np.ptp(made.astype(int), axis=2).mean() > 500

    def test_the_8_bits_of_the_same_result_go_into_a_jpeg(self, colorizer: Model) -> None:
        deep, plain = self.run(colorizer, "a.png", "b.png"), self.run(colorizer, "a.png", "b.jpg", quality=100)
        assert np.abs(deep.astype(int) - plain).mean() < 2

    def test_beside_its_input_a_result_has_8_bits(self, colorizer: Model) -> None:
        self.run(colorizer, "a.png", "b.png", side_by_side=True)
        assert read_picture("b.png", deep=True).deep is None

    def test_a_cell_has_the_8_bits(self, colorizer: Model) -> None:
        Image.fromarray(self.LEVELS).save("a.png")
        (outcome,) = run_jobs(colorizer, [Job(Path("a.png"), Path("b.png"))], Options(cell=16))
        assert outcome.cell is not None
        assert outcome.cell.dtype == np.uint8

    def test_other_fits_have_the_8_bits_of_the_model(self, model: Model) -> None:
        self.run(model, "a.png", "b.png")
        assert read_picture("b.png", deep=True).deep is None


def test_a_limit_of_pixels_holds(model: Model) -> None:
    todo = jobs("a.png", "b.png")
    outcomes = list(run_jobs(model, todo, Options(max_pixels=20)))
    assert outcomes[0].error is None
    assert isinstance(outcomes[1].error, UnsafeFileError)
    assert "--max-pixels" in str(outcomes[1].error)


def test_notes_on_the_input_come_with_the_outcome(model: Model) -> None:
    jobs("a.png")
    frames = [Image.new("RGB", (5, 4), color) for color in ("red", "blue")]
    frames[0].save("in/a.gif", save_all=True, append_images=frames[1:])
    (outcome,) = run_jobs(model, [Job(Path("in/a.gif"), Path("out/a.png"))], Options())
    assert outcome.notes == ("animated: first of 2 taken",)


@pytest.mark.parametrize(("error", "kind"), [(MemoryError(), ZooError), (ValueError("a bug"), ValueError)])
def test_what_breaks_in_the_model_is_an_outcome(
    model: Model, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    def translate(self: Model, images: np.ndarray, strength: float) -> np.ndarray:
        raise error

    monkeypatch.setattr(Model, "translate", translate)
    (outcome,) = run_jobs(model, jobs("a.png"), Options())
    assert type(outcome.error) is kind
    assert written() == []


class Terminal(TextIOWrapper):
    def isatty(self) -> bool:
        return True


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes, kind: type[TextIOWrapper] = TextIOWrapper) -> BytesIO:
    """Standard input with this in it; returns what is standard output."""
    out = BytesIO()
    monkeypatch.setattr(sys, "stdin", kind(BytesIO(data)))
    monkeypatch.setattr(sys, "stdout", kind(out))
    return out


@pytest.mark.parametrize(
    ("kind", "result"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WEBP"), ("GIF", "PNG"), ("PPM", "PNG")]
)
def test_a_piped_image_keeps_its_format_if_that_has_colours(
    model: Model, monkeypatch: pytest.MonkeyPatch, kind: str, result: str
) -> None:
    data = BytesIO()
    Image.new("RGB", (6, 4), "gray").save(data, kind)
    out = pipe(monkeypatch, data.getvalue())
    (outcome,) = run_jobs(model, [Job(None, None)], Options())
    assert outcome.error is None
    with Image.open(out) as image:
        assert (image.format, image.size) == (result, (6, 4))


def test_a_terminal_neither_gives_nor_takes_a_picture(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = jobs("a.png")
    pipe(monkeypatch, b"", Terminal)
    for todo, word in ((Job(job.source, None), "name a file with -o"), (Job(None, job.target), "name a file, or pipe")):
        (outcome,) = run_jobs(model, [todo], Options())
        assert isinstance(outcome.error, UsageError)
        assert word in str(outcome.error)


def test_closed_standard_streams_are_said(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = jobs("a.png")
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    for todo in (Job(job.source, None), Job(None, job.target)):
        (outcome,) = run_jobs(model, [todo], Options())
        assert isinstance(outcome.error, UsageError)
