"""Recipes for published data sets and folders of one's own: two steps on stand-ins laid out as the data are."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import tarfile
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from accelerate.state import AcceleratorState
from PIL import Image
from torchvision.datasets.lfw import LFWPeople

import zoo
from zoo.catalog.interface import Interface
from zoo.catalog.registry import Registry
from zoo.datasets import open_source
from zoo.recipes.recipe import read_recipe
from zoo.training.run import Run
from zoo.training.train import find_recipe, train
from zoo_conv_vae.config import ConvVAEConfig
from zoo_dense_vae.config import DenseVAEConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from zoo.recipes.recipe import Recipe

    StandIn = Callable[[Path, pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


@pytest.fixture
def any_precision() -> Iterator[None]:
    """Accelerate keeps the precision of a process's first run; recipes here differ in it, and so may other tests."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


def photograph(number: int, height: int, width: int) -> Image.Image:
    """A picture that says which it is: flat colours, the lower half darker."""
    pixels = np.full((height, width, 3), (60 + 5 * number, 250 - 4 * number, 100 + 3 * number), np.uint8)
    pixels[height // 2 :] //= 2
    return Image.fromarray(pixels)


def idx(name: str) -> StandIn:
    """MNIST's own files, and those of the sets that copy its layout."""

    def write(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = home / "torchvision" / name / "raw"
        raw.mkdir(parents=True)
        for stem, count in (("train", 40), ("t10k", 4)):
            images = np.zeros((count, 28, 28), np.uint8)
            for number, image in enumerate(images):
                image[4:24, 4 + number % 10 : 14 + number % 10] = 255 - number
            header = struct.pack(">IIII", 0x803, count, 28, 28)
            (raw / f"{stem}-images-idx3-ubyte").write_bytes(header + images.tobytes())
            labels = bytes(number % 10 for number in range(count))
            (raw / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels)

    return write


def lfw(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive beside what was in it, and the lists of names; torchvision compares the sums of these files."""
    root = home / "torchvision" / "lfw-py"
    root.mkdir(parents=True)
    people = {"Ada_Lovelace": 24, "Emmy_Noether": 16, "Grace_Hopper": 3}
    with tarfile.open(root / "lfw-funneled.tgz", "w:gz") as archive:
        for name, count in people.items():
            for number in range(1, count + 1):
                data = io.BytesIO()
                photograph(number, 250, 250).save(data, "JPEG")
                entry = tarfile.TarInfo(f"lfw_funneled/{name}/{name}_{number:04d}.jpg")
                entry.size = data.tell()
                data.seek(0)
                archive.addfile(entry, data)
    with tarfile.open(root / "lfw-funneled.tgz") as archive:
        archive.extractall(root, filter="data")
    lines = [f"{name}\t{count}\n" for name, count in people.items()]
    texts = {"peopleDevTrain.txt": ["2\n", *lines[:2]], "peopleDevTest.txt": ["1\n", lines[2]], "lfw-names.txt": lines}
    for file, text in texts.items():
        (root / file).write_text("".join(text), encoding="utf-8")
    sums = {file: md5(root / file) for file in texts}
    monkeypatch.setattr(LFWPeople, "checksums", sums)
    funneled = ("lfw_funneled", "lfw-funneled.tgz", md5(root / "lfw-funneled.tgz"))
    monkeypatch.setattr(LFWPeople, "file_dict", {"funneled": funneled})


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def ffhq(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thumbnails, a folder for each thousand."""
    folder = home / "data" / "ffhq" / "00000"
    folder.mkdir(parents=True)
    for number in range(26):
        photograph(number, 128, 128).save(folder / f"{number:05d}.png")


def scenes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs of several shapes."""
    folder = home / "data" / "scenes"
    folder.mkdir(parents=True)
    for number in range(20):
        photograph(number, 90, 90 + 10 * (number % 5)).save(folder / f"view-{number:02d}.jpg")


SCENES = "model.config={ size = 128, latent = 8, encoder = [8, 8, 8, 8, 8, 8], decoder = [8, 8, 8, 8, 8, 8] }"
FACES = "model.config={ latent = 8, encoder = [4, 8, 8, 8], decoder = [8, 8, 8, 4] }"
# Each recipe's data, and what makes its network small where it is not.
RECIPES: dict[str, tuple[StandIn, tuple[str, ...]]] = {
    "dense-vae-mnist60000": (idx("MNIST"), ()),
    "dense-vae-fashion-mnist": (idx("FashionMNIST"), ()),
    "conv-vae-mnist60000-2d": (idx("MNIST"), ()),
    "conv-vae-fashion-mnist": (idx("FashionMNIST"), ()),
    "conv-vae-lfw": (lfw, (FACES,)),
    "conv-vae-lfw-denoise": (lfw, (FACES,)),
    "conv-vae-lfw-color": (lfw, ("model.config.latent=8",)),
    "conv-vae-ffhq128": (ffhq, (FACES,)),
    "conv-vae-scene-folder": (scenes, (SCENES, "data.size=128")),
}
# The one that ends with all a run leaves: every graph, a fitted prior, the curves.
WHOLE = "dense-vae-mnist60000"
TWO_STEPS = (
    "train.epochs=2",
    "train.samples_per_epoch=4",
    "train.batch=4",
    "train.eval_epochs=2",
    "train.precision=float32",
)


def shortened(name: str, home: Path, registry: Registry) -> Recipe:
    """The shipped recipe on the stand-in below `home`, with two epochs of one step."""
    path = find_recipe(name, registry)
    shipped = read_recipe(path)
    source = shipped.data.source.replace("~", str(home))
    prior = ("prior.components=[1]",) if shipped.prior else ()
    recipe = read_recipe(path, (f'data.source="{source}"', *TWO_STEPS, *prior, *RECIPES[name][1]))
    return recipe if name == WHOLE else msgspec.structs.replace(recipe, prior=None)


def write_one_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the curves and all graphs but the job's: seconds each, for what no data set changes."""
    monkeypatch.setattr("zoo.training.train.draw_curves", lambda *of, **how: None)
    for kind in (DenseVAEConfig, ConvVAEConfig):
        monkeypatch.setattr(kind, "interface", lambda config, whole=kind.interface: job_of(whole(config)))


def job_of(interface: Interface) -> Interface:
    return Interface(roles={"translate": interface.roles["translate"]}, latent=interface.latent)


@pytest.mark.usefixtures("any_precision")
@pytest.mark.parametrize("name", RECIPES)
def test_two_steps_on_data_in_the_sets_own_layout(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    RECIPES[name][0](tmp_path, monkeypatch)
    if name != WHOLE:
        write_one_graph(monkeypatch)
    recipe = shortened(name, tmp_path, registry)
    config = train(recipe, f"{name}.toml", tmp_path / "run", registry, False, lambda step, steps, logs: None)

    rows = Run(tmp_path / "run").rows()
    steps = [row for row in rows if "evaluated" not in row]
    assert [row["step"] for row in steps] == [1, 2]
    assert all(math.isfinite(row["model.loss"]) and row["model.error"] > 0 for row in steps)
    assert shown(tmp_path / "run", recipe) == pytest.approx(held_out(recipe), abs=3)

    model = zoo.load(f"dir:{tmp_path / 'run' / 'checkpoint'}")
    assert model.id == config.id == recipe.model.id
    size, channels = recipe.data.size, config.interface.takes("translate").channels
    given = np.random.default_rng(0).random((1, channels, size, size), dtype=np.float32)
    assert model.translate(given).shape == (1, recipe.data.channels, size, size)
    if name == WHOLE:
        assert model.generate(2).shape == (2, 1, 28, 28)


def shown(run: Path, recipe: Recipe) -> list[float]:
    """Mean colour of the target that stands first on the sheet of held-out pictures."""
    size = recipe.data.size
    (sheet,) = sorted((run / "samples").iterdir())
    with Image.open(sheet) as image:
        return mean_colour(np.asarray(image)[2 * size : 3 * size, :size])


def held_out(recipe: Recipe) -> list[float]:
    """Mean colour of the first held-out picture as its source gives it."""
    return mean_colour(open_source(recipe.data.source, "val").picture(0).transpose(1, 2, 0))


def mean_colour(pixels: np.ndarray) -> list[float]:
    return pixels.reshape(-1, 3).mean(axis=0).tolist()


def test_shipped_recipes_name_their_command_and_minutes(registry: Registry) -> None:
    shipped = registry.recipes()
    assert shipped.keys() >= RECIPES.keys()
    ids = set()
    for name, path in shipped.items():
        recipe = read_recipe(path)
        header = path.read_text(encoding="utf-8").partition("[model]")[0]
        assert f"`zoo train {recipe.model.id}`" in header, name
        assert recipe.train.budget_minutes is not None, name
        assert recipe.train.budget_minutes <= 120, name
        ids.add(recipe.model.id)
    assert len(ids) == len(shipped)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_without_a_checkpoint_names_its_data(name: str, registry: Registry) -> None:
    path = registry.recipes()[name]
    header = path.read_text(encoding="utf-8").partition("[model]")[0]
    recipe = read_recipe(path)
    assert "# Data: " in header
    assert "licence" in header or "MIT" in header or "CC BY" in header
    assert ("No checkpoint comes with this recipe" in header) == (recipe.model.id not in registry.models)
    assert not recipe.model.default_for
    assert recipe.data.splits.card == "test"
