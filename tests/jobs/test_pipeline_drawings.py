"""Running a model of drawings over files: paper, photos, and advice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tiny import edit_config, write_checkpoint

import zoo
from zoo.inference.model import Model
from zoo.jobs.answers import Options
from zoo.jobs.planning import Job
from zoo.jobs.running import run_jobs
from zoo.pictures.drawings import trace


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def array(path: str, mode: str = "RGB") -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode))


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of drawings of 32 x 32."""
    folder = write_checkpoint(tmp_path_factory.mktemp("painter"))
    drawing = {"channels": 1, "size": [32, 32], "multiple": 8}
    edit_config(folder, lambda config: config["capabilities"]["translate"].update(input=drawing, fit="drawing"))
    return zoo.load(f"dir:{folder}")


def house(*names: str) -> list[Job]:
    Path("in").mkdir(exist_ok=True)
    for name in names:
        image = Image.new("LA", (90, 60), (255, 0))
        ImageDraw.Draw(image).rectangle((20, 15, 70, 45), outline=(0, 255), width=3)
        image.save(Path("in", name))
    return [Job(Path("in", name), Path("out", name)) for name in names]


def test_a_drawing_on_transparent_paper_comes_back_on_white(painter: Model) -> None:
    (outcome,) = run_jobs(painter, house("a.png"), Options())
    assert outcome.error is None
    assert outcome.notes == ()
    with Image.open("out/a.png") as image:
        assert (image.mode, image.size) == ("RGB", (90, 60))
        assert image.getpixel((2, 2)) == (255, 255, 255)
        assert image.getpixel((45, 30)) != (255, 255, 255)


def test_from_a_photo_the_model_is_given_its_lines(painter: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    translate = Model.translate
    monkeypatch.setattr(Model, "translate", lambda self, given, _: seen.append(given) or translate(self, given))
    photo = Image.radial_gradient("L").resize((80, 40)).convert("RGB")
    photo.paste((20, 120, 30), (30, 10, 60, 30))
    Path("in").mkdir()
    photo.save("in/a.png")
    options = Options(from_photo=True, side_by_side=True)
    (outcome,) = run_jobs(painter, [Job(Path("in/a.png"), Path("out/a.png"))], options)
    assert outcome.error is None
    assert outcome.notes == ()
    assert seen[0].shape == (1, 1, 32, 32)
    assert np.array_equal(seen[0][0, 0], trace(np.asarray(photo), 32)[0])
    three = array("out/a.png")
    assert three.shape[0] == 40
    assert three.shape[1] > 3 * 80
    np.testing.assert_array_equal(three[:, :80], np.asarray(photo))


def test_a_photo_given_as_a_drawing_gets_advice(painter: Model) -> None:
    down, across = np.mgrid[:120, :160] / 20
    waves = 128 + 60 * np.sin(down * 2) * np.cos(across) + 50 * np.sin(across * 3)
    Path("in").mkdir()
    Image.fromarray(waves.astype(np.uint8)).save("in/a.png")
    (outcome,) = run_jobs(painter, [Job(Path("in/a.png"), Path("out/a.png"))], Options())
    assert outcome.error is None
    assert outcome.notes == ("this does not look like a line drawing; --from-photo draws its lines first",)
