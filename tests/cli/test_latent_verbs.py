"""The latent verbs: what they write where, what they refuse, and that the guide to them holds."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import Zoo, draw, files
from PIL import Image
from vaes import write_vae

import zoo as library

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "latents.md").read_text(encoding="utf-8")
GAP = np.full((4, 2), 255)
VERBS = {
    "encode": ["a.png"],
    "decode": ["seed:0"],
    "generate": ["-n", "2"],
    "interpolate": ["a.png", "seed:0"],
    "vary": ["a.png"],
    "add": ["a.png", "seed:0"],
}


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of 4x4 gray pictures with a fitted prior."""
    return f"dir:{write_vae(tmp_path_factory.mktemp('vae'), prior='sampler')}"


@pytest.fixture
def latents(zoo: Zoo, vae: str) -> str:
    """A file of the latents of a.png, b.png and c.png."""
    draw("a.png", "b.png", "c.png", size=(4, 4))
    Image.new("L", (4, 4), 200).save("b.png")
    return zoo("encode", vae, "a.png", "b.png", "c.png", "-o", "l.npz").lines[0]


def size(name: str) -> tuple[int, int]:
    with Image.open(name) as image:
        assert image.mode in ("L", "P")
        return image.size


def pixels(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return np.asarray(image.convert("L")).astype(int)


@pytest.mark.parametrize("verb", VERBS)
def test_results_are_named_by_model_and_verb_and_not_replaced(zoo: Zoo, vae: str, verb: str) -> None:
    draw("a.png")
    name = "test-latents.npz" if verb == "encode" else f"test-{verb}.png"
    assert zoo(verb, vae, *VERBS[verb]).lines == [name]
    before = Path(name).read_bytes()
    assert zoo(verb, vae, *VERBS[verb]).error(2) == f"{name} exists: use --force, or -o to write somewhere else"
    Path(name).write_bytes(b"mine")
    assert zoo(verb, vae, *VERBS[verb], "-f").lines == [name]
    assert Path(name).read_bytes() == before
    assert files() == ["a.png", name] if name > "a.png" else [name, "a.png"]


@pytest.mark.parametrize("verb", ["decode", "interpolate", "vary", "add"])
def test_an_input_is_not_overwritten_even_with_force(zoo: Zoo, vae: str, verb: str) -> None:
    draw("a.png")
    before = Path("a.png").read_bytes()
    Path("link.png").symlink_to("a.png")
    words = [word.replace("seed:0", "a.png") for word in VERBS[verb]]
    assert "is an input and would be overwritten" in zoo(verb, vae, *words, "-o", "link.png", "-f").error(2)
    assert Path("a.png").read_bytes() == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_model_that_can_not_says_who_can(zoo: Zoo, tiny: str, verb: str) -> None:
    draw("a.png")
    assert re.match(
        r"tiny\.test can't (encode|decode|generate), it can translate", zoo(verb, tiny, *VERBS[verb]).error(2)
    )
    assert files() == ["a.png"]


@pytest.mark.parametrize("verb", VERBS)
def test_an_unwritable_result_is_reported_before_the_work(zoo: Zoo, vae: str, verb: str) -> None:
    draw("a.png")
    assert "must end in" in zoo(verb, vae, *VERBS[verb], "-o", "a.txt").error(2) or verb == "encode"
    suffix = "npz" if verb == "encode" else "png"
    assert "there is no folder absent" in zoo(verb, vae, *VERBS[verb], "-o", f"absent/a.{suffix}").error(3)
    assert files() == ["a.png"]


def test_encode_writes_what_the_model_gives(zoo: Zoo, vae: str, latents: str) -> None:
    model = library.load(vae)
    with np.load(latents, allow_pickle=False) as arrays:
        assert {name: arrays[name].shape for name in arrays} == {"latents": (3, 2), "names": (3,), "model": ()}
        assert list(arrays["names"]) == ["a.png", "b.png", "c.png"]
        assert str(arrays["model"]) == "tiny.test"
        np.testing.assert_array_equal(arrays["latents"][1:2], model.encode("b.png"))
    zoo("encode", vae, ".", "b.png", "--std", "-o", "std.npz")
    with np.load("std.npz", allow_pickle=False) as arrays:
        assert list(arrays["names"]) == ["a.png", "b.png", "c.png"]
        np.testing.assert_array_equal(arrays["std"][1:2], model.posterior("b.png")[1])


def test_encode_goes_past_bad_pictures_and_ends_with_their_code(zoo: Zoo, vae: str) -> None:
    draw("a.png", "c.png")
    Path("b.png").write_bytes(b"nothing")
    result = zoo("encode", vae, "*.png", "absent.jpg")
    assert (result.code, result.out) == (7, b"test-latents.npz\n")
    assert [line.split()[1].rstrip(":") for line in result.err.splitlines()] == ["b.png", "absent.jpg"]
    assert zoo("encode", vae, "b.png", "-o", "none.npz").error(7).startswith("b.png")
    assert not Path("none.npz").exists()
    assert "files and folders" in zoo("encode", vae, "-", "-o", "none.npz").error(2)


def test_decode_gives_a_sheet_single_files_or_one_picture(zoo: Zoo, vae: str, latents: str) -> None:
    zoo("decode", vae, latents, "-o", "all.png")
    assert size("all.png") == (3 * 96 + 2 * 2, 96)
    singles = ["out/00000-a.png", "out/00001-b.png", "out/00002-c.png"]
    assert zoo("decode", vae, latents, "-o", "out").lines == singles
    zoo("decode", vae, f"{latents}:1", "-o", "one.png")
    zoo("decode", vae, "b.png", "-o", "remembered.png")
    assert size("one.png") == (4, 4)
    for name in ("out/00001-b.png", "remembered.png"):
        np.testing.assert_array_equal(pixels(name), pixels("one.png"))
    made = library.load(vae).reconstruct("b.png")[0, 0]
    np.testing.assert_allclose(pixels("one.png") / 255, made, atol=0.51 / 255)
    assert "out/00000-a.png exists" in zoo("decode", vae, latents, "-o", "out").error(2)


def test_generate_gives_the_same_images_on_a_sheet_and_as_files(zoo: Zoo, vae: str) -> None:
    zoo("generate", vae, "-n", "6", "--seed", "3", "-o", "sheet.png", "--scale", "1")
    assert size("sheet.png") == (3 * 4 + 2 * 2, 2 * 4 + 2)
    names = [f"out/seed-3-{number:05d}.png" for number in range(6)]
    assert zoo("generate", vae, "-n", "6", "--seed", "3", "-o", "out/").lines == names
    np.testing.assert_array_equal(pixels("sheet.png")[6:10, 6:10], pixels(names[4]))
    zoo("decode", vae, "seed:3:4", "-o", "again.png")
    np.testing.assert_array_equal(pixels("again.png"), pixels(names[4]))
    zoo("generate", vae, "-n", "6", "--columns", "6", "--scale", "1", "-o", "row.png")
    assert size("row.png") == (6 * 4 + 5 * 2, 4)
    assert zoo("generate", vae, "-n", "1", "--single").lines == ["test-generate/seed-0-00000.png"]
    assert "--single writes several files: name a folder" in zoo("generate", vae, "--single", "-o", "a.png").error(2)


def test_generate_from_the_plain_prior(zoo: Zoo, vae: str) -> None:
    for prior in ("default", "normal"):
        zoo("generate", vae, "-n", "1", "--prior", prior, "-o", f"{prior}.png")
        made = library.load(vae).generate(1, prior=prior)[0, 0]  # type: ignore[arg-type]
        np.testing.assert_allclose(pixels(f"{prior}.png") / 255, made, atol=0.51 / 255)
    assert (pixels("default.png") != pixels("normal.png")).any()


def test_interpolate_gives_a_strip_or_an_animation(zoo: Zoo, vae: str, latents: str) -> None:
    zoo("interpolate", vae, "a.png", f"{latents}:1", "-o", "strip.png", "--scale", "1")
    assert size("strip.png") == (12 * 4 + 11 * 2, 4)
    zoo("interpolate", vae, "a.png", "b.png", "--steps", "3", "--pixels", "-o", "both.png", "--scale", "1")
    assert size("both.png") == (3 * 4 + 2 * 2, 2 * 4 + 2)
    both = pixels("both.png")
    zoo("decode", vae, "b.png", "-o", "end.png")
    np.testing.assert_array_equal(both[:4, 12:], pixels("end.png"))
    np.testing.assert_array_equal(both[6:, 12:], pixels("b.png"))
    np.testing.assert_allclose(both[6:, 6:10], (pixels("a.png") + pixels("b.png")) / 2, atol=1)
    for name, frames in (("morph.gif", 62), ("morph.webp", 62)):
        assert zoo("interpolate", vae, "a.png", "seed:1", "-o", name).lines == [name]
        with Image.open(name) as image:
            assert (image.size, getattr(image, "n_frames", 1)) == ((256, 256), frames)


def test_the_way_can_be_straight(zoo: Zoo, vae: str) -> None:
    for path in ("linear", "spherical"):
        zoo("interpolate", vae, "seed:1", "seed:2", "--steps", "3", "--path", path, "-o", f"{path}.png", "--scale", "1")
    straight, arc = pixels("linear.png"), pixels("spherical.png")
    np.testing.assert_array_equal(straight[:, :4], arc[:, :4])
    assert (straight[:, 6:10] != arc[:, 6:10]).any()


def test_vary_keeps_to_the_picture_as_the_strength_says(zoo: Zoo, vae: str) -> None:
    draw("a.png")
    zoo("decode", vae, "a.png", "-o", "plain.png")
    zoo("vary", vae, "a.png", "--strength", "0", "-n", "2", "--side-by-side", "-o", "same.png", "--scale", "1")
    np.testing.assert_array_equal(pixels("same.png"), np.hstack([pixels("plain.png"), GAP] * 2 + [pixels("plain.png")]))
    names = ["out/vary-00000.png", "out/vary-00001.png"]
    assert zoo("vary", vae, "a.png", "--strength", "1", "-n", "2", "--seed", "4", "-o", "out").lines == names
    made = library.load(vae).vary("a.png", 1, 2, 4)
    np.testing.assert_allclose(pixels(names[1]) / 255, made[1, 0], atol=0.51 / 255)


def test_add_weighs_two_pictures(zoo: Zoo, vae: str) -> None:
    draw("a.png")
    model = library.load(vae)
    for words, weights, plain in (([], (1, 1), False), (["--weights", "2", "-0.5", "--plain"], (2, -0.5), True)):
        zoo("add", vae, "a.png", "seed:1", *words, "-o", "sum.png", "-f")
        made = model.add("a.png", model.draw(1, 1), weights, plain=plain)[0, 0]
        np.testing.assert_allclose(pixels("sum.png") / 255, made, atol=0.51 / 255)
    zoo("add", vae, "a.png", "seed:1", "--side-by-side", "-o", "three.png", "--scale", "1")
    assert size("three.png") == (3 * 4 + 2 * 2, 4)
    assert "two weights are needed" in zoo("add", vae, "a.png", "a.png", "--weights", "0", "0").error(2)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["vary", "absent.png"], 3, "absent.png: no such file; take a picture, seed:N, or FILE.npz:ROW"),
        (["vary", "seed:x"], 2, "say seed:N"),
        (["vary", "l.npz"], 2, "holds 3 latents: say which"),
        (["add", "l.npz:0", "l.npz:3"], 2, "l.npz has the rows 0 to 2, not 3"),
        (["decode", "bad.npz"], 7, "bad.npz is no file of latents"),
        (["vary", "bad.png"], 7, "bad.png"),
        (["vary", "a.png", "--strength", "-1"], 2, "strength"),
        (["vary", "a.png", "--strength", "nan"], 2, "strength"),
        (["generate", "-n", "0"], 2, "-n"),
        (["generate", "-n", "10001"], 2, "-n"),
        (["generate", "--seed", "-1"], 2, "--seed"),
        (["generate", "--scale", "0"], 2, "--scale takes auto or a whole number of 1 to 64, not '0'"),
        (["generate", "--scale", "big"], 2, "--scale"),
        (["generate", "-n", "10000", "--scale", "64"], 2, "a sheet of 10000 pictures would have"),
        (["generate", "--prior", "fitted"], 2, "--prior"),
        (["interpolate", "a.png", "seed:0", "--steps", "1"], 2, "--steps"),
        (["interpolate", "a.png", "seed:0", "--path", "round"], 2, "--path"),
        (["interpolate", "a.png", "seed:0", "--fps", "0"], 2, "--fps"),
        (["interpolate", "a.png", "seed:0", "-o", "."], 2, "is a folder"),
        (["interpolate", "a.png"], 2, "'B'"),
    ],
)
def test_bad_requests_get_one_line(zoo: Zoo, vae: str, latents: str, words: list[str], code: int, message: str) -> None:
    Path("bad.png").write_bytes(b"nothing")
    Path("bad.npz").write_bytes(b"nothing")
    before = files()
    assert message in zoo(words[0], vae, *words[1:]).error(code)
    assert files() == before


