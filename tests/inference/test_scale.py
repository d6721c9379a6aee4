"""Answers that are several times as high and wide as what is given: fits, graphs, results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from onnx import helper
from tiny import edit_config, make_model, port, write_checkpoint

import zoo
from zoo.catalog.interface import Interface, Role
from zoo.catalog.ports import ImageSpec
from zoo.catalog.spec import CheckpointConfig
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import UnsafeFileError, UsageError, ZooError
from zoo.inference.fit import fit_translate
from zoo.jobs.answers import Options
from zoo.jobs.planning import plan
from zoo.jobs.running import run_jobs
from zoo.pictures.images import Picture, read_picture, write_picture

COLOUR = ImageSpec(channels=3)
DOUBLED = (helper.make_node("Resize", ["image", "", "scales"], ["translated"], mode="nearest"),)


def doubled(batch: np.ndarray) -> np.ndarray:
    return batch.repeat(2, axis=2).repeat(2, axis=3)


def pictures(height: int, width: int, dtype: Any = np.uint8) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (1, 3, height, width), dtype=np.uint8)
    return values if dtype == np.uint8 else (values / np.float32(255)).astype(np.float32)


def write_doubling(folder: Path, **translate: Any) -> Path:
    """A checkpoint that repeats each pixel of RGB pictures of any size twice."""
    image = port("image", ["n", 3, "h", "w"])
    made = port("translated", ["n", 3, "2h", "2w"])
    model = make_model(DOUBLED, {"scales": np.array([1, 1, 2, 2], np.float32)}, [image], [made])
    promise = {"graph": "translate.onnx", "sha256": "0" * 64, "input": {"channels": 3}, "output": {"channels": 3}}
    promise |= {"fit": "tile", "scale": 2} | translate
    return write_checkpoint(folder, model, format=2, capabilities={"translate": promise})


@pytest.mark.parametrize(("fit", "size"), [("pad", (33, 47)), ("tile", (33, 47)), ("tile", (700, 530))])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_answer_is_twice_as_high_and_wide(fit: str, size: tuple[int, int], dtype: Any) -> None:
    given = pictures(*size, dtype=dtype)
    made = fit_translate(fit, given, doubled, ImageSpec(channels=3, multiple=8), scale=2)
    assert made.dtype == given.dtype
    np.testing.assert_allclose(made, doubled(given), atol=1e-6)


def test_tiles_of_a_smooth_answer_have_no_seams() -> None:
    given = np.broadcast_to(np.linspace(0, 1, 900, dtype=np.float32), (1, 3, 600, 900)).copy()
    seen: list[int] = []

    def run(batch: np.ndarray) -> np.ndarray:
        seen.append(batch.shape[3])
        return doubled(batch) + np.float32(0.02 * (len(seen) % 2))  # each tile a little brighter or darker

    made = fit_translate("tile", given * np.float32(0.9), run, COLOUR, scale=2)
    assert len(seen) > 4
    assert np.abs(np.diff(made, axis=3)).max() < 0.004


@pytest.mark.parametrize("fit", ["resize", "chroma", "drawing"])
def test_other_fits_have_no_scale(fit: str) -> None:
    with pytest.raises(UsageError, match=f"'{fit}' has no scale"):
        fit_translate(fit, pictures(8, 8), doubled, COLOUR, scale=2)


@pytest.mark.parametrize("fit", ["pad", "tile"])
def test_an_answer_of_another_size_is_an_error(fit: str) -> None:
    with pytest.raises(ZooError, match="needs sizes times 3"):
        fit_translate(fit, pictures(600, 600), doubled, ImageSpec(channels=3, size=(600, 600)), scale=3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Role(COLOUR, COLOUR, "resize", 2), "scale needs one of pad, tile"),
        (lambda: Role(ImageSpec(channels=3, size=(8, 8)), COLOUR, "pad", 2), "that of input times 2"),
        (lambda: Role(COLOUR, ImageSpec(channels=3, size=(8, 8)), "pad", 2), "that of input times 2"),
    ],
)
def test_a_scale_that_does_not_fit_the_sizes_is_refused(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_format_2_is_written_only_for_a_scale(tmp_path: Path) -> None:
    plain = Interface(roles={"translate": Role(COLOUR, COLOUR, "tile")})
    scaled = Interface(roles={"translate": Role(COLOUR, COLOUR, "tile", 2)})
    hashes = {"translate": "0" * 64}
    assert "scale" not in plain.config_json(hashes)["capabilities"]["translate"]
    assert (plain.config_json(hashes)["format"], scaled.config_json(hashes)["format"]) == (1, 2)
    assert scaled.config_json(hashes)["capabilities"]["translate"]["scale"] == 2
    config = json.loads((write_doubling(tmp_path) / "config.json").read_text())
    assert msgspec.convert(config, CheckpointConfig).interface.scale("translate") == 2


def test_a_model_with_a_scale_answers_twice_as_large(tmp_path: Path) -> None:
    model = zoo.load(f"dir:{write_doubling(tmp_path)}")
    given = pictures(21, 600)
    assert np.array_equal(model.translate(given), doubled(given))


def test_a_graph_that_does_not_keep_its_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match="does not become 3 times as large"):
        read_checkpoint(write_doubling(tmp_path, scale=3), "tiny")
    edit_config(tmp_path, lambda config: config.update(format=1))
    with pytest.raises(UnsafeFileError, match="format 2 is for models with candidates, a scale"):
        read_checkpoint(tmp_path, "tiny")


@pytest.mark.parametrize("beside", [False, True])
def test_alpha_and_the_sheet_have_the_size_of_the_answer(tmp_path: Path, beside: bool) -> None:
    model = zoo.load(f"dir:{write_doubling(tmp_path / 'model')}")
    pixels, alpha = pictures(20, 30)[0].transpose(1, 2, 0), np.full((20, 30), 100, np.uint8)
    write_picture(tmp_path / "in.png", Picture(pixels, alpha=alpha))
    (outcome,) = run_jobs(
        model, plan([str(tmp_path / "in.png")], str(tmp_path / "out.png"), "x"), Options(side_by_side=beside)
    )
    assert outcome.error is None
    made = read_picture(tmp_path / "out.png")
    assert made.pixels.shape == ((40, 92, 3) if beside else (40, 60, 3))
    assert beside or (made.alpha is not None and (made.alpha == 100).all())
