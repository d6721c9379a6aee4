"""`zoo train`: what it says of a run, and how a run is finished early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from command import files

from zoo.cli.console import _Bar, progress

if TYPE_CHECKING:
    from command import Zoo

    from zoo.training.loop import Report

RECIPE = "colorizer-ae.photos"
CHANGES = ("--epochs", "3", "--set", "train.eval_epochs=2", "-o", "run")


def step(report: Report, number: int, **logs: float) -> None:
    """Report one of 6 steps, 2 an epoch."""
    report(number, 6, {"epoch": (number - 1) // 2, "examples": 4, "seconds": 0.5, **logs})


def run_of(report: Report) -> None:
    """Three epochs; the second and the last are evaluated."""
    report(0, 6, {"precision": "float32 is used; a step took: float32 0.5 s"})
    for number, loss in enumerate((4.0, 2.0, 1.5, 0.5, 0.25, 0.125), 1):
        step(report, number, **{"model.loss": loss, "model.lr": 0.001})
        if number in (4, 6):
            report(
                number, 6, {"step": number, "epoch": number // 2, "evaluated": True, "score": 1.0, "psnr_gain": 1.05}
            )


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the training is called with; it does no step and reports some."""
    calls: list[tuple[Any, ...]] = []

    def train(recipe: object, name: str, folder: object, registry: object, *rest: Any) -> None:
        calls.append(rest)
        run_of(rest[1])

    monkeypatch.setattr("zoo.training.train.train", train)
    monkeypatch.setattr("zoo.cli.making._write_expects", lambda *_: None)
    return calls


@pytest.mark.usefixtures("trained")
def test_each_epoch_is_one_line_on_standard_error(zoo: Zoo) -> None:
    done = zoo("train", RECIPE, *CHANGES)
    assert (done.code, done.out) == (0, b"run/checkpoint\n")
    assert done.err.splitlines() == [
        "precision: float32 is used; a step took: float32 0.5 s",
        "epoch 1/3  step 2  loss 3  8.0 examples/s",
        "epoch 2/3  step 4  loss 1  8.0 examples/s  score 1  psnr_gain 1.05",
        "epoch 3/3  step 6  loss 0.1875  8.0 examples/s  score 1  psnr_gain 1.05",
    ]


def test_sub_networks_are_named_and_lone_evaluations_printed(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(
        recipe: object, name: str, folder: object, registry: object, resume: bool, report: Report, _: Any
    ) -> None:
        report(5, 6, {"step": 5, "epoch": 2.5, "evaluated": True, "score": 1.0})
        step(report, 6, **{"generator.loss": 2.0, "discriminator.loss": 1.0})
        report(6, 6, {"step": 6, "epoch": 3, "evaluated": True, "score": 2.0})

    monkeypatch.setattr("zoo.training.train.train", train)
    monkeypatch.setattr("zoo.cli.making._write_expects", lambda *_: None)
    assert zoo("train", RECIPE, *CHANGES).err.splitlines() == [
        "epoch 2.5/3  step 5  score 1",
        "epoch 3/3  step 6  generator.loss 2  discriminator.loss 1  8.0 examples/s  score 2",
    ]


def test_finish_and_resume_are_passed_on(zoo: Zoo, trained: list[tuple[Any, ...]]) -> None:
    for words in ((), ("--resume",), ("--finish",)):
        assert zoo("train", RECIPE, *CHANGES, *words).code == 0
    assert [(rest[0], rest[2]) for rest in trained] == [(False, False), (True, False), (False, True)]


def test_finish_without_a_state_is_one_line_and_writes_nothing(zoo: Zoo) -> None:
    assert "run has no saved state to finish" in zoo("train", RECIPE, "--finish", "-o", "run").error(3)
    assert files() == []


def test_the_bar_of_a_terminal_takes_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress("training", 0) as bar:
        assert isinstance(bar, _Bar)
        bar.line("epoch 1/3  loss [3]")
    assert "epoch 1/3  loss [3]" in capsys.readouterr().err
