"""Every recipe of pix2pix: two steps on stand-ins laid out as its data are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np
import pytest
import timm
import torch
from PIL import Image

import zoo
from zoo.catalog.registry import Registry
from zoo.recipes.recipe import read_recipe
from zoo.training.run import Run
from zoo.training.train import find_recipe, train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def brick(number: int, side: int = 72) -> Image.Image:
    pixels = np.full((side, side, 3), 255, np.uint8)
    cv2.rectangle(pixels, (12, 14 + number % 5), (58, 60), (40 + 9 * number, 30, 200 - 9 * number), -1)
    return Image.fromarray(pixels)


def emoji(home: Path) -> None:
    folder = home / "emoji"
    (folder / "images").mkdir(parents=True)
    rows = ["file,split"]
    for number in range(14):
        brick(number).save(folder / "images" / f"{number}.webp", quality=95)
        rows.append(f"images/{number}.webp,{'val' if number > 11 else 'train'}")
    (folder / "emoji.csv").write_text("\n".join(rows) + "\n")


def lego(home: Path) -> None:
    folder = home / "lego"
    folder.mkdir()
    rows = ["file,split"]
    for number in range(9):
        brick(number, 80 + number % 3).crop((0, 0, 60, 72)).save(folder / f"{number}.jpg")
        rows.append(f"{number}.jpg,{'val' if number > 7 else 'train'}")
    (folder / "lego.csv").write_text("\n".join(rows) + "\n")


def flowers(home: Path) -> None:
    folder = home / "photos11k"
    folder.mkdir()
    rows = ["file,split,set"]
    for number in range(9):
        brick(number, 90).crop((0, 0, 90, 72)).save(folder / f"{number}.webp")
        rows.append(f"{number}.webp,{'val' if number > 7 else 'train'},{'coco' if number % 4 == 1 else 'flowers'}")
    (folder / "photos11k.csv").write_text("\n".join(rows) + "\n")


def edges2shoes(home: Path) -> None:
    for split, count in (("train", 9), ("val", 2)):
        folder = home / "data" / "edges2shoes" / split
        folder.mkdir(parents=True)
        for number in range(count):
            shoe = brick(number)
            pair = Image.new("RGB", (144, 72), "white")
            pair.paste(Image.fromarray(255 - cv2.Canny(np.asarray(shoe), 50, 150)), (0, 0))
            pair.paste(shoe, (72, 0))
            pair.save(folder / f"{number}_AB.jpg")


RECIPES: dict[str, Callable[[Path], None]] = {
    "pix2pix-emoji": emoji,
    "pix2pix-emoji-l1": emoji,
    "pix2pix-lego": lego,
    "pix2pix-flowers": flowers,
    "pix2pix-edges2shoes": edges2shoes,
}
SHORT = (
    "model.config.depth=3",
    "model.config.channels=4",
    "model.config.size=64",
    "data.size=32",
    "data.final_size=64",
    "data.final_epochs=1",
    "train.epochs=2",
    "train.samples_per_epoch=4",
    "train.batch=4",
    "train.precision=float32",
    "train.eval_epochs=2",
    "train.workers=0",
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A perceptual term in random features of timm's smallest backbone."""
    file = tmp_path_factory.mktemp("weights") / "backbone.pth"
    torch.save(timm.create_model("test_efficientnet").state_dict(), file)
    return {"weights": f"file:{file}", "backbone": "test_efficientnet", "depths": [1, 2], "weight": 2.0}


@pytest.mark.parametrize("name", RECIPES)
def test_two_steps_on_data_in_their_own_layout(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry, features: dict[str, Any]
) -> None:
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    monkeypatch.setattr("zoo.training.train.draw_curves", lambda *of, **how: None)
    RECIPES[name](tmp_path)
    path = find_recipe(name, registry)
    source = read_recipe(path).data.source.replace("~", str(tmp_path))
    recipe = read_recipe(path, (f'data.source="{source}"', *SHORT))
    if "discriminator" in recipe.optimizer:
        recipe = msgspec.structs.replace(recipe, objective={**recipe.objective, "discriminator_channels": 4})
    if "perceptual" in recipe.objective:
        recipe = msgspec.structs.replace(recipe, objective={**recipe.objective, "perceptual": features})
    config = train(recipe, f"{name}.toml", tmp_path / "run", registry, False, lambda step, steps, logs: None)

    rows = Run(tmp_path / "run").rows()
    steps = [row for row in rows if "evaluated" not in row]
    assert [row["step"] for row in steps] == [1, 2]
    assert all(math.isfinite(row["generator.loss"]) and row["generator.l1"] > 0 for row in steps)
    assert all(("discriminator.loss" in row) == (name != "pix2pix-emoji-l1") for row in steps)
    assert all(("generator.perceptual" in row) == ("perceptual" in recipe.objective) for row in steps)
    (evaluated,) = [row for row in rows if "evaluated" in row]
    assert {"l1", "psnr", "ssim", "patch_frechet", "score"} <= evaluated.keys()
    assert ("perceptual" in evaluated) == ("perceptual" in recipe.objective)

    model = zoo.load(f"dir:{tmp_path / 'run' / 'checkpoint'}")
    assert model.id == config.id == recipe.model.id
    drawing = np.full((1, 1, 70, 100), 255, np.uint8)
    drawing[0, 0, 20:50, [30, 70]] = 0
    drawing[0, 0, [20, 49], 30:71] = 0
    assert model.translate(drawing).shape == (1, 3, 70, 100)


def test_the_two_emoji_recipes_differ_in_the_adversary_alone(registry: Registry) -> None:
    with_it, without = (read_recipe(find_recipe(name, registry)) for name in ("pix2pix-emoji", "pix2pix-emoji-l1"))
    assert (with_it.data, with_it.augment, with_it.degrade) == (without.data, without.augment, without.degrade)
    assert with_it.optimizer["generator"] == without.optimizer["generator"]
    assert with_it.model.config == without.model.config
    assert with_it.model.preset == without.model.preset
    assert msgspec.structs.replace(with_it.train, budget_minutes=1) == msgspec.structs.replace(
        without.train, budget_minutes=1
    )
    assert with_it.objective["l1_weight"] == without.objective["l1_weight"]
    assert (with_it.objective["adversarial"], without.objective["adversarial"]) == ("lsgan", "none")
