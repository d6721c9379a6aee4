"""Models of a task beside each other, by the figures on their cards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from tiny import write_checkpoint

from zoo.catalog.registry import Registry
from zoo.catalog.spec import CheckpointConfig, Metric
from zoo.checkpoints.format import read_checkpoint
from zoo.cli.app import call
from zoo.evaluation.evaluate import Evaluation
from zoo.evaluation.leaderboard import asked_by, boards, markdown, pictures_of, task_of
from zoo.evaluation.options import Options

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> CheckpointConfig:
    """A model of the task colorize without figures."""
    return read_checkpoint(write_checkpoint(tmp_path / "tiny"), "tiny").config


def measured(config: CheckpointConfig, name: str, source: str = "pack:photos", **figures: float) -> CheckpointConfig:
    """The model under another name, with figures of the test split of a source."""
    metrics = tuple(
        Metric(
            name=figure,
            value=value,
            baseline=1.5,
            stderr=0.25,
            split="test",
            n=40,
            protocol="As it is",
            command=f"zoo eval {config.family}.{name} --data {source} --split test",
        )
        for figure, value in figures.items()
    )
    return replace(config, id=f"{config.family}.{name}", metrics=metrics)


def test_the_best_comes_first_and_figures_have_their_columns(config: CheckpointConfig) -> None:
    models = [measured(config, "low", psnr_gain=1, psnr_of_mine=7), measured(config, "high", psnr_gain=2, frechet=9)]
    (board,) = boards(models)
    assert (board.task, board.pictures, board.figures) == (
        "colorize",
        "pack:photos, split test",
        ("psnr_gain", "frechet"),
    )
    head, first, last = board.rows()
    assert head[3:] == ("psnr gain ↑", "frechet ↓", "pictures")
    assert first[0].endswith(".high")
    assert first[3:] == ("2 ± 0.25 (1.5)", "9 ± 0.25 (1.5)", "40")
    assert last[3:] == ("1 ± 0.25 (1.5)", "-", "40")


def test_less_is_better_of_distances(config: CheckpointConfig) -> None:
    (board,) = boards([measured(config, "far", frechet=9), measured(config, "near", frechet=2)])
    assert [model.id.partition(".")[2] for model in board.models] == ["near", "far"]


def test_other_pictures_have_a_table_of_their_own(config: CheckpointConfig) -> None:
    models = [measured(config, "a", psnr=1), measured(config, "b", "pack:faces", psnr=2), config]
    assert [board.pictures for board in boards(models)] == ["pack:faces, split test", "pack:photos, split test", ""]
    text = markdown(boards(models))
    assert "## colorize: not evaluated" in text
    assert text.index("pack:photos") < text.index("not evaluated")
    assert boards(models, "denoise") == []


def test_unknown_figures_are_shown_where_there_are_no_others(config: CheckpointConfig) -> None:
    (board,) = boards([measured(config, "odd", sharpness=3)])
    assert board.figures == ("sharpness",)


def test_models_with_a_latent_are_compared_at_their_size() -> None:
    found = {name: Registry.discover().model(name).config for name in ("conv-vae.faces", "dcgan.mnist")}
    assert pictures_of(found["conv-vae.faces"]).endswith(", at 32x32")
    assert task_of(found["dcgan.mnist"]) == "generate"


def test_a_cards_command_says_how_to_measure_again() -> None:
    words = "zoo eval a.b --data pack:faces --split test --size 64 --samples 1000 --against c.d --transitions"
    assert asked_by(words) == ("pack:faces", "test", Options(size=64, samples=1000))
    assert asked_by("") == (None, None, Options())


def test_the_command_prints_tables_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["eval", "--all", "--task", "denoise"]) == 0
    head, names, row = capsys.readouterr().out.splitlines()
    assert head.startswith("denoise: pack:faces, split test")
    assert (names.split()[0], row.split()[0]) == ("MODEL", "conv-vae.faces-denoise")
    assert call(["eval", "--all", "--json"]) == 0
    entries = {entry["id"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert set(entries) >= {"dcgan.faces", "colorizer-ae.photos"}
    figures = [metric["name"] for metric in entries["colorizer-ae.photos"]["metrics"]]
    assert "psnr_gain" in figures
    assert not any("_in_" in name for name in figures)


def test_rerun_evaluates_as_the_card_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def evaluate(name: str, registry: Registry, data: str, split: str, options: Options, *_: object) -> Evaluation:
        asked.append((name, data, split, options))
        return Evaluation(registry.model(name).config.metrics[:1])

    monkeypatch.setattr("zoo.evaluation.evaluate.evaluate", evaluate)
    assert call(["eval", "--all", "--task", "denoise", "--rerun", "--json"]) == 0
    assert asked == [("conv-vae.faces-denoise", "pack:faces", "test", Options())]
    assert len(json.loads(capsys.readouterr().out)[0]["metrics"]) == 1


@pytest.mark.parametrize("words", [[], ["dcgan.faces", "--all"], ["dcgan.faces", "--rerun"], ["--task", "denoise"]])
def test_all_stands_instead_of_a_model(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert call(["eval", *words]) == 2
    assert capsys.readouterr().err == "error: name a model, or give --all, which --task and --rerun go with\n"


def test_a_task_that_nobody_has_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["eval", "--all", "--task", "dream"]) == 2
    assert "no model has the task 'dream'; tasks: colorize" in capsys.readouterr().err
