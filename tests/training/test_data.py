"""Examples and batches: the same for the same place, quick where nothing is random, whole when evaluated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import torch

from zoo.datasets import open_source
from zoo.datasets.arrays import Arrays
from zoo.errors import NotFoundError
from zoo.recipes.recipe import Recipe
from zoo.recipes.seeds import derive
from zoo.training import cache
from zoo.training.cache import AsTheyAre, Whole
from zoo.training.data import (
    Examples,
    Order,
    held_out_batches,
    pictures_of,
    training_batches,
    training_source,
)

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)


@pytest.fixture
def arrays(tmp_path: Path) -> str:
    """Thirty gray pictures of 6 x 8 to train on, five held out, labelled by their position."""
    images = RNG.integers(0, 256, (35, 6, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(35), train=np.arange(30), val=np.arange(30, 35))
    return f"npz:{tmp_path / 'a.npz'}"


def plain(
    source: str, train: dict[str, Any] | None = None, table: dict[str, Any] | None = None, **tables: Any
) -> Recipe:
    """A recipe that does nothing to the pictures but resize them to 4 x 4, with other tables on top."""
    return msgspec.convert(
        {
            "model": {"id": "a.b", "family": "a"},
            "data": {"source": source, "size": 4, "channels": 1} | (table or {}),
            "optimizer": {"model": {}},
            "train": {"epochs": 1, "batch": 4} | (train or {}),
            **tables,
        },
        Recipe,
    )


def examples(recipe: Recipe) -> Examples:
    return Examples(recipe, open_source(recipe.data.source, "train", recipe.data.channels))


def same(one: Any, other: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_an_example_depends_on_its_place_only(recipe: Recipe) -> None:
    one, other = examples(recipe), examples(recipe)
    other[3, 0, 5]
    assert same(one[1, 2, 3], other[1, 2, 3])
    assert not torch.equal(one[1, 2, 3].target, one[2, 2, 3].target)
    assert not torch.equal(one[1, 2, 3].target, one[1, 3, 3].target)


def test_a_batch_is_its_examples(arrays: str) -> None:
    keys = [(0, 0, 7), (0, 1, 3), (0, 2, 7)]
    changes: list[dict[str, Any]] = [
        {},
        {"augment": {"flip": True, "rotate": 5}},
        {"degrade": {"kind": "noise", "sigma": [0.1, 0.2]}},
    ]
    for tables in changes:
        made = examples(plain(arrays, table={"labels": ["label", "label > 5"]}, **tables))
        batch = made.__getitems__(keys)
        assert same(batch, [torch.stack(column) for column in zip(*(made[key] for key in keys), strict=True)])
        assert batch.input.shape == batch.target.shape == (3, 1, 4, 4)
        assert batch.labels.tolist() == [[7, 1], [3, 0], [7, 1]]


def test_unaugmented_images_are_read_once_and_cut_out(arrays: str) -> None:
    class Counted:
        def __init__(self) -> None:
            self.source, self.reads = open_source(arrays, "train", 1), Counter[int]()

        def __len__(self) -> int:
            return len(self.source)

        def picture(self, index: int) -> np.ndarray:
            self.reads[index] += 1
            return self.source.picture(index)

        def labels(self, index: int) -> dict[str, str]:
            return {}

    source = Counted()
    made = Examples(plain(arrays), source)
    batches = [made.__getitems__([(0, 0, 2), (0, 1, 2), (0, 2, 4)]) for _ in range(3)]
    assert source.reads == {2: 1, 4: 1}
    assert batches[0].input is batches[0].target
    assert batches[0].labels.shape == (3, 0)


def test_pictures_are_the_same_whether_kept_or_not(arrays: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(arrays, "train", 1)
    kept = Whole(source, 4, 1)
    first = kept.batch([1, 2])
    monkeypatch.setattr(cache, "KEPT_BYTES", 0)
    unkept = Whole(source, 4, 1)
    assert unkept.kept is None
    unkept.fill()
    assert torch.equal(unkept.batch([1, 2]), first)
    assert torch.equal(kept.batch([1, 2]), first)
    assert torch.equal(AsTheyAre(source)[1], torch.from_numpy(source.picture(1)))


@pytest.mark.parametrize("workers", [0, 1])
def test_pictures_decoded_at_the_start_give_the_same_batches(arrays: str, workers: int) -> None:
    batches = []
    for kept in ("auto", "memory"):
        recipe = plain(arrays, train={"workers": workers}, table={"cache": kept}, augment={"crop": [0.5, 1.0]})
        batches.append(list(training_batches(recipe)[0]))
    assert all(torch.equal(a.input, b.input) for a, b in zip(*batches, strict=True))


def test_a_picture_in_memory_is_read_once(arrays: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = training_source(plain(arrays, table={"cache": "memory"}))
    monkeypatch.setattr(Arrays, "picture", lambda self, index: pytest.fail("read again"))
    assert len(list(pictures_of(source))) == len(source)
    assert source.name(0)


def test_other_processes_make_the_same_batches(arrays: str) -> None:
    batches = []
    for workers in (0, 1):
        loader, _ = training_batches(plain(arrays, train={"workers": workers}, augment={"flip": True, "shift": 0.2}))
        batches.append(list(loader))
    assert len(batches[0]) == 7
    assert all(same(one, other) for one, other in zip(*batches, strict=True))


def test_a_resumed_epoch_gives_the_batches_that_are_left() -> None:
    order = Order(size=11, batch=4, seed=7)
    order.epoch = 2
    whole = list(order)
    assert [len(batch) for batch in whole] == [4, 4]
    assert len({index for batch in whole for _, _, index in batch}) == 8
    order.start = 1
    assert list(order) == whole[1:]
    order.start, order.epoch = 0, 3
    assert list(order) != whole


@pytest.mark.parametrize("samples", [4, 8, 20, 28])
def test_epochs_of_any_length_go_through_all_pictures_evenly(samples: int) -> None:
    order, seen = Order(size=10, batch=4, seed=1, samples=samples), list[int]()
    for epoch in range(5):
        order.epoch = epoch
        keys = [key for batch in order for key in batch]
        assert keys == [key for batch in order for key in batch]
        assert len(keys) == samples
        assert [place for _, place, _ in keys] == list(range(samples))
        seen += [index for _, _, index in keys]
    for end in range(10, len(seen) + 1, 10):
        assert sorted(seen[end - 10 : end]) == list(range(10))
    assert seen[:10] != seen[10:20]


def test_a_small_set_is_one_batch_unless_an_epoch_is_longer() -> None:
    assert [len(batch) for batch in Order(size=3, batch=8, seed=0)] == [3]
    assert [len(batch) for batch in Order(size=3, batch=8, seed=0, samples=16)] == [8, 8]


def test_seeds_of_different_places_differ() -> None:
    assert len({derive(seed, epoch, step) for seed in range(3) for epoch in range(10) for step in range(10)}) == 300


def test_batches_are_pictures_between_zero_and_one(recipe: Recipe) -> None:
    loader, order = training_batches(recipe)
    order.epoch = 1
    given, wanted, labels = next(iter(loader))
    assert given.shape == (4, 1, 16, 16)
    assert wanted.shape == (4, 3, 16, 16)
    assert labels.shape == (4, 0)
    assert 0 <= given.min() <= given.max() <= 1


def test_held_out_images_are_whole_and_in_batches(arrays: str) -> None:
    batches = list(held_out_batches(plain(arrays, table={"eval_size": 8, "labels": ["label"]})))
    assert [len(batch.input) for batch in batches] == [4, 1]
    assert batches[0].target.shape == (4, 1, 8, 8)
    assert batches[1].labels is not None
    assert batches[1].labels.tolist() == [[34]]
    as_is = torch.from_numpy(open_source(arrays, "val", 1).picture(1)).float() / 255
    assert (batches[0].target[1].mean() - as_is.mean()).abs() < 0.01


@pytest.mark.parametrize("degrade", [{"kind": "noise", "sigma": [0.0, 0.3]}, {"kind": "edges"}])
def test_held_out_pictures_are_the_same_each_time(arrays: str, degrade: dict[str, Any]) -> None:
    held_out = held_out_batches(plain(arrays, degrade=degrade))
    first, second = list(held_out), list(held_out)
    assert all(torch.equal(a.input, b.input) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0].input, first[0].target)
    assert first[0].labels is None


def test_four_views_are_the_image_its_mirror_and_two_parts(recipe: Recipe) -> None:
    batches = list(held_out_batches(recipe))
    assert [len(batch.target) for batch in batches] == [4, 4, 4, 4]
    whole, mirrored, upper, lower = batches[0].target
    assert torch.equal(mirrored, whole.flip(2))
    assert not torch.equal(upper, lower)


def test_labels_the_source_lacks_are_refused_before_training(arrays: str) -> None:
    with pytest.raises(NotFoundError, match="no label 'smile'; known are: label"):
        training_batches(plain(arrays, table={"labels": ["smile > 0.5"]}))


def test_the_last_epochs_and_evaluation_are_at_the_final_size(arrays: str) -> None:
    recipe = plain(arrays, train={"epochs": 3}, table={"final_size": 8, "final_epochs": 1}, augment={"flip": True})
    loader, order = training_batches(recipe)
    sides = []
    for order.epoch in range(3):
        sides.append({batch.target.shape[2] for batch in loader})
    assert sides == [{4}, {4}, {8}]
    assert next(iter(held_out_batches(recipe))).target.shape == (4, 1, 8, 8)
    still = plain(arrays, train={"epochs": 3}, table={"final_size": 8, "final_epochs": 1, "eval_size": 5})
    assert examples(still).__getitems__([(2, 0, 1)]).target.shape == (1, 1, 8, 8)
    assert next(iter(held_out_batches(still))).target.shape == (4, 1, 5, 5)


@pytest.mark.parametrize("table", [{"final_size": 8}, {"final_epochs": 2}])
def test_half_of_a_final_size_is_refused(arrays: str, table: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="final_size and final_epochs go together"):
        plain(arrays, table=table)


def test_a_padded_picture_keeps_its_shape(tmp_path: Path) -> None:
    images = np.zeros((3, 4, 8), np.uint8)
    images[:, 0], images[:, -1] = 10, 200
    np.savez(tmp_path / "a.npz", images=images, train=[0, 1], val=[2])
    recipe = plain(f"npz:{tmp_path / 'a.npz'}", table={"size": 8, "shape": "pad"})
    (batch,) = held_out_batches(recipe)
    for picture in (batch.target[0, 0], examples(recipe)[0, 0, 0].target[0]):
        assert [round(float(value) * 255) for value in picture[:, 3]] == [10, 10, 10, 0, 0, 200, 200, 200]


def test_binarised_batches_are_black_and_white_and_right_in_the_mean(arrays: str) -> None:
    recipe, gray = plain(arrays, augment={"binarize": True}), plain(arrays)
    keys = [(0, place, place) for place in range(30)]
    batch, other, again = (examples(recipe).__getitems__([(epoch, *key[1:]) for key in keys]) for epoch in (0, 1, 0))
    assert set(batch.target.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(batch.input, batch.target)
    assert torch.equal(batch.target, again.target)
    assert not torch.equal(batch.target, other.target)
    assert abs(float(batch.target.mean() - examples(gray).__getitems__(keys).target.mean())) < 0.08
