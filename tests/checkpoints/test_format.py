"""Reading a checkpoint's folder: what is whole is read, what is damaged is refused with its kind and a telling word."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny import WEIGHTS, edit_config, make_model, sign, write_checkpoint

from zoo.checkpoints.format import read_checkpoint, write_config
from zoo.errors import (
    DiskError,
    IntegrityError,
    NotFoundError,
    UnsafeFileError,
    UnsupportedCapability,
    UsageError,
    ZooError,
)


def read(folder: Path) -> object:
    return read_checkpoint(folder, origin="dir:tiny")


def refused(folder: Path, kind: type[ZooError], word: str) -> None:
    with pytest.raises(kind) as caught:
        read(folder)
    message = str(caught.value)
    assert type(caught.value) is kind, message
    assert word in message
    assert message.startswith("dir:tiny: ")
    assert "\n" not in message


def test_a_checkpoint_is_read_whole(tiny_checkpoint: Path) -> None:
    checkpoint = read_checkpoint(tiny_checkpoint, origin="dir:tiny")
    assert checkpoint.config.id == "tiny.test"
    assert checkpoint.weights == (tiny_checkpoint / "model.safetensors").read_bytes()
    assert checkpoint.graphs == {"translate.onnx": (tiny_checkpoint / "translate.onnx").read_bytes()}
    assert set(checkpoint.tensors) == set(WEIGHTS)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_arrays_are_the_weights_as_stored_and_read_only(tmp_path: Path, dtype: str) -> None:
    weights = {name: array.astype(dtype) for name, array in WEIGHTS.items()}
    arrays = read_checkpoint(write_checkpoint(tmp_path, make_model(weights=weights), weights), "tiny").arrays()
    assert set(arrays) == set(weights)
    for name, array in arrays.items():
        assert array.dtype == dtype
        assert not array.flags.writeable
        np.testing.assert_array_equal(array, weights[name])


def test_other_files_are_never_opened(tiny_checkpoint: Path) -> None:
    for name in ("README.md", "modeling.py", "sample.png", "optimizer.pt"):
        (tiny_checkpoint / name).write_bytes(b"\x80\x04raise SystemExit")
        (tiny_checkpoint / name).chmod(0)
    read(tiny_checkpoint)


def test_files_may_be_links_as_in_the_cache_of_the_hub(tiny_checkpoint: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for file in tiny_checkpoint.iterdir():
        blob = tmp_path / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.move(file, blob)
        (snapshot / file.name).symlink_to(blob)
    read(snapshot)


def test_a_graph_that_is_not_there_is_named(tiny_checkpoint: Path) -> None:
    with pytest.raises(UnsupportedCapability, match=r"tiny\.test has no graph for 'decode'; it can: translate"):
        read_checkpoint(tiny_checkpoint, "tiny").graph("decode")


def flip(name: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[-3] ^= 1
        (folder / name).write_bytes(data)

    return damage


def put(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(data)


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-5])


def lengthen(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"\0")


def lose(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def become_folder(name: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def become_pipe(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")


def configure(edit: Callable[[dict], object]) -> Callable[[Path], object]:
    return lambda folder: edit_config(folder, edit)


def only_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    (folder / "pytorch_model.bin").chmod(0)


def archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model.safetensors", "w") as file:
        file.writestr("archive/data.pkl", b"")


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
DAMAGES: dict[str, tuple[Callable[[Path], object], type[ZooError], str]] = {
    "flipped bit in the weights": (flip("model.safetensors"), IntegrityError, "model.safetensors is damaged"),
    "flipped bit in a graph": (flip("translate.onnx"), IntegrityError, "translate.onnx is damaged"),
    "cut weights": (cut("model.safetensors"), IntegrityError, "is cut to"),
    "cut graph": (cut("translate.onnx"), IntegrityError, "translate.onnx is damaged"),
    "longer weights": (lengthen("model.safetensors"), IntegrityError, "is too long"),
    "empty weights": (put("model.safetensors", b""), IntegrityError, "cut to 0 bytes"),
    "no weights": (lose("model.safetensors"), IntegrityError, "get the checkpoint again"),
    "no graph": (lose("translate.onnx"), IntegrityError, "translate.onnx is missing"),
    "no config": (lose("config.json"), NotFoundError, "has no config.json"),
    "shards": (put("model.safetensors.index.json", b"{}"), UnsafeFileError, "index.json"),
    "only a pickle": (only_a_pickle, UnsafeFileError, "pickle refused: pytorch_model.bin"),
    "pickle in disguise": (put("model.safetensors", pickle.dumps({})), UnsafeFileError, "a pickle file"),
    "old pickle": (put("model.safetensors", pickle.dumps({}, 2)), UnsafeFileError, "a pickle file"),
    "zip": (archive, UnsafeFileError, "a zip archive"),
    "LFS pointer": (put("model.safetensors", LFS), UnsafeFileError, "git lfs pull"),
    "LFS pointer as graph": (put("translate.onnx", LFS), UnsafeFileError, "git lfs pull"),
    "web page": (put("model.safetensors", b"\n<!DOCTYPE html><html>"), UnsafeFileError, "web page"),
    "weights a folder": (become_folder("model.safetensors"), UnsafeFileError, "not a regular file"),
    "weights a pipe": (become_pipe, UnsafeFileError, "not a regular file"),
    "unknown key": (configure(lambda c: c.update(auto_map="x.py")), UnsafeFileError, "auto_map"),
    "graph outside": (
        configure(lambda c: c["capabilities"]["translate"].update(graph="../translate.onnx")),
        UnsafeFileError,
        "config.json",
    ),
    "no JSON": (put("config.json", b"\x89PNG"), UnsafeFileError, "config.json"),
    "deep JSON": (put("config.json", b"[" * 100_000), UnsafeFileError, "config.json"),
    "huge config": (put("config.json", b" " * 300_000), UnsafeFileError, "config.json"),
    "other count": (configure(lambda c: c["weights"].update(parameters=7)), UnsafeFileError, "holds 6 numbers"),
    "other type": (configure(lambda c: c["weights"].update(dtype="float32")), UnsafeFileError, "is float16"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_refused(tiny_checkpoint: Path, name: str) -> None:
    damage, kind, word = DAMAGES[name]
    damage(tiny_checkpoint)
    refused(tiny_checkpoint, kind, word)


def test_a_missing_tensor_is_refused_though_all_is_signed(tiny_checkpoint: Path) -> None:
    save_file({"conv.weight": WEIGHTS["conv.weight"]}, tiny_checkpoint / "model.safetensors")
    edit_config(tiny_checkpoint, lambda c: c["weights"].update(parameters=3))
    sign(tiny_checkpoint)
    refused(tiny_checkpoint, UnsafeFileError, "model.safetensors has no such tensor")


def test_a_signed_tensor_of_another_shape_is_refused(tiny_checkpoint: Path) -> None:
    weights = (tiny_checkpoint / "model.safetensors").read_bytes()
    assert b"[3,1,1,1]" in weights
    (tiny_checkpoint / "model.safetensors").write_bytes(weights.replace(b"[3,1,1,1]", b"[1,3,1,1]"))
    sign(tiny_checkpoint)
    refused(tiny_checkpoint, UnsafeFileError, "shape (3, 1, 1, 1) points at a float16 tensor of shape (1, 3, 1, 1)")


def test_a_header_whose_length_begins_like_a_pickle_is_weights(tmp_path: Path) -> None:
    plain = len((write_checkpoint(tmp_path) / "model.safetensors").read_bytes())
    save_file(dict(WEIGHTS), tmp_path / "model.safetensors", metadata={"note": "x" * (0x280 - 8 - plain)})
    data = (tmp_path / "model.safetensors").read_bytes()
    assert data[:2] == pickle.dumps({}, 2)[:2]
    sign(tmp_path)
    refused(tmp_path, UnsafeFileError, "has no such tensor")  # not: "a pickle file"


def test_a_missing_folder_and_a_file_are_told_apart(tiny_checkpoint: Path) -> None:
    refused(tiny_checkpoint / "absent", NotFoundError, "no folder")
    refused(tiny_checkpoint / "config.json", UsageError, "is a file")


def test_a_file_that_may_not_be_read_is_a_matter_of_the_disk(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(DiskError, match=r"can't read dir:tiny: config\.json: Permission denied"):
        read(tiny_checkpoint)


def test_config_is_written_whole(tiny_checkpoint: Path) -> None:
    before = read_checkpoint(tiny_checkpoint, "tiny").config
    write_config(tiny_checkpoint, before)
    assert read_checkpoint(tiny_checkpoint, "tiny").config == before
    assert json.loads((tiny_checkpoint / "config.json").read_text())["id"] == "tiny.test"


def test_a_failed_write_leaves_the_old_config_and_nothing_else(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = read_checkpoint(tiny_checkpoint, "tiny")
    before = {file.name: file.read_bytes() for file in tiny_checkpoint.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="the disk is full"):
        write_config(tiny_checkpoint, checkpoint.config)
    assert {file.name: file.read_bytes() for file in tiny_checkpoint.iterdir()} == before


def test_a_writer_that_is_killed_leaves_the_old_config_whole(tiny_checkpoint: Path) -> None:
    config = read_checkpoint(tiny_checkpoint, "tiny").config
    before = (tiny_checkpoint / "config.json").read_bytes()
    child = os.fork()
    if child == 0:
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # all is written, nothing in its place yet
        write_config(tiny_checkpoint, config)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert (tiny_checkpoint / "config.json").read_bytes() == before
    assert read_checkpoint(tiny_checkpoint, "tiny").config == config


@pytest.mark.parametrize("file", ["model.safetensors", "translate.onnx"])
def test_a_file_that_shrinks_after_it_was_read_changes_nothing(tiny_checkpoint: Path, file: str) -> None:
    """Under a memory map this would kill the process."""
    from zoo.inference.backends.onnx import OnnxBackend

    checkpoint = read_checkpoint(tiny_checkpoint, "tiny")
    os.truncate(tiny_checkpoint / file, 0)
    (made,) = OnnxBackend(checkpoint).run("translate", np.zeros((1, 1, 8, 8), np.float32))
    assert np.isfinite(made).all()
    assert {name: array.shape for name, array in checkpoint.arrays().items()} == {
        name: array.shape for name, array in WEIGHTS.items()
    }
    refused(tiny_checkpoint, IntegrityError, file)
