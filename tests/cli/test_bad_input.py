"""Bad input: one line that says what is wrong, the exit code of its kind, and nothing half-written."""

from __future__ import annotations

import os
import pickle
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import Zoo, draw, files
from safetensors.numpy import save_file
from tiny import WEIGHTS, edit_config, make_model, sign, write_checkpoint

NOT_FOUND, INTEGRITY, UNSAFE, DISK, USAGE = 3, 6, 7, 8, 2


def bomb(path: Path, side: int = 30_000) -> None:
    """A PNG of a hundred bytes that says it holds 900 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def cut(path: Path) -> None:
    draw("whole.jpg", size=(200, 200))
    data = Path("whole.jpg").read_bytes()
    Path("whole.jpg").unlink()
    path.write_bytes(data[: len(data) * 2 // 3])


PICTURES: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "text": (lambda path: path.write_text("hello"), UNSAFE, "not a picture of a known format"),
    "a program": (lambda path: path.write_bytes(b"\x7fELF" + bytes(999)), UNSAFE, "not a picture of a known format"),
    "empty": (lambda path: path.touch(), UNSAFE, "is empty"),
    "cut": (cut, UNSAFE, "cut off"),
    "a bomb": (bomb, UNSAFE, "900.0 megapixels, over the limit of 200: if you trust it, --max-pixels 900"),
    "a folder with nothing in it": (lambda path: path.mkdir(), NOT_FOUND, "no pictures in x.jpg"),
    "missing": (lambda path: None, NOT_FOUND, "x.jpg: no such file"),
    "a link to nothing": (lambda path: path.symlink_to("gone"), NOT_FOUND, "x.jpg: no such file"),
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("out", [None, "out.png"])
def test_a_bad_picture(zoo: Zoo, tiny: str, kind: str, out: str | None) -> None:
    make, code, word = PICTURES[kind]
    make(Path("x.jpg"))
    before = files()
    assert word in zoo("run", tiny, "x.jpg", *(["-o", out] if out else [])).error(code)
    assert files() == before


@pytest.mark.parametrize("kind", ["text", "empty", "cut", "a bomb"])
def test_a_bad_picture_from_a_pipe(zoo: Zoo, tiny: str, kind: str) -> None:
    make, code, _ = PICTURES[kind]
    make(Path("x.jpg"))
    data = Path("x.jpg").read_bytes()
    zoo("run", tiny, "-", stdin=data).error(code)
    zoo("run", tiny, "-", "-o", "out.png", stdin=data).error(code)
    assert files() == ["x.jpg"]


def test_a_picture_over_a_lower_limit(zoo: Zoo, tiny: str) -> None:
    draw("a.png", size=(1200, 1000))
    assert "1.2 megapixels, over the limit of 1" in zoo("run", tiny, "a.png", "--max-pixels", 1).error(UNSAFE)


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("colorise", NOT_FOUND, "no model, family or task 'colorise'; did you mean colorize or"),
        ("Colorizer-ae.photo", NOT_FOUND, "did you mean colorizer-ae.photos"),
        ("qqq", NOT_FOUND, "no model, family or task 'qqq'; `zoo list` shows all"),
        ("", NOT_FOUND, "no model, family or task ''"),
        ("dir:absent", NOT_FOUND, "dir:absent: there is no folder absent"),
        ("dir:a.png", USAGE, "a.png is a file; give the folder that holds config.json"),
        ("dir:.", NOT_FOUND, "has no config.json, so it is no checkpoint"),
        ("dir:", USAGE, "give bundled:PACKAGE/TAG, dir:PATH or hub:ORG/NAME"),
    ],
)
def test_an_unknown_model(zoo: Zoo, name: str, code: int, word: str) -> None:
    draw("a.png")
    for verb in (("run", name, "a.png"), ("info", name), ("card", name), ("check", name)):
        assert word in zoo(*verb).error(code)
    assert files() == ["a.png"]


def flip(name: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) * 2 // 3] ^= 64
        (folder / name).write_bytes(data)

    return damage


def trim(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-9])


def drop_a_tensor(folder: Path) -> None:
    save_file({"conv.weight": WEIGHTS["conv.weight"]}, folder / "model.safetensors")
    edit_config(folder, lambda config: config["weights"].update(parameters=3))
    sign(folder)


def turn_a_tensor(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights.replace(b"[3,1,1,1]", b"[1,3,1,1]"))
    sign(folder)


def point_outside(folder: Path) -> None:
    (folder.parent / "secret").write_bytes(bytes(64))
    model = make_model()
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../secret"
    (folder / "translate.onnx").write_bytes(model.SerializeToString())
    sign(folder)


def say_more(folder: Path) -> None:
    edit_config(folder, lambda config: config.update(auto_map={"AutoModel": "modeling.Evil"}))


CHECKPOINTS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "a flipped bit in the weights": (flip("model.safetensors"), INTEGRITY, "model.safetensors is damaged"),
    "a flipped bit in a graph": (flip("translate.onnx"), INTEGRITY, "translate.onnx is damaged"),
    "cut weights": (trim("model.safetensors"), INTEGRITY, "model.safetensors is cut"),
    "a cut graph": (trim("translate.onnx"), INTEGRITY, "translate.onnx is damaged"),
    "a cut config": (trim("config.json"), UNSAFE, "config.json is not a checkpoint's config"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), INTEGRITY, "is missing"),
    "a missing tensor": (drop_a_tensor, UNSAFE, "has no such tensor"),
    "a wrong shape": (turn_a_tensor, UNSAFE, "shape (3, 1, 1, 1)"),
    "a pickle in disguise": (
        lambda folder: (folder / "model.safetensors").write_bytes(pickle.dumps({"weights": [1.0]})),
        UNSAFE,
        "a pickle file, which can run code: refused",
    ),
    "an unknown key": (say_more, UNSAFE, "auto_map"),
    "a graph that points outside": (point_outside, UNSAFE, "../secret"),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_damaged_checkpoint(zoo: Zoo, tmp_path: Path, kind: str) -> None:
    damage, code, word = CHECKPOINTS[kind]
    folder = write_checkpoint(tmp_path / "damaged")
    damage(folder)
    draw("a.png")
    for verb in (("run", f"dir:{folder}", "a.png"), ("info", f"dir:{folder}"), ("check", f"dir:{folder}")):
        message = zoo(*verb).error(code)
        assert word in message
        assert message.startswith(f"dir:{folder}: ")
    assert files() == ["a.png"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(zoo: Zoo, tmp_path: Path, value: float) -> None:
    weights = {**WEIGHTS, "conv.bias": np.array([0.0, value, 0.25], np.float16)}
    folder = write_checkpoint(tmp_path / "nan", make_model(weights=weights), weights)
    draw("a.png")
    message = f"dir:{folder}: tensor conv.bias holds NaN or infinity"
    assert zoo("run", f"dir:{folder}", "a.png").error(7).startswith(message)
    assert files() == ["a.png"]


@pytest.mark.parametrize(
    ("out", "code", "word"),
    [
        ("file.txt/x.png", DISK, "can't make the folder file.txt: a file is in its way"),
        ("file.txt/", DISK, "can't make the folder file.txt: a file is in its way"),
        ("/proc/nothing/x.png", DISK, "can't make the folder /proc/nothing"),
        ("/proc/x.png", DISK, "/proc/x.png can't be written"),
        ("x.xyz", USAGE, "x.xyz: a picture can't be written by this name; it must end in one of .jpg"),
        ("pipe.png", USAGE, "is not an ordinary file"),
    ],
)
def test_an_output_that_can_not_be_written(zoo: Zoo, tiny: str, out: str, code: int, word: str) -> None:
    draw("a.png")
    Path("file.txt").write_text("mine")
    os.mkfifo("pipe.png")
    before = files()
    assert word in zoo("run", tiny, "a.png", "-o", out).error(code)
    assert files() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lst"], r"No such command 'lst'. Did you mean 'list'\? See zoo --help"),
        (["--nope"], "No such option: --nope. See zoo --help"),
        (["run", "--nope"], r"No such option: --nope.*\. See zoo run --help"),
        (["run", "x", "y", "--quality", "0"], r"Invalid value for '--quality': .* See zoo run --help"),
        (["run", "x", "y", "--quality", "best"], r"Invalid value for '--quality': .* See zoo run --help"),
        (["run", "x", "y", "--jobs", "0"], r"Invalid value for '--jobs': .* See zoo run --help"),
        (["run", "x", "y", "--backend", "caffe"], r"Invalid value for '--backend': 'caffe' is not one of 'auto', .*"),
        (["run", "x", "y", "--out"], "Option '--out' requires an argument. See zoo run --help"),
        (["run", "colorize", "y", "--max-pixels", "0"], "--max-pixels takes megapixels, above 0 .*, not 0"),
        (["run", "colorize", "y", "--max-pixels", "nan"], "--max-pixels takes megapixels, above 0 .*, not nan"),
        (["run", "colorize", "y", "--max-pixels", "inf"], "--max-pixels takes megapixels, above 0 .*, not inf"),
        (["run", "colorize", "y", "--max-pixels", "x"], r"Invalid value for '--max-pixels': .* See zoo run --help"),
        (["run", "colorize", "y", "--device", "tpu"], "there is no device 'tpu' .*"),
        (["info"], "Missing argument 'NAME'. See zoo info --help"),
        (["info", "a", "b"], r"Got unexpected extra argument.*\(b\). See zoo info --help"),
        (["list", "--task"], "Option '--task' requires an argument. See zoo list --help"),
        (["plugins", "x"], r"Got unexpected extra argument.*\(x\). See zoo plugins --help"),
        (["card"], "Missing argument 'MODEL'. See zoo card --help"),
        (["card", "colorize", "--write", "--check"], "give --write or --check, not both"),
        (["check"], "Missing argument 'NAME'. See zoo check --help"),
        (["train"], r"Missing argument '\w+'. See zoo train --help"),
        (["eval"], "name a model, or give --all, .*"),
        (["--show-completion", "tcsh"], "no completion for the shell 'tcsh'; there is for bash, .*"),
    ],
)
def test_a_wrong_command_line(zoo: Zoo, words: list[str], message: str) -> None:
    assert re.fullmatch(f"(?:{message})", zoo(*words).error(USAGE)), zoo(*words).err
