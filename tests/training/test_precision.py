"""Precision "auto": what is timed, what is chosen, and that the choice stays with the run and changes nothing else."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.numpy import load_file

from zoo.errors import TrainingError, UsageError
from zoo.recipes.recipe import read_recipe
from zoo.training import precision
from zoo.training.loop import no_report
from zoo.training.objective import Batch
from zoo.training.run import Run
from zoo.training.subnetworks import Subnetworks
from zoo.training.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zoo.catalog.registry import Registry
    from zoo.recipes.recipe import Recipe, TrainTable


@pytest.fixture
def unexported(monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkpoint is written, which takes longer than the training."""
    monkeypatch.setattr("zoo.training.train._export", lambda *of: None)


@pytest.fixture
def auto(recipe: Recipe) -> Recipe:
    """The small recipe with precision and layout left open, one epoch of it."""
    return replace(recipe, train=replace(recipe.train, precision="auto", channels_last=None, epochs=1))


def on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_precisions", lambda: ("float32", "bf16"))


def take(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the timings say that one candidate is fastest."""

    def made_up(recipe: Recipe, tables: Sequence[TrainTable], *of: object) -> dict[str, float]:
        return {precision.described(table): 0.1 if precision.described(table) == name else 0.5 for table in tables}

    monkeypatch.setattr(precision, "timings", made_up)


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(max((folder / "state").iterdir()) / "tensors.safetensors")


def test_candidates_are_what_the_recipe_leaves_open(auto: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_cpu(monkeypatch)
    names = [precision.described(table) for table in precision.candidates(auto.train)]
    assert names == ["float32", "float32 channels_last", "bf16", "bf16 channels_last"]
    for layout, wanted in ((True, ["float32 channels_last", "bf16 channels_last"]), (False, ["float32", "bf16"])):
        tables = precision.candidates(replace(auto.train, channels_last=layout))
        assert [precision.described(table) for table in tables] == wanted
    (given,) = precision.candidates(replace(auto.train, precision="bf16"))
    assert (given.precision, given.channels_last) == ("bf16", False)


@pytest.mark.parametrize(
    ("info", "wanted"),
    [
        ("flags : avx512f avx512_bf16", ("float32", "bf16")),
        ("Features : asimd bf16", ("float32", "bf16")),
        ("flags : avx2 avx512f", ("float32",)),
        ("", ("float32", "bf16")),
    ],
)
def test_bfloat16_is_not_tried_where_it_is_emulated(
    monkeypatch: pytest.MonkeyPatch, info: str, wanted: tuple[str, ...]
) -> None:
    monkeypatch.setattr(precision, "_cpuinfo", lambda: info)
    monkeypatch.setattr(precision, "processes", lambda: SimpleNamespace(device=torch.device("cpu")))
    assert precision._precisions() == wanted


@pytest.mark.parametrize(("native", "wanted"), [(True, "bf16"), (False, "fp16")])
def test_float16_is_tried_on_a_gpu_without_bfloat16(monkeypatch: pytest.MonkeyPatch, native: bool, wanted: str) -> None:
    monkeypatch.setattr(precision, "processes", lambda: SimpleNamespace(device=torch.device("cuda")))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert precision._precisions() == ("float32", wanted)


def test_several_processes_train_in_float32(auto: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_cpu(monkeypatch)
    monkeypatch.setattr(precision, "processes", lambda: SimpleNamespace(num_processes=2))
    assert [precision.described(table) for table in precision.candidates(auto.train)] == ["float32"]


@pytest.mark.usefixtures("unexported")
def test_a_single_candidate_is_not_timed(
    tmp_path: Path, auto: Recipe, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_precisions", lambda: ("float32",))
    monkeypatch.setattr(precision, "timings", None)
    said: list[Mapping[str, object]] = []
    given = replace(auto, train=replace(auto.train, channels_last=True))
    train(given, "r.toml", tmp_path / "run", registry, False, lambda step, steps, row: said.append(row))
    assert said[0] == {"precision": "float32 channels_last is used; there is no other to try here"}
    assert read_recipe(tmp_path / "run" / "recipe.toml").train.precision == "float32"


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        ({"float32": 1.0, "bf16": 0.5}, "bf16"),
        ({"float32": 1.0, "bf16": 0.95}, "float32"),  # not worth the digits
        ({"float32": 1.0, "float32 channels_last": 0.6, "bf16": 0.7}, "float32 channels_last"),
        ({"float32": math.inf, "bf16": 0.7}, "bf16"),
        ({"float32": 1.0, "bf16": math.inf}, "float32"),
        ({"float32": math.inf, "bf16": math.inf}, "float32"),
    ],
)
def test_the_fastest_by_more_than_a_tenth_is_taken(
    auto: Recipe, monkeypatch: pytest.MonkeyPatch, seconds: Mapping[str, float], wanted: str
) -> None:
    on_a_cpu(monkeypatch)
    assert precision.described(precision.fastest(precision.candidates(auto.train), seconds)) == wanted


@pytest.mark.usefixtures("unexported")
def test_a_slow_precision_is_given_up(
    tmp_path: Path, auto: Recipe, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_cpu(monkeypatch)
    seen: list[str] = []

    def slow(subnetworks: Subnetworks, batches: object, steps: int, ends: float) -> list[float]:
        seen.append(precision.described(subnetworks.recipe.train))
        return [9.0] if subnetworks.recipe.train.precision == "bf16" else [0.3, 0.1]

    monkeypatch.setattr(precision, "_seconds", slow)
    train(auto, "r.toml", tmp_path / "run", registry, False, no_report)
    assert seen == ["float32", "float32", "float32 channels_last", "bf16"]
    record = json.loads((tmp_path / "run" / "precision.json").read_text(encoding="utf-8"))
    assert record["seconds_per_step"] == {"float32": 0.1, "float32 channels_last": 0.1, "bf16": 9.0}
    assert (record["precision"], record["channels_last"]) == ("float32", False)


@pytest.mark.usefixtures("unexported")
def test_timing_changes_neither_weights_nor_what_is_drawn(tmp_path: Path, auto: Recipe, registry: Registry) -> None:
    said: list[Mapping[str, object]] = []
    train(auto, "r.toml", tmp_path / "auto", registry, False, lambda step, steps, row: said.append(row))
    chosen = read_recipe(tmp_path / "auto" / "recipe.toml")
    assert chosen.train.precision in {"float32", "bf16"}
    train(chosen, "r.toml", tmp_path / "given", registry, False, no_report)
    found, given = weights(tmp_path / "auto"), weights(tmp_path / "given")
    assert found.keys() == given.keys()
    assert not [name for name in given if not np.array_equal(found[name], given[name])]
    assert "is used; a step took: float32 " in str(said[0]["precision"])


@pytest.mark.usefixtures("unexported")
def test_a_resumed_run_keeps_its_precision(
    tmp_path: Path, auto: Recipe, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_cpu(monkeypatch)
    take(monkeypatch, "float32 channels_last")
    train(auto, "r.toml", tmp_path / "run", registry, False, no_report)
    take(monkeypatch, "bf16")
    said: list[Mapping[str, object]] = []
    train(auto, "r.toml", tmp_path / "run", registry, True, lambda step, steps, row: said.append(row))
    known = read_recipe(tmp_path / "run" / "recipe.toml").train
    assert (known.precision, known.channels_last) == ("float32", True)
    assert not said
    monkeypatch.setattr(precision, "hardware", lambda: "another machine")
    train(auto, "r.toml", tmp_path / "run", registry, True, lambda step, steps, row: said.append(row))
    assert str(said[0]["precision"]).startswith("float32 channels_last is kept, as chosen on ")
    other = replace(auto, train=replace(auto.train, precision="bf16"))
    with pytest.raises(UsageError, match="another recipe"):
        train(other, "r.toml", tmp_path / "run", registry, True, no_report)


def test_a_step_that_fails_makes_a_candidate_impossible() -> None:
    class Failing:
        accelerator = SimpleNamespace(device=torch.device("cpu"))

        def step(self, batch: object, number: int) -> None:
            raise TrainingError("the loss is nan")

    batch = Batch(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    assert precision._seconds(Failing(), [batch], 3, math.inf) == [math.inf]  # type: ignore[arg-type, list-item]


def test_the_checkpoint_names_the_precision(
    tmp_path: Path, auto: Recipe, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_cpu(monkeypatch)
    take(monkeypatch, "float32 channels_last")
    monkeypatch.setattr("zoo.training.train.draw_curves", lambda *of, **how: None)
    config = train(auto, "r.toml", tmp_path / "run", registry, False, no_report)
    assert config.training is not None
    assert config.training.hardware == f"{precision.hardware()}, float32 channels_last"
    assert Run(tmp_path / "run").precision.exists()
