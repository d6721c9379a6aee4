"""The latent verbs on a model that only generates: seeds are its pictures, and its map needs none."""

from __future__ import annotations

import numpy as np
import pytest
from command import Zoo, draw
from PIL import Image
from tiny import make_model, port, write_checkpoint
from vaes import ZERO, node


@pytest.fixture(scope="module")
def gan(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of 4x4 gray pictures from five numbers."""
    weights = {"w": np.random.default_rng(0).standard_normal((5, 16)).astype(np.float16) / 4}
    nodes = [node("MatMul", ["latent", "w"], ["row"]), node("Reshape", ["row", "shape"], ["image"])]
    graph = make_model(
        nodes,
        {"shape": np.array([-1, 1, 4, 4])},
        inputs=[port("latent", ["n", 5])],
        outputs=[port("image", ["n", 1, 4, 4])],
        weights=weights,
    )
    output = {"channels": 1, "size": [4, 4]}
    config = {
        "id": "tiny.gan",
        "task": None,
        "latent": {"shape": [5], "prior": "normal"},
        "capabilities": {"decode": {"graph": "decode.onnx", "sha256": ZERO, "output": output}},
    }
    return f"dir:{write_checkpoint(tmp_path_factory.mktemp('gan'), {'decode': graph}, weights, **config)}"


@pytest.mark.parametrize(
    "words",
    [
        ("interpolate", "seed:1", "seed:2"),
        ("vary", "seed:3", "--strength", "0.3"),
        ("add", "seed:1", "seed:2"),
        ("decode", "seed:4"),
        ("generate", "-n", "4"),
        ("map", "--side", "4"),
        ("map", "--kind", "grid", "--side", "3", "--limit", "30"),
    ],
)
def test_a_verb_writes_its_picture(zoo: Zoo, gan: str, words: tuple[str, ...]) -> None:
    verb, *rest = words
    assert zoo(verb, gan, *rest).lines == [f"gan-{verb}.png"]
    with Image.open(f"gan-{verb}.png") as image:
        assert len(image.convert("L").getcolors()) > 3


def test_what_needs_an_encoder_is_refused(zoo: Zoo, gan: str) -> None:
    draw("a.png")
    for words in (("vary", gan, "a.png"), ("encode", gan, "a.png"), ("map", gan, "--data", "folder:.")):
        assert "can't encode, it can decode, generate" in zoo(*words).error(2)
    assert "say which pictures" in zoo("map", gan, "--kind", "kl").error(2)
