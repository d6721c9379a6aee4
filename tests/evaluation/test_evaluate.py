"""`zoo eval` on a checkpoint whose figures are known beforehand."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tiny import expected, write_checkpoint

from zoo.catalog.registry import Registry
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import NotFoundError
from zoo.evaluation.evaluate import evaluate, write_metrics

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "pictures" / "val").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / "val" / f"{number}.png")
    return tmp_path / "pictures"


def test_figures_are_those_of_the_known_network(tmp_path: Path, pictures: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    metrics = evaluate(f"dir:{folder}", Registry.discover(), f"folder:{pictures}", "val")
    found = {metric.name: metric for metric in metrics}
    gains = []
    for file in sorted((pictures / "val").iterdir()):
        photo = Image.open(file)
        true, gray = np.asarray(photo) / 255, np.asarray(photo.convert("L"))[..., None] / 255
        made = np.rint(expected(gray.transpose(2, 0, 1)) * 255).transpose(1, 2, 0) / 255
        psnr = [-10 * np.log10(np.mean((picture - true) ** 2)) for picture in (made, gray)]
        gains.append(psnr[0] - psnr[1])
    assert found["psnr_gain"].value == pytest.approx(np.mean(gains), abs=0.01)
    assert found["psnr_gain"].stderr == pytest.approx(np.std(gains, ddof=1) / np.sqrt(3), abs=0.01)
    assert found["psnr"].value - (found["psnr"].baseline or 0) == pytest.approx(found["psnr_gain"].value, abs=1e-3)
    assert found["gaining"].value == pytest.approx(np.mean(np.array(gains) > 0), abs=1e-3)
    assert found["colourfulness"].baseline == 0
    assert {metric.n for metric in metrics} == {3}
    assert "--split val" in found["psnr"].command


def test_figures_are_written_into_the_checkpoint_and_its_card(tmp_path: Path, pictures: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    registry = Registry.discover()
    metrics = evaluate(f"dir:{folder}", registry, f"folder:{pictures}", "val")
    assert write_metrics(f"dir:{folder}", registry, metrics) == folder
    assert list(read_checkpoint(folder, "it").config.metrics) == metrics
    assert metrics[0].command in (folder / "README.md").read_text(encoding="utf-8")


def test_without_a_recipe_the_pictures_must_be_named(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    with pytest.raises(NotFoundError, match="--data and --split"):
        evaluate(f"dir:{folder}", Registry.discover())


def test_where_pytorch_is_missing_the_commands_say_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    for verb, words in (("eval", "colorize"), ("train", "colorizer-photos")):
        code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from zoo.cli import main; main()"
        command = [sys.executable, "-c", code, str(tmp_path), verb, words]
        run = subprocess.run(command, check=False, capture_output=True, text=True)
        assert run.returncode == 9
        assert run.stderr == f"error: zoo {verb} needs torch: pip install 'latent-zoo[train]'\n"
