"""Sources, splits, examples and degradations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from zoo.errors import NotFoundError, UsageError
from zoo.training.data import Examples, Order, derive, held_out_batches, open_source, training_batches
from zoo.training.degrade import degrade, luma
from zoo.training.recipe import GrayscaleTable

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.training.recipe import Recipe


def save(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3), (value, 10, 20)).save(path)


def test_a_pack_is_read_by_its_index_and_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    save(tmp_path / "toys" / "a.png", 1)
    save(tmp_path / "toys" / "b.png", 2)
    (tmp_path / "toys" / "toys.csv").write_text("file,split\na.png,train\nb.png,val\n", encoding="utf-8")
    source = open_source("pack:toys", "val")
    assert len(source) == 1
    assert source.picture(0)[:, 0, 0].tolist() == [2, 10, 20]
    assert source.picture(0).shape == (3, 3, 4)
    with pytest.raises(NotFoundError, match="split 'test'"):
        open_source("pack:toys", "test")
    with pytest.raises(NotFoundError, match="ZOO_DATA"):
        open_source("pack:games", "val")


def test_a_folder_is_split_by_name_and_adding_pictures_moves_none(tmp_path: Path) -> None:
    for number in range(200):
        save(tmp_path / f"{number}.png")
    splits = {name: set(open_source(f"folder:{tmp_path}", name).paths) for name in ("train", "val", "test")}
    assert sum(len(paths) for paths in splits.values()) == 200
    assert not splits["train"] & splits["val"] | splits["val"] & splits["test"]
    save(tmp_path / "another.png")
    later = {name: set(open_source(f"folder:{tmp_path}", name).paths) for name in splits}
    assert all(splits[name] <= later[name] for name in splits)


def test_a_folder_with_folders_of_splits_uses_those(tmp_path: Path) -> None:
    save(tmp_path / "train" / "deep" / "a.png")
    save(tmp_path / "val" / "b.png")
    assert len(open_source(f"folder:{tmp_path}", "train")) == 1
    with pytest.raises(NotFoundError, match="no pictures"):
        open_source(f"folder:{tmp_path}", "test")


def test_unknown_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pack:NAME or folder:PATH"):
        open_source("http://example.org", "train")
    with pytest.raises(NotFoundError, match="no folder"):
        open_source(f"folder:{tmp_path / 'none'}", "train")


def test_an_example_depends_on_its_place_only(recipe: Recipe) -> None:
    source = open_source(recipe.data.source, "train")
    one, other = Examples(recipe, source), Examples(recipe, source)
    other[3, 0, 5]
    first, second = one[1, 2, 3], other[1, 2, 3]
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[1], one[2, 2, 3][1])


def test_an_epoch_that_is_resumed_gives_the_batches_that_are_left() -> None:
    order = Order(size=11, batch=4, seed=7)
    order.epoch = 2
    whole = list(order)
    assert [len(batch) for batch in whole] == [4, 4]
    assert len({index for batch in whole for _, _, index in batch}) == 8
    order.start = 1
    assert list(order) == whole[1:]
    order.start, order.epoch = 0, 3
    assert list(order) != whole


def test_seeds_of_different_places_differ() -> None:
    assert len({derive(seed, epoch, step) for seed in range(3) for epoch in range(10) for step in range(10)}) == 300


def test_batches_are_pictures_between_zero_and_one(recipe: Recipe) -> None:
    loader, order = training_batches(recipe)
    order.epoch = 1
    given, wanted = next(iter(loader))
    assert given.shape == (4, 1, 16, 16)
    assert wanted.shape == (4, 3, 16, 16)
    assert 0 <= given.min() <= given.max() <= 1


def test_held_out_pictures_are_the_same_each_time(recipe: Recipe) -> None:
    first, second = list(held_out_batches(recipe)), list(held_out_batches(recipe))
    assert len(first) == 4
    assert all(
        torch.equal(a.input, b.input) and torch.equal(a.target, b.target) for a, b in zip(first, second, strict=True)
    )
    assert torch.equal(first[0].target[1], first[0].target[0].flip(2))


def test_luma_is_pillows_mode_l() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    assert np.array_equal(luma(torch.from_numpy(pixels.transpose(2, 0, 1)))[0].numpy(), expected)


def test_without_settings_the_input_is_the_plain_gray() -> None:
    picture = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    assert torch.equal(degrade(picture, GrayscaleTable()), luma(picture))


@pytest.mark.parametrize(
    "setting",
    [
        {"lightness": (0.1, 0.1)},
        {"contrast": (0.5, 0.5)},
        {"noise": (0.1, 0.1), "noise_share": 1.0},
        {"jpeg": (20, 20), "jpeg_share": 1.0},
        {"sepia_share": 1.0},
    ],
)
def test_each_setting_changes_the_input_and_keeps_it_a_picture(setting: dict[str, object]) -> None:
    torch.manual_seed(0)
    picture = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
    changed = degrade(picture, msgspec.convert(setting | {"kind": "grayscale"}, GrayscaleTable))
    assert changed.shape == (1, 32, 32)
    assert changed.dtype == torch.uint8
    assert not torch.equal(changed, luma(picture))
    assert (changed.float() - luma(picture).float()).abs().mean() < 64
