"""The loop from recipe to checkpoint: it learns, it resumes bit for bit after a kill, and it stops with a reason."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import zoo
from zoo.errors import NotFoundError, TrainingError, UsageError
from zoo.recipes.recipe import write_recipe
from zoo.training.loop import Training
from zoo.training.run import Run
from zoo.training.train import find_recipe, train

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.registry import Registry
    from zoo.recipes.recipe import Recipe
    from zoo.training.loop import Report

KILLED = """
import os, signal, sys
from pathlib import Path
from zoo.catalog.registry import Registry
from zoo.recipes.recipe import read_recipe
from zoo.training.train import train

def die(step, steps, logs):
    if step == 5:
        os.kill(os.getpid(), signal.SIGKILL)

train(read_recipe(Path(sys.argv[1])), "colorizer-photos.toml", Path(sys.argv[2]), Registry.discover(), False, die)
"""


def quiet(step: int, steps: int, logs: object) -> None:
    """A report nobody reads."""


def last_state(folder: Path) -> dict[str, np.ndarray]:
    return load_file(max((folder / "state").iterdir()) / "tensors.safetensors")


def test_a_killed_run_resumes_to_the_same_weights(tmp_path: Path, recipe: Recipe, registry: Registry) -> None:
    write_recipe(tmp_path / "recipe.toml", recipe)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "recipe.toml", tmp_path / "killed"], check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "killed" / "checkpoint").exists()

    train(recipe, "colorizer-photos.toml", tmp_path / "killed", registry, True, quiet)
    train(recipe, "colorizer-photos.toml", tmp_path / "whole", registry, False, quiet)

    resumed, unbroken = last_state(tmp_path / "killed"), last_state(tmp_path / "whole")
    assert resumed.keys() == unbroken.keys()
    different = [name for name in unbroken if not np.array_equal(resumed[name], unbroken[name])]
    assert not different
    steps = [row["step"] for row in Run(tmp_path / "killed").rows() if not row.get("evaluated")]
    assert steps == list(range(1, 10))
    for name in ("model.safetensors", "translate.onnx"):
        pair = [(tmp_path / run / "checkpoint" / name).read_bytes() for run in ("killed", "whole")]
        assert pair[0] == pair[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "longer"


def test_a_run_learns_and_leaves_what_a_run_leaves(trained: Path, recipe: Recipe, registry: Registry) -> None:
    longer = msgspec.structs.replace(recipe, train=msgspec.structs.replace(recipe.train, epochs=40, save_seconds=60))
    config = train(longer, "colorizer-photos.toml", trained, registry, False, quiet)
    rows = Run(trained).rows()
    losses = [row["model.loss"] for row in rows if "model.loss" in row]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    assert {path.name for path in trained.iterdir()} == {
        "recipe.toml", "metrics.jsonl", "curves.png", "samples", "state", "checkpoint"
    }  # fmt: skip
    assert len(list((trained / "state").iterdir())) <= 2
    assert (
        config.config["chroma_scale"]
        == max((r for r in rows if r.get("evaluated")), key=lambda r: r["score"])["chroma_scale"]
    )
    assert config.training is not None
    assert config.training.seconds > 0


def test_both_backends_give_the_same_picture(trained: Path) -> None:
    images = np.random.default_rng(0).random((2, 1, 40, 30), dtype=np.float32)
    answers = [zoo.load(f"dir:{trained / 'checkpoint'}", backend).translate(images) for backend in ("onnx", "torch")]
    assert answers[0].shape == (2, 3, 40, 30)
    assert np.abs(answers[0] - answers[1]).max() < 1e-3


def test_a_folder_in_use_is_not_overwritten(trained: Path, recipe: Recipe, registry: Registry) -> None:
    with pytest.raises(UsageError, match="--resume"):
        train(recipe, "r.toml", trained, registry, False, quiet)
    with pytest.raises(UsageError, match="another recipe"):
        train(recipe, "r.toml", trained, registry, True, quiet)


def test_a_loss_that_is_not_finite_stops_the_run_with_advice(
    tmp_path: Path, recipe: Recipe, registry: Registry
) -> None:
    table = msgspec.structs.replace(recipe.optimizer["model"], lr=1e30, clip=None, warmup_epochs=0)
    wild = msgspec.structs.replace(recipe, optimizer={"model": table})
    with pytest.raises(TrainingError, match=r"lower optimizer\.model\.lr"):
        train(wild, "r.toml", tmp_path / "run", registry, False, quiet)
    assert not (tmp_path / "run" / "checkpoint").exists()


def test_keep_best_needs_a_figure_that_is_evaluated(tmp_path: Path, recipe: Recipe, registry: Registry) -> None:
    wrong = msgspec.structs.replace(recipe, train=msgspec.structs.replace(recipe.train, epochs=1, keep_best="beauty"))
    with pytest.raises(TrainingError, match="beauty"):
        train(wrong, "r.toml", tmp_path / "run", registry, False, quiet)


def test_sub_networks_and_optimizers_must_agree(tmp_path: Path, recipe: Recipe, registry: Registry) -> None:
    wrong = msgspec.structs.replace(recipe, optimizer={"generator": recipe.optimizer["model"]})
    with pytest.raises(TrainingError, match="model"):
        train(wrong, "r.toml", tmp_path / "run", registry, False, quiet)


def test_missing_pictures_are_told_before_anything_is_written(
    tmp_path: Path, recipe: Recipe, registry: Registry
) -> None:
    (tmp_path / "pictures" / "train").mkdir(parents=True)
    Image.new("RGB", (20, 20)).save(tmp_path / "pictures" / "train" / "a.png")
    table = msgspec.structs.replace(recipe.data, source=f"folder:{tmp_path / 'pictures'}")
    with pytest.raises(NotFoundError, match="split 'val'"):
        train(msgspec.structs.replace(recipe, data=table), "r.toml", tmp_path / "run", registry, False, quiet)
    assert not (tmp_path / "run").exists()


def test_a_recipe_is_found_by_path_name_and_model(tmp_path: Path, registry: Registry) -> None:
    shipped = find_recipe("colorizer-photos", registry)
    assert find_recipe("colorizer-ae.photos", registry) == shipped
    assert find_recipe(str(shipped), registry) == shipped
    with pytest.raises(NotFoundError, match="colorizer-photos"):
        find_recipe("nothing", registry)


def test_metrics_survive_a_line_that_was_cut(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    for step in (1, 2, 3):
        run.log({"step": step, "loss": 0.5})
    with run.metrics.open("a", encoding="utf-8") as file:
        file.write('{"step": 4, "lo')
    run.forget_after(2)
    assert [json.loads(line)["step"] for line in run.metrics.read_text(encoding="utf-8").splitlines()] == [1, 2]


def stop_at(last: int) -> Report:
    """A report that interrupts the run at a step, as Ctrl-C does."""

    def report(step: int, steps: int, logs: object) -> None:
        if step == last:
            raise KeyboardInterrupt

    return report


def interrupted(recipe: Recipe, folder: Path, registry: Registry, step: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(recipe, "r.toml", folder, registry, False, stop_at(step))


def test_finish_exports_the_best_state_of_a_stopped_run(tmp_path: Path, recipe: Recipe, registry: Registry) -> None:
    interrupted(recipe, tmp_path, registry, 5)
    before = last_state(tmp_path)
    config = train(recipe, "r.toml", tmp_path, registry, False, quiet, finish=True)
    evaluated = {row["step"]: row["score"] for row in Run(tmp_path).rows() if row.get("evaluated")}
    assert list(evaluated) == [3, 5]
    assert config.training is not None
    assert config.training.steps == max(evaluated, key=lambda step: (evaluated[step], step))
    assert (tmp_path / "checkpoint" / "model.safetensors").exists()
    assert (tmp_path / "curves.png").exists()
    after = last_state(tmp_path)
    assert all(np.array_equal(after[name], tensor) for name, tensor in before.items())


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps of the states that runs end with; no checkpoint is written, which takes longer than the training."""
    steps: list[int] = []
    monkeypatch.setattr("zoo.training.train._export", lambda training, *of: steps.append(training.best_step))
    return steps


