"""The packages under examples/: each is built, installed into an environment of its own, and passes its own tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from environment import EXAMPLES, Environment, draw_pictures
from PIL import Image

EXAMPLE_PACKAGES = ["zoo-plugin-example", "zoo-superres", "zoo-cvae", "zoo-ddpm", "zoo-timm", "zoo-diffusers"]
SMALL_CODES = "model.config={ size = 16, width = 8, codes = 16, dimensions = 4 }"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "env")


@pytest.mark.parametrize("example", EXAMPLE_PACKAGES)
def test_an_example_installed_from_its_wheel_passes_its_tests(
    environment: Environment, tmp_path: Path, example: str
) -> None:
    environment.install(example, tmp_path)
    (plugin,) = [
        item
        for item in json.loads(environment.run("zoo", "plugins", "--json", cwd=tmp_path))
        if item["distribution"] == example
    ]
    assert (plugin["state"], plugin["version"]) == ("ok", "0.1.0")
    shutil.copytree(EXAMPLES / example / "tests", tmp_path / "tests")  # away from the package's own source
    environment.run("pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, "tests", cwd=tmp_path)


def train(environment: Environment, folder: Path, model: str, *settings: str) -> str:
    """Two epochs of a recipe on pictures drawn into `folder`; returns the checkpoint's name."""
    if not (folder / "pictures").exists():
        draw_pictures(folder / "pictures")
    words = [word for setting in (*settings, "train.batch=4", "train.eval_epochs=1") for word in ("--set", setting)]
    environment.run("zoo", "train", model, "--data", "folder:pictures", "--id=mine", "--epochs=2", *words, cwd=folder)
    return f"dir:runs/{model.split('.', maxsplit=1)[0]}.mine/checkpoint"


def test_the_example_trains_and_its_checkpoint_runs_without_it(environment: Environment, tmp_path: Path) -> None:
    environment.install("zoo-plugin-example", tmp_path)
    model = train(environment, tmp_path, "vq-vae.faces", SMALL_CODES, "data.size=16")
    gone = {"ZOO_DISABLE_PLUGINS": "zoo-plugin-example"}
    listed = json.loads(environment.run("zoo", "plugins", "--json", cwd=tmp_path, **gone))
    assert [item["state"] for item in listed if item["plugin"] == "vq-vae"] == ["disabled by ZOO_DISABLE_PLUGINS"]
    one, other = "pictures/val/00.png", "pictures/val/01.png"
    environment.run("zoo", "run", model, one, "-o", "again.png", cwd=tmp_path, **gone)
    environment.run("zoo", "generate", model, "-n", "4", "-o", "new.png", cwd=tmp_path, **gone)
    environment.run("zoo", "interpolate", model, one, other, "-o", "path.png", cwd=tmp_path, **gone)
    assert {"again.png", "new.png", "path.png"} <= {path.name for path in tmp_path.iterdir()}


def test_super_resolution_trains_and_its_answers_are_twice_as_large(environment: Environment, tmp_path: Path) -> None:
    environment.install("zoo-superres", tmp_path)
    small = ('model.preset="tiny"', "data.size=16", "augment.crop=[0.5, 1.0]")
    model = train(environment, tmp_path, "upscaler.photos", *small)
    environment.run_light("zoo", "run", model, "pictures/val/00.png", "-o", "large.png", cwd=tmp_path)
    with Image.open(tmp_path / "large.png") as large:
        assert large.size == (80, 80)
    assert "2 times as high and wide" in environment.run("zoo", "info", model, cwd=tmp_path)


def test_a_conditional_vae_draws_what_it_is_told(environment: Environment, tmp_path: Path) -> None:
    environment.install("zoo-cvae", tmp_path)
    draw_pictures(tmp_path / "pictures")
    for file in sorted((tmp_path / "pictures").rglob("*.png")):  # a folder for each class
        kind = file.parent / str(int(file.stem) % 2)
        kind.mkdir(exist_ok=True)
        file.rename(kind / file.name)
    model = train(environment, tmp_path, "conditional-vae.digits", 'model.preset="tiny"', "data.size=16")
    assert "one of 0, 1, 2" in environment.run_light("zoo", "info", model, cwd=tmp_path)
    for digit in "37":
        arguments = ("-n", "4", "--set", f"digit={digit}", "-o", f"{digit}.png")
        environment.run_light("zoo", "generate", model, *arguments, cwd=tmp_path)
    environment.run_light("zoo", "vary", model, "seed:1", "--set", "digit=3", "-o", "like.png", cwd=tmp_path)
    with Image.open(tmp_path / "3.png") as three, Image.open(tmp_path / "7.png") as seven:
        assert three.size == seven.size
        assert three.tobytes() != seven.tobytes()


def test_diffusion_makes_pictures_in_as_many_steps_as_asked(environment: Environment, tmp_path: Path) -> None:
    environment.install("zoo-ddpm", tmp_path)
    model = train(environment, tmp_path, "ddpm.digits", 'model.preset="tiny"', "data.size=16")
    assert "denoised in 4 steps" in environment.run_light("zoo", "info", model, cwd=tmp_path)
    for steps in "18":
        arguments = ("-n", "3", "--steps", steps, "-o", f"{steps}.png")
        environment.run_light("zoo", "generate", model, *arguments, cwd=tmp_path)
    environment.run_light("zoo", "interpolate", model, "seed:1", "seed:2", "-o", "between.png", cwd=tmp_path)
    with Image.open(tmp_path / "1.png") as one, Image.open(tmp_path / "8.png") as eight:
        assert one.size == eight.size
        assert one.tobytes() != eight.tobytes()
