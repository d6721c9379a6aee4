"""`zoo eval` on checkpoints whose figures are known beforehand."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tiny import expected, write_checkpoint
from vaes import write_free, write_vae

from zoo.catalog.registry import Registry
from zoo.checkpoints.format import read_checkpoint
from zoo.cli.making import eval_
from zoo.errors import NotFoundError, UsageError
from zoo.evaluation.evaluate import Evaluation, evaluate, evaluated_size, write_metrics
from zoo.evaluation.options import Options
from zoo.loading import load

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


@pytest.fixture
def digits(tmp_path: Path) -> str:
    """Gray pictures of 4x4 in three splits."""
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "digits.npz",
        images=rng.integers(0, 256, (40, 4, 4), dtype=np.uint8),
        train=np.arange(30),
        val=np.arange(30, 32),
        test=np.arange(32, 40),
    )
    return f"npz:{tmp_path / 'digits.npz'}"


def measured(folder: Path, data: str, split: str, **options: Any) -> Evaluation:
    return evaluate(f"dir:{folder}", Registry.discover(), data, split, Options(**options))


def test_figures_are_those_of_the_known_network(tmp_path: Path, pictures: Path) -> None:
    metrics = measured(write_checkpoint(tmp_path / "tiny"), f"folder:{pictures}", "val").metrics
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
    assert "at full size" in found["psnr"].protocol


def test_evaluation_uses_and_reports_the_size_asked_for(tmp_path: Path, pictures: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    metrics = measured(folder, f"folder:{pictures}", "val", size=16).metrics
    assert "at 16 x 16" in metrics[0].protocol
    assert metrics[0].command.endswith("--split val --size 16")
    full = measured(folder, f"folder:{pictures}", "val").metrics
    assert metrics[0].baseline != full[0].baseline


def test_an_autoencoder_is_evaluated_with_its_latents(tmp_path: Path, digits: str) -> None:
    found = measured(write_vae(tmp_path / "vae"), digits, "test", samples=4)
    names = [metric.name for metric in found.metrics]
    bounds = ["elbo_gaussian", "iw_bound_gaussian"]
    latent = ["kl", "active_dimensions", "aggregated_furthest_mean", "aggregated_mean_variance"]
    assert names == ["psnr", "psnr_pca_2", *bounds, *latent]
    assert {metric.n for metric in found.metrics} == {8}
    assert len(found.dimensions) == 2
    assert sum(row["kl"] for row in found.dimensions) == pytest.approx(found.metrics[4].value, abs=1e-3)
    assert found.metrics[0].command.endswith("--split test --samples 4")


def test_a_model_that_encodes_to_points_has_no_bounds(tmp_path: Path, digits: str) -> None:
    folder = write_vae(tmp_path / "points", outputs=("mean",))
    found = measured(folder, digits, "test")
    assert [metric.name for metric in found.metrics] == ["psnr", "psnr_pca_2"]
    assert found.dimensions == ()
    with pytest.raises(UsageError, match="no posterior"):
        measured(folder, digits, "test", samples=4)


def test_a_latent_that_follows_the_picture_needs_a_size(tmp_path: Path, digits: str) -> None:
    folder = write_free(tmp_path / "free")
    with pytest.raises(UsageError, match="--size"):
        measured(folder, digits, "test")
    assert measured(folder, digits, "test", size=8).metrics[0].name == "psnr"


def test_transitions_need_no_feature_network_but_attributes_do(tmp_path: Path, digits: str) -> None:
    folder = write_vae(tmp_path / "vae")
    names = [metric.name for metric in measured(folder, digits, "test", samples=1, transitions=True).metrics]
    assert names[-2:] == ["transition_monotone", "transition_ends"]
    for options in ({"attributes": "all"}, {"samples_n": 4}):
        with pytest.raises(UsageError, match="--features"):
            measured(folder, digits, "test", **options)


def test_a_feature_network_adds_samples_and_transitions(tmp_path: Path, digits: str) -> None:
    net = write_vae(tmp_path / "net", outputs=("mean",), config={"labels": ["bright"], "kind": "attributes"})
    folder = write_vae(tmp_path / "vae", prior="sampler")
    asked = {"features": f"dir:{net}", "samples_n": 5, "samples": 1, "transitions": True}
    found = {metric.name: metric for metric in measured(folder, digits, "test", **asked).metrics}
    assert found["frechet"].n == 5
    assert found["frechet"].value != found["frechet"].baseline
    assert {"frechet_reconstruction", "frechet_held_out", "transition_nearest", "transition_frechet"} <= set(found)
    assert f"--features dir:{net} --samples-n 5 --transitions" in found["frechet"].command


def test_colorizers_have_options_of_their_own(tmp_path: Path, pictures: Path) -> None:
    folder, other = write_checkpoint(tmp_path / "tiny"), write_checkpoint(tmp_path / "other", id="tiny.other")
    found = measured(folder, f"folder:{pictures}", "val", against=(str(other),))
    by_name = {metric.name: metric for metric in found.metrics}
    assert by_name["psnr_gain_by_tiny_other"].value == by_name["psnr_gain"].value
    assert by_name["psnr_gain"].command.endswith(f"--split val --against {other}")
    assert found.notes == ["no Frechet distance: 3 photos are few, name a network with --features to have it"]
    with pytest.raises(UsageError, match="4 photos or more; the split has 3"):
        measured(folder, f"folder:{pictures}", "val", features="feature-net.faces")


def test_sets_of_the_index_have_a_table(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.evaluation.colors.LEAST", 1)
    (pictures / "index.csv").write_text("file,split,set\nval/0.png,val,a\nval/1.png,val,b\nval/2.png,val,a\n")
    eval_(f"dir:{write_checkpoint(tmp_path / 'tiny')}", data=f"folder:{pictures}", split="val")
    captured = capsys.readouterr()
    _, sets, *protocols = captured.out.split("\n\n")
    head, *rows = (line.split() for line in sets.splitlines())
    assert head == ["SET", "PICTURES", "PSNR_GAIN", "GAIN_OVER_TINT", "GAINING", "CHROMA", "COLOURFULNESS"]
    assert [row[:2] for row in rows] == [["a", "2"], ["b", "1"]]
    assert protocols[1].startswith("psnr_gain, gain_over_tint, gaining, chroma, colourfulness: by set; The figures")
    assert "note: no Frechet distance" in captured.err


def test_options_of_a_latent_are_refused_for_a_job(tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(UsageError, match="measured at its job"):
        measured(write_checkpoint(tmp_path / "tiny"), f"folder:{pictures}", "val", samples=4)


def test_pictures_keep_their_size_only_where_the_answer_does(tmp_path: Path) -> None:
    anywhere = load(f"dir:{write_checkpoint(tmp_path / 'tiny')}")
    own = load(f"dir:{write_vae(tmp_path / 'vae')}")
    assert evaluated_size(anywhere, "translate", None, None) is None
    assert evaluated_size(own, "encode", None, None) == (4, 4)
    assert evaluated_size(anywhere, "translate", None, 16) == (16, 16)
    with pytest.raises(UsageError, match="is for pictures of 4 x 4: leave out --size"):
        evaluated_size(own, "encode", None, 16)


def test_figures_are_written_into_the_checkpoint_and_its_card(tmp_path: Path, pictures: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    metrics = measured(folder, f"folder:{pictures}", "val").metrics
    assert write_metrics(f"dir:{folder}", Registry.discover(), metrics) == folder
    assert list(read_checkpoint(folder, "it").config.metrics) == list(metrics)
    assert metrics[0].command in (folder / "README.md").read_text(encoding="utf-8")


def test_the_table_says_each_protocol_once(tmp_path: Path, digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_vae(tmp_path / "vae")
    eval_(f"dir:{folder}", data=digits, split="test", samples=2)
    out = capsys.readouterr().out
    table, *protocols = out.split("\n\n")
    assert table.splitlines()[0].split() == ["FIGURE", "VALUE", "STANDARD", "ERROR", "BASELINE"]
    assert len(table.splitlines()) == 9
    assert protocols[0].startswith("psnr, psnr_pca_2: 8 of test; ")
    assert protocols[1].startswith("elbo_gaussian, iw_bound_gaussian: 8 of test; Nats per picture")
    assert len(protocols) == 3


def test_json_has_the_figures_and_every_dimension(
    tmp_path: Path, digits: str, capsys: pytest.CaptureFixture[str]
) -> None:
    eval_(f"dir:{write_vae(tmp_path / 'vae')}", data=digits, split="test", samples=2, json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"][0]["name"] == "psnr"
    assert [set(row) for row in found["dimensions"]] == 2 * [{"kl", "variance_of_means", "mean", "std"}]


def test_without_a_recipe_the_pictures_must_be_named(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    with pytest.raises(NotFoundError, match="--data and --split"):
        evaluate(f"dir:{folder}", Registry.discover())


def test_without_pytorch_commands_say_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    for verb, words in (("eval", "colorize"), ("train", "colorizer-photos")):
        code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from zoo.cli import main; main()"
        command = [sys.executable, "-c", code, str(tmp_path), verb, words]
        run = subprocess.run(command, check=False, capture_output=True, text=True)
        assert run.returncode == 9
        assert run.stderr == f"error: zoo {verb} needs torch: pip install 'latent-zoo[train]'\n"
