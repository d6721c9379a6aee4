"""Directions: what regression tells apart, what it refuses, and the file that is passed on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save
from vae import write_vae

from zoo.catalog.spec import CheckpointConfig, parse_config
from zoo.errors import NotFoundError, UnsafeFileError, UsageError
from zoo.inference.direction_files import read_directions, write_directions
from zoo.inference.directions import Directions, apply, learn

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> CheckpointConfig:
    folder = write_vae(tmp_path_factory.mktemp("vae"), dims=6)
    return parse_config((folder / "config.json").read_bytes(), "config.json")


def some(config: CheckpointConfig, names: tuple[str, ...] = ("glasses", "male")) -> Directions:
    attributes = RNG.integers(0, 2, (60, len(names)))
    return learn(RNG.standard_normal((60, 6)).astype(np.float32), attributes, names, config)


def test_attributes_that_go_together_are_told_apart(config: CheckpointConfig) -> None:
    """Nine in ten men have a beard and few women: the difference of means would make a man of a beard."""
    male = RNG.random(4000) < 0.5
    beard = RNG.random(4000) < np.where(male, 0.9, 0.05)
    etas = RNG.standard_normal((2, 6))
    attributes = np.stack([male, beard], axis=1)
    latents = (attributes @ etas + 0.1 * RNG.standard_normal((4000, 6)) + 3).astype(np.float32)
    learned = learn(latents, attributes, ["male", "beard"], config)
    np.testing.assert_allclose(learned.vectors, etas, atol=0.05)
    naive = latents[beard].mean(axis=0) - latents[~beard].mean(axis=0)
    assert np.abs(naive - etas[1]).max() > 0.5
    np.testing.assert_allclose(learned.means, [0.5, beard.mean()], atol=0.05)
    assert learned.r2 > 0.9


def test_two_folders_give_the_difference_of_means(config: CheckpointConfig) -> None:
    latents = RNG.standard_normal((30, 6)).astype(np.float32)
    attribute = np.repeat([0, 1], [18, 12])[:, None]
    learned = learn(latents, attribute, ["hat"], config)
    np.testing.assert_allclose(learned.direction("hat"), latents[18:].mean(0) - latents[:18].mean(0), atol=1e-5)


def test_a_direction_starts_at_the_mean_of_the_other_classes(config: CheckpointConfig) -> None:
    color = RNG.choice(3, 600, p=[0.6, 0.3, 0.1])
    places = RNG.standard_normal((3, 6))
    latents = places[color].astype(np.float32)
    columns = np.eye(3)[color]
    learned = learn(latents, columns, ["black", "red", "gray"], config, exclusive=[(0, 1, 2)])
    others = latents[color != 1].mean(axis=0)
    np.testing.assert_allclose(learned.direction("red"), places[1] - others, atol=1e-5)
    assert learned.r2 == pytest.approx(1)


def test_controls_are_held_fixed_but_not_kept(config: CheckpointConfig) -> None:
    learned = learn(
        RNG.standard_normal((50, 6)).astype(np.float32), RNG.random((50, 3)), "abc", config, keep=["c", "a"]
    )
    assert (learned.names, learned.vectors.shape, learned.means.shape) == (("c", "a"), (2, 6), (2,))


def test_feature_maps_keep_their_shape(config: CheckpointConfig) -> None:
    learned = learn(RNG.standard_normal((20, 2, 3, 3)).astype(np.float32), RNG.random((20, 1)), ["a"], config)
    assert learned.direction("a").shape == learned.latent_shape == (2, 3, 3)


@pytest.mark.parametrize(
    ("columns", "names", "message"),
    [
        (np.stack([np.arange(30.0) % 2, 1 - np.arange(30.0) % 2], 1), ("a", "b"), "'a' can't be told apart from b"),
        (np.ones((30, 1)), ("a",), "'a' is the same in all 30 pictures"),
        (np.full((30, 1), np.nan), ("a",), "finite"),
        (RNG.random((30, 2)), ("a", "a"), "named twice"),
        (RNG.random((30, 29)), tuple(map(str, range(29))), "too few"),
        (RNG.random((29, 1)), ("a",), "a row for each latent"),
        (np.ones((30, 0)), (), "no attributes"),
    ],
)
def test_what_can_not_be_learned_is_refused(
    config: CheckpointConfig, columns: np.ndarray, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        learn(RNG.standard_normal((30, 6)).astype(np.float32), columns, names, config)


def test_latents_that_never_vary_are_refused(config: CheckpointConfig) -> None:
    with pytest.raises(UsageError, match="all the same"):
        learn(np.ones((30, 6), np.float32), RNG.random((30, 1)), ["a"], config)


def test_apply_moves_by_the_strength() -> None:
    latents, direction = np.ones((2, 3), np.float32), np.array([1, 0, -2], np.float32)
    np.testing.assert_array_equal(apply(latents, direction, 1.5), [[2.5, 1, -2]] * 2)
    with pytest.raises(UsageError, match="2 x 2"):
        apply(np.ones((1, 2, 2)), direction, 1)


def test_an_unknown_direction_lists_the_known_ones(config: CheckpointConfig) -> None:
    learned = some(config)
    with pytest.raises(NotFoundError, match="did you mean 'glasses'"):
        learned.direction("glases")
    with pytest.raises(NotFoundError, match="there are: glasses, male"):
        learned.direction("zebra")


def test_directions_are_for_the_weights_they_were_learned_with(config: CheckpointConfig, tmp_path: Path) -> None:
    learned = some(config)
    learned.check_model(config)
    again = replace(learned, weights="f" * 64)
    with pytest.raises(UsageError, match=r"tiny.vae \(weights ffffffffffff\), not with this tiny.vae.*--any-model"):
        again.check_model(config)
    again.check_model(config, any_model=True)
    folder = write_vae(tmp_path / "other", dims=3)
    with pytest.raises(UsageError, match=r"latents are 6; those of .* are 3"):
        learned.check_model(parse_config((folder / "config.json").read_bytes(), ""), any_model=True)
    with pytest.raises(UsageError, match=r"learn them with dir:other$"):
        learned.check_model(parse_config((folder / "config.json").read_bytes(), ""), name="dir:other")


def test_a_file_gives_back_what_was_written(config: CheckpointConfig, tmp_path: Path) -> None:
    learned, path = some(config, ("smile > 0.5", "hair == rot & weiß")), tmp_path / "a.directions.safetensors"
    write_directions(path, learned)
    read = read_directions(path)
    for name in ("model", "weights", "names", "n", "r2", "latent_shape"):
        assert getattr(read, name) == getattr(learned, name)
    for name in ("vectors", "means", "shares", "center"):
        np.testing.assert_array_equal(getattr(read, name), getattr(learned, name))
    with pytest.raises(UsageError, match="exists"):
        write_directions(path, learned)
    write_directions(path, replace(learned, n=7), force=True)
    assert read_directions(path).n == 7
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def damaged(header: dict[str, Any] | None = None, **tensors: np.ndarray) -> bytes:
    good = {
        "vectors": np.ones((1, 3), np.float32),
        "center": np.ones(3, np.float32),
        "means": np.ones(1, np.float32),
        "shares": np.ones(1, np.float32),
    }
    entry = {"format": 1, "model": "tiny.vae", "weights": "0" * 64, "names": ["a"], "n": 3, "r2": 0.5}
    return save(good | tensors, {"directions": json.dumps(entry | (header or {}))})


def test_the_file_that_is_damaged_below_is_good_before(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(damaged())
    assert read_directions(tmp_path / "a").names == ("a",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too few"),
        (damaged()[:-4], "end at byte"),
        (save({"vectors": np.ones((1, 3), np.float32)}), "metadata"),
        (save({"vectors": np.ones((1, 3), np.float32)}, {"directions": "no json"}), "malformed"),
        (damaged({"format": 2}), "format"),
        (damaged({"names": []}), "names"),
        (damaged({"names": ["a", "a"]}), "one name"),
        (damaged({"names": ["a\nb"]}), "names"),
        (damaged({"weights": "../x"}), "weights"),
        (damaged({"more": 1}), "more"),
        (damaged(extra=np.ones(1, np.float32)), "its tensors are"),
        (damaged(vectors=np.ones((2, 3), np.float32)), "vectors has the shape"),
        (damaged(vectors=np.full((1, 3), np.nan, np.float32)), "not finite"),
        (damaged(center=np.ones((1, 1, 1, 1, 3), np.float32)), "1 to 4 axes"),
        (damaged(means=np.ones(1, np.float64)), "F64"),
    ],
)
def test_a_file_that_is_something_else_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.directions.safetensors"
    path.write_bytes(data)
    with pytest.raises(UnsafeFileError, match=message) as caught:
        read_directions(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="zoo attribute learn"):
        read_directions(tmp_path / "none")
    with pytest.raises(UnsafeFileError, match="regular"):
        read_directions(tmp_path)
