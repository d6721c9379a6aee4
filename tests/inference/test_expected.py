"""Which pictures a model expects: the file, its limits, and what is said of other pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vae import write_vae

import zoo
from zoo.catalog.expects import Expects, Limits, parse_expects
from zoo.checkpoints.format import read_checkpoint, write_expects
from zoo.errors import UnsafeFileError
from zoo.inference.expected import figures, figures_of, over, reconstructs, translated, unlike
from zoo.inference.model import Model
from zoo.jobs.operands import encode_files, resolve

LIMITS = Limits(error=0.1, detail=0.1, shape=0.1, latent=4.0)
EXPECTS = Expects(words="tiny squares", limits=LIMITS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of 4x4 pictures that keeps their first 8 pixels, and knows its limits."""
    written = write_vae(tmp_path / "vae", dims=8)
    write_expects(written, EXPECTS)
    return written


@pytest.fixture
def model(folder: Path) -> Model:
    return zoo.load(f"dir:{folder}")


def known() -> np.ndarray:
    """A picture that is gray where the model loses it, with the mean square of its latent at 1."""
    picture = np.full((1, 1, 4, 4), 0.5, np.float32)
    picture[..., :2, :] += np.array([0.25, -0.25] * 4, np.float32).reshape(2, 4)
    return picture


def other() -> np.ndarray:
    """The same upside down, of which the model keeps nothing."""
    return np.ascontiguousarray(known()[..., ::-1, :])


def save(picture: np.ndarray, name: str) -> Path:
    Image.fromarray(np.rint(picture[0, 0] * 255).astype(np.uint8)).save(name)
    return Path(name)


def test_figures_are_what_they_are_called() -> None:
    seen = np.array([[[[0, 1, 0, 1]] * 4]], np.float32)
    error, detail, shape, latent = figures(seen, np.full_like(seen, 0.5), np.array([[1, 3]], np.float32))[0]
    assert error == pytest.approx(1, rel=1e-3)
    assert detail == shape == pytest.approx(0.25, rel=1e-3)  # a variance of 1/4 beside steps of 1
    assert latent == 5


def test_shape_forgives_brightness_and_contrast() -> None:
    seen = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    error, detail, shape, _ = figures(seen, 0.5 * seen + 0.2, np.zeros((2, 1), np.float32)).T
    assert (error > 0.1).all()
    assert (detail > 0.01).all()
    assert (shape < 1e-6).all()


def test_a_flat_picture_does_not_pass_by_being_flat() -> None:
    seen = np.full((1, 1, 8, 8), 0.5, np.float32)
    made = seen + np.linspace(-0.2, 0.2, 8, dtype=np.float32)
    assert (figures(seen, made, np.zeros((1, 1), np.float32))[0, :1] > 10).all()


def test_gray_is_compared_with_the_luma_of_colour() -> None:
    seen = np.random.default_rng(0).random((1, 1, 8, 8), np.float32)
    assert figures(seen, seen.repeat(3, axis=1), np.zeros((1, 1), np.float32))[0, 0] < 1e-3


def test_other_pictures_are_told_apart(model: Model) -> None:
    assert not unlike(model, known())
    assert unlike(model, other())
    both = np.concatenate([known(), other()])
    assert over(model, figures_of(model, both)).tolist() == [False, True]


def test_a_latent_far_away_is_told_apart(model: Model) -> None:
    far = np.full((1, 1, 4, 4), 0.5, np.float32)
    far[..., :2, :] = [[0, 1, 0, 1], [1, 0, 1, 0]]
    model.expects = Expects(words="tiny squares", limits=Limits(error=9, detail=9, shape=9, latent=3.9))
    assert unlike(model, far)
    assert not unlike(model, known())


def test_without_limits_nothing_is_computed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model.expects = Expects(words="tiny squares")
    monkeypatch.setattr(model.backend, "run", lambda *_: pytest.fail("the network ran"))
    assert not unlike(model, other())


def test_translating_says_the_same(tmp_path: Path) -> None:
    model = zoo.load("conv-vae.faces")
    images = np.random.default_rng(0).integers(0, 256, (1, 3, 40, 50), np.uint8)
    model.expects = Expects(words="faces", limits=Limits(error=1e-3, detail=1e-3, shape=1e-3, latent=1e-3))
    answer, noted = translated(model, images)
    assert noted == unlike(model, images) is True
    assert (answer == model.translate(images)).all()
    model.expects = Expects(words="faces", limits=Limits(error=1e6, detail=1e6, shape=1e6, latent=1e6))
    assert not translated(model, images)[1]


def test_a_model_that_answers_at_another_size_has_no_figures(model: Model) -> None:
    assert reconstructs(model.interface)
    assert not reconstructs(zoo.load("colorizer-ae.photos").interface)
    assert not reconstructs(zoo.load("dcgan.mnist").interface)


def test_operands_say_that_they_are_others(model: Model, tmp_path: Path) -> None:
    assert not resolve(model, str(save(known(), tmp_path / "known.png"))).unlike
    assert resolve(model, str(save(other(), tmp_path / "other.png"))).unlike
    assert not resolve(model, "seed:0").unlike
    named: list[str] = []
    encode_files(model, sorted(tmp_path.glob("*.png")), other=lambda file: named.append(file.name))
    assert named == ["other.png"]


def test_the_file_survives_reading_and_is_optional(folder: Path) -> None:
    assert read_checkpoint(folder, "tiny").expects == EXPECTS
    (folder / "expects.json").unlink()
    assert read_checkpoint(folder, "tiny").expects is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{}",
        b'{"words": ""}',
        b'{"words": "faces", "url": "x"}',
        b'{"words": "faces", "limits": {"error": 0, "detail": 1, "shape": 1, "latent": 1}}',
        b'{"words": "faces", "limits": {"error": 1}}',
        json.dumps({"words": "fa\u202eces"}).encode(),
        b'{"words": "faces"}' + b" " * 20_000,
    ],
)
def test_a_file_that_says_something_else_is_refused(folder: Path, content: bytes) -> None:
    (folder / "expects.json").write_bytes(content)
    with pytest.raises(UnsafeFileError, match=r"expects\.json"):
        read_checkpoint(folder, "tiny")
    with pytest.raises(UnsafeFileError):
        parse_expects(content, "expects.json")


def test_the_remark_counts_pictures() -> None:
    one = EXPECTS.remark("a.b", ("x.jpg",), 1)
    assert one == "a.b was trained on tiny squares; x.jpg does not look like one"
    some = EXPECTS.remark("a.b", ("x.jpg", "y.jpg"), 3)
    assert some == "a.b was trained on tiny squares; 2 of 3 pictures, as x.jpg, do not look like one"
