"""`zoo attribute` and `zoo map`, from pictures to files."""

from __future__ import annotations

import builtins
import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Zoo, files
from PIL import Image
from vae import write_vae

from zoo.inference.direction_files import read_directions

RNG = np.random.default_rng(0)
LIGHT = """
import sys
from zoo.cli.app import call

for words in (["map", "--help"], ["attribute"], ["attribute", "learn", "--help"], ["attribute", "apply", "--help"]):
    assert call(words) == 0
heavy = {"torch", "torchvision", "matplotlib", "numpy", "PIL", "onnxruntime", "rich", "pydantic"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert call(["map", sys.argv[1], "--kind", "grid", "--side", "2", "-o", "grid.png"]) == 0
assert "torch" not in sys.modules
"""


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"dir:{write_vae(tmp_path_factory.mktemp('models') / 'vae')}"


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"dir:{write_vae(tmp_path_factory.mktemp('models') / 'wide', dims=5, posterior=False)}"


@pytest.fixture
def faces(here: Path) -> Path:
    """A folder of 40 pictures with a csv: glasses make the first pixel 0.6 brighter, a hat the second 0.3."""
    folder = here / "faces"
    folder.mkdir()
    rows = []
    for number in range(40):
        glasses, hat = number % 2, int(number % 4 >= 2 or number < 10)
        pixels = RNG.uniform(0.4, 0.41, (4, 4))
        pixels[0, :2] = 0.2 + 0.6 * glasses, 0.3 + 0.3 * hat
        Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(folder / f"{number}.png")
        hair = ("red", "black")[hat]
        rows.append({"file": f"{number}.png", "split": "train", "glasses": glasses, "hat": hat, "hair": hair, "one": 1})
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


def test_a_direction_is_learned_shown_and_applied(zoo: Zoo, vae: str, faces: Path) -> None:
    """0.6 of a pixel are 2.4 of a latent: what brightens the first pixel is known exactly."""
    learn = ("attribute", "learn", vae, "--data", f"folder:{faces}", "--columns", "glasses, hat > 0.5")
    assert zoo(*learn).lines == ["vae.directions.safetensors"]
    learned = read_directions("vae.directions.safetensors")
    np.testing.assert_allclose(learned.vectors, [[2.4, 0], [0, 1.2]], atol=0.02)
    shown = zoo("attribute", "show", "vae.directions.safetensors").lines
    assert shown[0].startswith("tiny.vae, weights ")
    assert shown[-2].split() == ["glasses", "0.5", *shown[-2].split()[2:]]
    assert shown[-2].split()[-1] == "2.40"
    apply = ("attribute", "apply", vae, "vae.directions.safetensors", "faces/0.png")
    assert zoo(*apply, "--name", "glasses").lines == ["vae-glasses.png"]
    with Image.open("vae-glasses.png") as image:
        assert image.size == (4, 4)
        assert abs(image.getpixel((0, 0)) - 0.8 * 255) < 3
    assert zoo(*apply, "seed:1", "--name", "hat > 0.5", "--steps", "3", "--side-by-side").lines == ["vae-hat-0.5.png"]
    with Image.open("vae-hat-0.5.png") as image:
        assert image.width > 2 * image.height - 10


def test_two_folders_make_a_direction(zoo: Zoo, vae: str, faces: Path) -> None:
    for number in range(40):
        path = faces.parent / ("with" if number % 2 else "without") / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        (faces / f"{number}.png").rename(path)
    words = ("attribute", "learn", vae, "--with", "with", "--without", "without", "--name", "glasses", "-o", "g.st")
    assert zoo(*words).lines == ["g.st"]
    learned = read_directions("g.st")
    assert (learned.names, learned.n) == (("glasses",), 40)
    np.testing.assert_allclose(learned.vectors[0, 0], 2.4, atol=0.02)
    assert zoo("attribute", "apply", vae, "g.st", "seed:0").lines == ["vae-glasses.png"]


