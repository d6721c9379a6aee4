"""Checkpoints that the Hub vouches for and that are malformed, or another's, all the same.

A few of each are done here, through the Hub. All of them are in checkpoints/test_safetensors_header.py (the header of
the weights), checkpoints/test_format.py (config.json, sharded weights, tensors that don't fit) and test_testing.py (NaN
among the weights); what the torch backend says of another network's weights is in test_hub_plugins.py.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from loopback import Hub
from machine import Machine
from safetensors.numpy import save
from tiny import WEIGHTS
from world import MIB

Edit = Callable[[dict[str, bytes]], dict[str, bytes]]


def signed(files: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    """The files, with a config.json that promises them as they are."""
    config = json.loads(files["config.json"])
    weights = files["model.safetensors"]
    config["weights"] |= {"bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}
    config["capabilities"]["translate"]["sha256"] = hashlib.sha256(files["translate.onnx"]).hexdigest()
    return {**files, "config.json": json.dumps({**config, **changes}).encode()}


def weights(data: bytes) -> Edit:
    return lambda files: signed({**files, "model.safetensors": data})


def header(value: object, data: bytes = b"") -> Edit:
    text = json.dumps(value).encode()
    text += b" " * (-len(text) % 8)
    return weights(struct.pack("<Q", len(text)) + text + data)


def other_weights(arrays: Mapping[str, Any]) -> Edit:
    """Weights of someone else, and a config.json that counts them."""

    def put(files: dict[str, bytes]) -> dict[str, bytes]:
        changed = signed({**files, "model.safetensors": save(dict(arrays))})
        config = json.loads(changed["config.json"])
        config["weights"]["parameters"] = sum(array.size for array in arrays.values())
        config["weights"]["dtype"] = str(next(iter(arrays.values())).dtype)
        return {**changed, "config.json": json.dumps(config).encode()}

    return put


def config(data: bytes) -> Edit:
    return lambda files: {**files, "config.json": data}


WEIGHT, BIAS = WEIGHTS["conv.weight"], WEIGHTS["conv.bias"]
SINGLE = {name: array.astype(np.float32) for name, array in WEIGHTS.items()}
HALF = {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}
MALFORMED: dict[str, tuple[Edit, str]] = {
    "a header that is cut": (weights(struct.pack("<Q", 16)), "its header claims 16 bytes"),
    "a header that claims more than there is": (weights(struct.pack("<Q", 5000) + b"{}"), "its header claims 5000"),
    "a header that is no JSON": (weights(struct.pack("<Q", 4) + b"{abc"), "is not a safetensors file"),
    "two tensors on top of each other": (header({"a": HALF, "b": HALF}, b"\0\0"), "an overlap before tensor b"),
    "bytes that no tensor owns": (header({"a": HALF}, bytes(8)), "is not a safetensors file"),
    "a header of 30 MB": (weights(struct.pack("<Q", 30_000_000) + b"{}"), "at most 26214400 are read"),
    "a key twice": (weights(struct.pack("<Q", 12) + b'{"a":1,"a":2'), "is not a safetensors file"),
    "weights without a tensor": (header({}, b"\0\0"), "is not a safetensors file"),
    "a name that is a path": (header({"../x": HALF}, b"\0\0"), "tensor name '../x'"),
    "a huge empty shape": (header({"a": {**HALF, "shape": [2**62, 0]}}, b"\0\0"), "is not a safetensors file"),
    "a pointer of Git LFS": (weights(b"version https://git-lfs.github.com/spec/v1\noid x"), "Git LFS pointer"),
    "a tensor missing": (other_weights({"conv.weight": WEIGHT}), "model.safetensors has no such tensor"),
    "a tensor of another shape": (
        other_weights({"conv.weight": WEIGHT.reshape(1, 3, 1, 1), "conv.bias": BIAS}),
        "points at a float16 tensor of shape (1, 3, 1, 1)",
    ),
    "all tensors of another type": (other_weights(SINGLE), "where model.safetensors has no such tensor"),
    "one tensor of another type": (
        other_weights({"conv.bias": BIAS, "conv.weight": SINGLE["conv.weight"]}),
        "tensor conv.weight is float32, config.json says float16",
    ),
    "more numbers than promised": (
        lambda files: signed({**files, "model.safetensors": save({**WEIGHTS, "zz": np.ones(2, np.float16)})}),
        "holds 8 numbers, config.json says 6 parameters",
    ),
    "a config that is no JSON": (config(b"{"), "config.json is not a checkpoint's config"),
    "a config nested without end": (config(b"[" * 100_000), "config.json is not a checkpoint's config"),
    "a config with NaN": (config(b'{"format": NaN}'), "config.json is not a checkpoint's config"),
    "an unknown field": (lambda files: signed(files, surprise=1), "unknown field `surprise`"),
    "a number without bounds": (lambda files: signed(files, id=10**400), "config.json is not a checkpoint's config"),
    "a module to import": (lambda files: signed(files, module="os:system"), "unknown field `module`"),
    "a path for a graph": (
        lambda files: {**files, "config.json": files["config.json"].replace(b"translate.onnx", b"../x/a.onnx")},
        "config.json is not a checkpoint's config",
    ),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_checkpoint_is_refused(
    hub: Hub, machine: Machine, files: dict[str, bytes], what: str, pace: float
) -> None:
    edit, word = MALFORMED[what]
    name = f"ana/{what.replace(' ', '-')}"
    hub.add(name, edit(files))
    result = machine.zoo("pull", name)
    line = result.error(7)
    assert f"hub:{name}" in line
    assert word in line
    assert 0 < result.peak < MIB  # kilobytes
    assert result.seconds < 5 + 10 * pace


def test_only_the_checkpoint_is_fetched_and_no_code_runs(hub: Hub, machine: Machine, files: dict[str, bytes]) -> None:
    extra = {"modeling.py": b"raise SystemExit('it ran')", "training.log": b"x", "assets/a.png": b"x"}
    hub.add("ana/extra", {**files, **extra})
    notes = machine.zoo("pull", "ana/extra").notes
    assert notes.count("holds Python files; they are not fetched") == 1
    assert not [seen for seen in hub.requests("ana/extra") if "modeling" in seen or "training.log" in seen]
    assert sorted(path.name for path in machine.cached("ana/extra").glob("snapshots/*/*")) == sorted(files)
