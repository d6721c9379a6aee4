"""Hostile files of weights: nothing in them runs, leads elsewhere or takes more than there is."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from zoo.catalog import Registry
from zoo.errors import UnsafeFileError, UsageError
from zoo.training import importing
from zoo.training.importing import load_weights, table_for
from zoo.weights import reading
from zoo.weights.keras import read_layers

h5py = pytest.importorskip("h5py")

PIX = {"channels": 4, "depth": 4, "norm": "batch"}


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("it-ran"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps({"a": Bomb()}), "is no state dict of torch.save, or cut off or damaged: download it again"),
        (pickle.dumps({"a": Bomb()}, 2), r"holds [\w.]+ besides tensors"),
        (b"\x80\x02garbage", "is no state dict of torch.save, or cut off or damaged: download it again"),
        (b"PK\x03\x04", "is cut off or damaged: download it again"),
        (b"", "is empty: download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git LFS pointer; fetch the real file"),
        (b"\n<!DOCTYPE HTML><title>Not found</title>", "is a web page; the download went wrong"),
        (b"\x1f\x8b\x08", "is a gzip archive: unpack it"),
        (b"hello, these are no weights", "holds no weights that can be imported"),
        (b"\x89HDF\r\n\x1a\nrubbish", "is not a weights file of Keras"),
        (bytes(7) + b"\0{", "is not a safetensors file"),
    ],
)
def test_what_is_no_state_dict_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "net.pth"
    file.write_bytes(content)
    with pytest.raises(UnsafeFileError, match=words):
        load_weights(file, Registry.discover().family("pix2pix"), table_for("pix2pix", file, config=PIX))
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def external_storage(opened: Any, secret: Path) -> None:
    opened.create_dataset("a/b", (4,), "f4", external=[(str(secret), 0, 16)])


def external_link(opened: Any, secret: Path) -> None:
    opened["a"] = h5py.ExternalLink(str(secret), "/")


def soft_link(opened: Any, secret: Path) -> None:
    opened["a"] = h5py.SoftLink("/other")


def virtual(opened: Any, secret: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "a", (4,))
    opened.create_virtual_dataset("a", layout)


def huge(opened: Any, secret: Path) -> None:
    opened.create_dataset("a", (10**9,), "f4", chunks=(1024,), compression="gzip")


def huge_chunk(opened: Any, secret: Path) -> None:
    opened.create_dataset("a", (4,), "f4", chunks=(2**28,), maxshape=(None,))


def circle(opened: Any, secret: Path) -> None:
    opened["a/b"] = opened["/"]
    opened["a/layer/vars/0"] = np.zeros(3, np.float32)
    opened["a/other/vars/0"] = np.zeros(3, np.float32)


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (external_storage, "is in another file"),
        (external_link, "is a link"),
        (soft_link, "is a link"),
        (virtual, "is in another file"),
        (huge, "far more than the network takes"),
        (huge_chunk, "far more than the network takes"),
        (circle, "order of layers"),
    ],
)
def test_keras_files_that_lead_elsewhere_or_nowhere_are_refused(
    tmp_path: Path, fill: Callable[[Any, Path], None], words: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(64))
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        fill(opened, secret)
    with pytest.raises(UnsafeFileError, match=words):
        read_layers(tmp_path / "a.h5", 2**20)


@pytest.mark.parametrize("kind", ["a.safetensors", "a.pth", "a.h5"])
def test_files_far_larger_than_the_network_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A hole of two gigabytes; whoever reads it is found out."""
    begin = {"a.safetensors": bytes(8) + b"{", "a.pth": b"PK\x03\x04", "a.h5": reading.HDF5}[kind]
    with (tmp_path / kind).open("wb") as file:
        file.write(begin)
        file.truncate(2**31)
    for module, name in ((reading, "read_safetensors"), (reading, "read_pickle"), (importing, "read_layers")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("it was read"))
    table = table_for("pix2pix", tmp_path / kind, config=PIX)
    with pytest.raises(UnsafeFileError, match="far more than the network takes"):
        load_weights(tmp_path / kind, Registry.discover().family("pix2pix"), table)


def test_a_small_pickle_of_large_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(10**9)}, tmp_path / "a.pth")
    with pytest.raises(UnsafeFileError, match="holds tensors of 4000000000 bytes, far more"):
        reading.read_pickle(tmp_path / "a.pth", 2**20)


def test_the_process_that_unpickles_has_limits(tmp_path: Path) -> None:
    """Asked in a process of its own: how much more memory it gets, and how much it may write."""
    pytest.importorskip("resource")
    code = """
        import sys
        from zoo.weights.unpickling import limit
        limit(2**20)
        try:
            bytearray(2**30)
        except MemoryError:
            print("no memory")
        try:
            with open(sys.argv[1], "wb") as file:
                file.truncate(2**30)
        except OSError:
            print("no disk")
    """
    words = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "file")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:-1] == (["no memory", "no disk"] if Path("/proc/self/statm").exists() else [])


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pth")
    with pytest.raises(UsageError, match="is not an ordinary file"):
        reading.kind_of(tmp_path / "a.pth")
