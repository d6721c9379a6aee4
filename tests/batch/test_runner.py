"""Bytes in, bytes out: equal to what a folder run writes, and in other processes too."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import edit_config, write_checkpoint
from told import write_told

from zoo.batch import Runner
from zoo.cli.app import call
from zoo.errors import NotFoundError, UnsafeFileError, UnsupportedCapability, UsageError


@pytest.fixture(scope="module")
def colorizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = write_checkpoint(tmp_path_factory.mktemp("models") / "chroma")
    edit_config(folder, lambda config: config["capabilities"]["translate"].update(fit="chroma"))
    return f"dir:{folder}"


def album(folder: Path) -> list[Path]:
    """Pictures with all that is to be kept."""
    folder.mkdir()
    noise = np.random.default_rng(0)
    gray = Image.fromarray(noise.integers(0, 256, (24, 31), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "A. Adams"
    gray.save(folder / "a.jpg", exif=exif, dpi=(300, 300))
    Image.fromarray(noise.integers(0, 65536, (9, 12), dtype=np.uint16)).save(folder / "deep.png")
    Image.fromarray(noise.integers(0, 256, (9, 12, 4), dtype=np.uint8)).save(folder / "clear.webp", lossless=True)
    gray.save(folder / "b.gif")
    gray.convert("RGB").save(folder / "c.tiff", dpi=(72, 72))
    return sorted(folder.iterdir())


@pytest.mark.parametrize(
    ("words", "options"), [((), {}), (("--strength", "0.5", "--quality", "60"), {"strength": 0.5, "quality": 60})]
)
def test_answers_are_those_of_a_folder_run(
    colorizer: str, tmp_path: Path, words: tuple[str, ...], options: dict[str, float]
) -> None:
    pictures = album(tmp_path / "in")
    assert call(["run", colorizer, str(tmp_path / "in"), "-o", str(tmp_path / "out"), *words]) == 0
    runner = Runner(colorizer, **options)  # type: ignore[arg-type]
    for picture in pictures:
        (result,) = (tmp_path / "out").glob(f"{picture.stem}.*")
        assert runner(picture.read_bytes()) == result.read_bytes(), picture.name


def test_a_pickled_runner_opens_its_model_itself(colorizer: str, tmp_path: Path) -> None:
    data = album(tmp_path / "in")[0].read_bytes()
    runner = Runner(colorizer, strength=0.5, format="png")
    here = runner(data)
    copy = pickle.loads(pickle.dumps(runner))
    assert copy._model is None
    assert len(pickle.dumps(runner)) < 2000
    assert copy(data) == here
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(runner, data).result(timeout=60) == here


def test_the_format_is_the_inputs_or_another(colorizer: str, tmp_path: Path) -> None:
    data = album(tmp_path / "in")[0].read_bytes()
    for name, kind in ((None, "JPEG"), ("png", "PNG"), (".TIF", "TIFF")):
        with Image.open(BytesIO(Runner(colorizer, format=name)(data))) as image:
            assert (image.format, image.mode) == (kind, "RGB")
    with Image.open(BytesIO(Runner(colorizer).make(data, format="webp").data)) as image:
        assert image.format == "WEBP"


def test_notes_come_with_the_answer(colorizer: str, tmp_path: Path) -> None:
    frames = [Image.new("L", (5, 4), level) for level in (0, 255)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    made = Runner(colorizer).make((tmp_path / "a.gif").read_bytes())
    assert made.notes == ("animated: first of 2 taken",)


def test_conditions_are_told(tmp_path: Path) -> None:
    name = f"dir:{write_told(tmp_path / 'told')}"
    data = BytesIO()
    Image.new("L", (4, 4), 0).save(data, "PNG")
    made = Runner(name, conditions={"kind": "dog", "light": 0.5})(data.getvalue())
    with Image.open(BytesIO(made)) as image:
        assert image.getpixel((0, 0)) == round(255 * 0.7)


def test_bad_requests_are_refused(colorizer: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be written"):
        Runner(colorizer, format="xyz")
    with pytest.raises(UsageError, match="quality is 1 to 100"):
        Runner(colorizer, quality=0)
    with pytest.raises(NotFoundError):
        Runner("no-such-task")(b"")
    with pytest.raises(UsageError, match="strength takes 0"):
        Runner(colorizer, strength=3)(b"")
    with pytest.raises(UsageError, match="from_photo is for models"):
        Runner(colorizer, from_photo=True)(b"")
    with pytest.raises(UnsafeFileError, match=r"a\.jpg is empty"):
        Runner(colorizer)(b"", "a.jpg")
    with pytest.raises(UnsupportedCapability):
        Runner("feature-net.mnist")(b"")