def test_constant_columns_are_noted_and_controls_are_not_kept(zoo: Zoo, vae: str, faces: Path) -> None:
    done = zoo("attribute", "learn", vae, "--data", f"folder:{faces}", "--columns", "hair,one", "--controls", "glasses")
    assert (done.code, done.err) == (0, "note: one is the same in all pictures and was left out\n")
    learned = read_directions("vae.directions.safetensors")
    assert learned.names == ("hair == black", "hair == red")
    np.testing.assert_allclose(learned.vectors, [[0, 1.2], [0, -1.2]], atol=0.02)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "say which pictures"),
        ("--data folder:faces", "--columns"),
        ("--data folder:faces --columns hat --with a", "not both"),
        ("--with a", "both folders"),
        ("--data folder:faces --columns hut", "no column 'hut'; there are: glasses, hat, hair, one"),
        ("--with none --without faces", "no pictures in none"),
        ("--data folder:faces --columns hat,hair", "'hat' can't be told apart from hair == black, hair == red"),
        ("--data folder:faces --columns hat -o gone/x.st", "no folder gone"),
    ],
)
def test_learning_from_nothing_is_an_error_of_one_line(
    zoo: Zoo, vae: str, faces: Path, words: str, message: str
) -> None:
    before = files()
    done = zoo("attribute", "learn", vae, *words.split())
    assert message in done.error(done.code)
    assert done.code in (2, 3)
    assert files() == before


def test_directions_of_another_model_are_refused(zoo: Zoo, vae: str, wide: str, faces: Path, tmp_path: Path) -> None:
    zoo("attribute", "learn", vae, "--data", f"folder:{faces}", "--columns", "glasses,hat", "-o", "d.st")
    assert "latents are 2; those of tiny.vae are 5" in zoo(
        "attribute", "apply", wide, "d.st", "seed:0", "--name", "hat"
    ).error(2)
    other = f"dir:{write_vae(tmp_path / 'other', id='tiny.other', posterior=False)}"
    assert "say --name, one of glasses, hat" in zoo("attribute", "apply", vae, "d.st", "seed:0").error(2)
    assert zoo("attribute", "apply", other, "d.st", "seed:0", "--name", "hat").lines == ["other-hat.png"]
    data = bytearray(Path("d.st").read_bytes())
    at = data.index(b"weights") + 12
    data[at : at + 8] = b"00000000"
    Path("e.st").write_bytes(data)
    assert "--any-model" in zoo("attribute", "apply", vae, "e.st", "seed:0", "--name", "hat").error(2)
    assert zoo("attribute", "apply", vae, "e.st", "seed:0", "--name", "hat", "--any-model").lines == ["vae-hat.png"]
    assert "exists" in zoo("attribute", "apply", vae, "d.st", "seed:0", "--name", "hat").error(2)


@pytest.mark.parametrize("kind", ["auto", "scatter", "thumbnails", "grid", "prior", "kl"])
def test_every_kind_of_map_is_a_picture(zoo: Zoo, vae: str, faces: Path, kind: str) -> None:
    words = ("--data", "folder:faces", "--split", "train", "--side", "3", "--kind", kind)
    assert zoo("map", vae, *words).lines == ["vae-map.png"]
    with Image.open("vae-map.png") as image:
        assert min(image.size) >= 900


def test_a_larger_latent_is_mapped_too(zoo: Zoo, wide: str, faces: Path) -> None:
    words = ("map", wide, "--data", "folder:faces", "--split", "train", "--side", "2")
    for kind in ("scatter", "grid", "prior"):
        assert zoo(*words, "--kind", kind, "--label", "hair", "-o", f"{kind}.png").lines == [f"{kind}.png"]
    assert "encoder gives a point" in zoo(*words, "--kind", "kl").error(2)


def test_a_file_of_latents_is_mapped(zoo: Zoo, vae: str, faces: Path) -> None:
    assert zoo("encode", vae, "faces", "--std", "-o", "faces.npz").code == 0
    assert zoo("map", vae, "--latents", "faces.npz").lines == ["vae-map.png"]
    assert zoo("map", vae, "--latents", "faces.npz", "--kind", "kl", "-o", "kl.png").lines == ["kl.png"]
    assert "need the pictures" in zoo("map", vae, "--latents", "faces.npz", "--kind", "thumbnails", "-f").error(2)
    assert "not both" in zoo("map", vae, "--latents", "faces.npz", "--data", "folder:faces").error(2)


def test_the_grid_of_a_flat_latent_needs_no_pictures(zoo: Zoo, vae: str) -> None:
    assert zoo("map", vae, "--kind", "grid", "--side", "4").lines == ["vae-map.png"]
    assert "exists" in zoo("map", vae, "--kind", "grid").error(2)
    assert "say which pictures" in zoo("map", vae, "-f").error(2)


def test_without_matplotlib_it_says_what_to_install(zoo: Zoo, vae: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *how: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *how)

    for name in list(sys.modules):
        if name.startswith("zoo.plots"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    assert zoo("map", vae, "--kind", "grid").error(9) == "zoo map needs matplotlib: pip install 'latent-zoo[plot]'"


def test_help_is_light_and_a_map_needs_no_torch(vae: str) -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT, vae], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
