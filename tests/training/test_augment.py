"""Augmentations: what they do to a picture, and to its borders."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor

from zoo.recipes.pictures import AugmentTable
from zoo.training.augment import augmentation


def augmented(picture: Tensor, seed: int = 0, **table: Any) -> Tensor:
    torch.manual_seed(seed)
    changed: Tensor = augmentation(msgspec.convert(table, AugmentTable), picture.shape[-1])(picture)
    return changed


def dot(x: int, y: int, side: int = 32) -> Tensor:
    """A white square of 4 pixels on black, with this upper left corner."""
    picture = torch.zeros((3, side, side), dtype=torch.uint8)
    picture[:, y : y + 4, x : x + 4] = 255
    return picture


def center(picture: Tensor) -> tuple[float, float]:
    """The center of what is white: x, y."""
    weight = picture[0].double()
    rows, columns = torch.meshgrid(*(torch.arange(float(side)) for side in weight.shape), indexing="ij")
    return float((weight * columns).sum() / weight.sum()), float((weight * rows).sum() / weight.sum())


def test_without_settings_nothing_changes() -> None:
    picture = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8)
    assert not AugmentTable().random
    assert torch.equal(augmented(picture), picture)


@pytest.mark.parametrize(
    "table", [{"rotate": 20}, {"shift": 0.2}, {"shear": 20}, {"zoom": [0.6, 0.8]}, {"flip": True}, {"blur": [1, 2]}]
)
def test_each_setting_changes_images_and_keeps_size_and_type(table: dict[str, Any]) -> None:
    picture = torch.randint(0, 256, (3, 24, 24), dtype=torch.uint8)
    made = [augmented(picture, seed, **table) for seed in range(8)]
    assert all(one.shape == picture.shape and one.dtype == torch.uint8 for one in made)
    assert any(not torch.equal(one, picture) for one in made)
    assert torch.equal(made[3], augmented(picture, 3, **table))


@pytest.mark.parametrize("fill", ["edge", "reflect", "constant"])
def test_a_shift_is_at_most_its_share_of_the_side(fill: str) -> None:
    moved = [center(augmented(dot(14, 14), seed, shift=0.25, fill=fill)) for seed in range(40)]
    offsets = torch.tensor(moved) - 15.5
    assert offsets.abs().max() <= 8.01
    assert offsets.abs().max() > 5
    assert (offsets.std(0) > 2).all()


@pytest.mark.parametrize(("zoom", "far"), [((0.5, 0.5), 5.0), ((1.2, 1.2), 12.0)])
def test_zoom_is_a_factor_of_size(zoom: tuple[float, float], far: float) -> None:
    x, y = center(augmented(dot(24, 14), zoom=zoom, fill="constant"))
    assert x - 15.5 == pytest.approx(far, abs=0.6)
    assert y == pytest.approx(15.5, abs=0.6)


def test_new_pixels_are_the_edge_a_reflection_or_a_constant() -> None:
    ramp = torch.arange(100, 228, 4, dtype=torch.uint8).expand(3, 32, 32).contiguous()
    small = {
        fill: augmented(ramp, zoom=[0.5, 0.5], fill=fill, fill_value=0.2) for fill in ("edge", "reflect", "constant")
    }
    row = {fill: picture[0, 16].int() for fill, picture in small.items()}
    assert (row["edge"][:7] == 100).all()
    assert (row["edge"][-7:] == 224).all()
    assert row["reflect"][0] == pytest.approx(160, abs=12)
    assert (row["constant"][:7] == 51).all()


@pytest.mark.parametrize("fill", ["edge", "reflect"])
def test_the_strongest_moves_never_look_beyond_what_was_filled(fill: str) -> None:
    white = torch.full((1, 20, 20), 255, dtype=torch.uint8)
    table = {"rotate": 45, "shift": 0.2, "shear": 10, "zoom": [0.8, 1.0], "fill": fill}
    darkest = min(int(augmented(white, seed, **table).min()) for seed in range(100))
    assert darkest >= 254


def test_a_crop_takes_pictures_of_any_size_to_the_side() -> None:
    torch.manual_seed(0)
    crop = augmentation(AugmentTable(crop=(0.3, 0.5), rotate=5), 16)
    assert crop(torch.randint(0, 256, (3, 40, 30), dtype=torch.uint8)).shape == (3, 16, 16)


def test_blur_is_for_a_share_of_the_pictures() -> None:
    picture = torch.randint(0, 256, (1, 16, 16), dtype=torch.uint8)
    blurred = [not torch.equal(augmented(picture, seed, blur=[1, 2], blur_share=0.3), picture) for seed in range(60)]
    assert 8 <= sum(blurred) <= 30
