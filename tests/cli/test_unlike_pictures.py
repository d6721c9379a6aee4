"""What the verbs say of pictures of another kind than those that a model was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import Zoo
from PIL import Image
from vae import write_vae

from zoo.catalog.expects import Expects, Limits
from zoo.checkpoints.format import write_expects

REMARK = "note: tiny.vae was trained on tiny squares; {} not look like one\n"
LIMITS = Limits(error=0.1, detail=0.1, shape=0.1, latent=4.0)


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of 4x4 pictures that keeps their upper half, and whose pictures are gray below."""
    folder = write_vae(tmp_path_factory.mktemp("expects") / "vae", dims=8)
    write_expects(folder, Expects(words="tiny squares", limits=LIMITS))
    return f"dir:{folder}"


@pytest.fixture(autouse=True)
def pictures() -> None:
    """own.png, and the same upside down."""
    own = np.full((4, 4), 128, np.uint8)
    own[:2] = np.array([192, 64] * 4, np.uint8).reshape(2, 4)
    Image.fromarray(own).save("own.png")
    Image.fromarray(own[::-1]).save("other.png")


@pytest.mark.parametrize(
    "words", [("interpolate", "{}", "seed:0"), ("vary", "{}"), ("add", "seed:1", "{}"), ("decode", "{}")]
)
def test_latent_verbs_say_it_and_go_on(zoo: Zoo, vae: str, words: tuple[str, ...]) -> None:
    verb, *operands = words
    done = zoo(verb, vae, *(word.format("other.png") for word in operands), "-o", "made.png")
    assert (done.code, done.out) == (0, b"made.png\n")
    assert done.err == REMARK.format("other.png does")
    assert zoo(verb, vae, *(word.format("own.png") for word in operands), "-o", "again.png").lines == ["again.png"]


def test_encode_says_it_once_for_all_pictures(zoo: Zoo, vae: str) -> None:
    Path("third.png").write_bytes(Path("other.png").read_bytes())
    done = zoo("encode", vae, ".", "-o", "all.npz")
    assert (done.code, done.err) == (0, REMARK.format("2 of 3 pictures, as other.png, do"))


def test_run_says_it_once_after_the_results(zoo: Zoo) -> None:
    for number in range(3):
        Image.effect_noise((64, 64), 80).convert("RGB").save(f"noise{number}.png")
    done = zoo("run", "conv-vae.faces", "noise0.png", "noise1.png", "noise2.png", "--jobs", "1")
    assert (done.code, done.out.count(b"\n")) == (0, 3)
    remark = "was trained on rendered faces of 32x32; 3 of 3 pictures, as noise0.png, do not look like one"
    assert done.err == f"note: conv-vae.faces {remark}\n"


def test_info_shows_what_a_model_expects(zoo: Zoo, vae: str) -> None:
    shown = " ".join(" ".join(zoo("info", vae).lines).split())
    assert "expects tiny squares, and tells other pictures apart" in shown
    assert '"words": "tiny squares"' in " ".join(zoo("info", vae, "--json").lines)