def test_latents_of_another_model_are_decoded_with_a_note(zoo: Zoo, vae: str, latents: str, tmp_path: Path) -> None:
    other = f"dir:{write_vae(tmp_path / 'other', id='tiny.other')}"
    result = zoo("decode", other, f"{latents}:0")
    assert (result.code, result.out) == (0, b"other-decode.png\n")
    assert result.err == "note: l.npz was made by tiny.test; to tiny.other its latents mean something else\n"


def test_the_guide_holds(zoo: Zoo, vae: str) -> None:
    draw("anna.jpg", "ben.jpg", "pictures/a.png", "pictures/b.png")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    commands = [line for language, body in blocks if not language for line in body.splitlines()]
    assert len(commands) > 15
    for line in commands:
        program, *words = shlex.split(line.replace("conv-vae.faces", vae))
        assert program == "zoo"
        for written in zoo(*words).lines:
            assert Path(written).exists()
    (snippet,) = (body for language, body in blocks if language == "python")
    exec(compile(snippet.replace("conv-vae.faces", vae), "latents.md", "exec"), {})
    assert Path("morph/0011.png").exists()
    for verb in VERBS:
        assert f"`zoo {verb} " in GUIDE


HEAVY = "{'torch', 'torchvision', 'timm', 'accelerate', 'onnx', 'matplotlib', 'rich', 'sklearn', 'scipy'}"
LIGHT = f"""
import sys
from zoo.cli.app import call

def check(names):
    assert not names & set(sys.modules), names & set(sys.modules)

verbs = {VERBS!r}
for verb in verbs:
    assert call([verb, "--help"]) == 0
check({HEAVY} | {{"numpy", "PIL", "onnxruntime", "safetensors"}})
for verb, words in verbs.items():
    assert call([verb, sys.argv[1], *words]) == 0, verb
check({HEAVY})
"""


def test_no_latent_verb_loads_anything_heavy(vae: str) -> None:
    draw("a.png")
    done = subprocess.run([sys.executable, "-c", LIGHT, vae], check=False, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_and_has_an_example(zoo: Zoo, verb: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = zoo(verb, "--help").lines
    text = " ".join(" ".join(lines).split())
    assert f"for example: zoo {verb} conv-vae.faces" in text
    assert max(map(len, lines)) <= width
    assert not re.search(r"<str>|<bool>|<float>|list\[|\{|─|None", text)