def test_finish_evaluates_a_state_that_never_was(
    tmp_path: Path, recipe: Recipe, registry: Registry, exported: list[int]
) -> None:
    interrupted(recipe, tmp_path, registry, 2)
    train(recipe, "r.toml", tmp_path, registry, True, quiet, finish=True)
    assert exported == [2]
    assert [row["epoch"] for row in Run(tmp_path).rows() if row.get("evaluated")] == [0.67]


@pytest.mark.usefixtures("exported")
def test_a_finished_run_can_be_resumed(tmp_path: Path, recipe: Recipe, registry: Registry) -> None:
    interrupted(recipe, tmp_path / "stopped", registry, 5)
    train(recipe, "r.toml", tmp_path / "stopped", registry, False, quiet, finish=True)
    train(recipe, "r.toml", tmp_path / "stopped", registry, True, quiet)
    train(recipe, "r.toml", tmp_path / "whole", registry, False, quiet)
    stopped, whole = last_state(tmp_path / "stopped"), last_state(tmp_path / "whole")
    assert not [name for name in whole if not np.array_equal(stopped[name], whole[name])]


def test_finish_without_a_state_is_one_clear_error(tmp_path: Path, recipe: Recipe, registry: Registry) -> None:
    with pytest.raises(NotFoundError, match="no saved state to finish"):
        train(recipe, "r.toml", tmp_path / "run", registry, False, quiet, finish=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("exported")
def test_an_interrupted_evaluation_is_done_on_resume(
    tmp_path: Path, recipe: Recipe, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*of: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_evaluate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, "r.toml", tmp_path, registry, False, quiet)
    train(recipe, "r.toml", tmp_path, registry, True, quiet)
    assert [row["step"] for row in Run(tmp_path).rows() if row.get("evaluated")] == [3, 6, 9]
