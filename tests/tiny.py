"""Small checkpoints, written by hand with onnx and safetensors: a 1x1 convolution that makes RGB of a gray picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from safetensors.numpy import save, save_file

FLOAT, INT64, FLOAT16 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.FLOAT16
TYPES = {"F16": FLOAT16, "F32": FLOAT, "I8": onnx.TensorProto.INT8}
WEIGHTS: Mapping[str, np.ndarray] = {
    "conv.weight": np.array([0.5, -0.25, 1.0], np.float16).reshape(3, 1, 1, 1),
    "conv.bias": np.array([0.0, 0.5, 0.25], np.float16),
}
# The same with the weight in 8 bits, and a scale for each of its three rows.
EIGHT_BITS: Mapping[str, np.ndarray] = {
    "conv.weight": np.array([100, -50, 127], np.int8).reshape(3, 1, 1, 1),
    "conv.weight.scale": np.array([0.005, 0.005, 1 / 127], np.float32),
    "conv.bias": WEIGHTS["conv.bias"],
}
NODES: Sequence[onnx.NodeProto] = (
    helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["features"]),
    helper.make_node("Sigmoid", ["features"], ["translated"]),
)


def expected(image: np.ndarray) -> np.ndarray:
    """What the tiny network gives for `image`."""
    weight, bias = (WEIGHTS[name].astype(np.float32) for name in ("conv.weight", "conv.bias"))
    return 1 / (1 + np.exp(-(image * weight[:, 0, 0, 0][:, None, None] + bias[:, None, None])))


def port(name: str, dims: Sequence[int | str], dtype: int = FLOAT) -> onnx.ValueInfoProto:
    """An input or output; a string is a free size."""
    return helper.make_tensor_value_info(name, dtype, dims)


def make_model(
    nodes: Sequence[onnx.NodeProto] = NODES,
    constants: Mapping[str, Any] | None = None,
    inputs: Sequence[onnx.ValueInfoProto] = (port("image", ["n", 1, "h", "w"]),),
    outputs: Sequence[onnx.ValueInfoProto] = (port("translated", ["n", 3, "h", "w"]),),
    weights: Mapping[str, np.ndarray] = WEIGHTS,
    opset: int = 20,
) -> onnx.ModelProto:
    """A graph over `weights`, each made float32 under its own name; `constants` are in the graph itself."""
    initializers, casts, scales = [], [], scales_of(weights)
    for name, tensor in external_tensors(weights).items():
        initializers.append(tensor)
        if tensor.data_type == TYPES["I8"]:
            scale = f"{name}.scale.half"
            casts.append(helper.make_node("DequantizeLinear", [tensor.name, scale], [name], axis=0))
        elif name not in scales:
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=FLOAT))
    for name, value in (constants or {}).items():
        initializers.append(onnx.numpy_helper.from_array(np.asarray(value), name))
    graph = helper.make_graph([*casts, *nodes], "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def scales_of(weights: Mapping[str, np.ndarray]) -> set[str]:
    """The names of the scales of 8-bit weights."""
    return {f"{name}.scale" for name, array in weights.items() if array.dtype == np.int8}


def external_tensors(weights: Mapping[str, np.ndarray]) -> dict[str, onnx.TensorProto]:
    """Initializers called NAME.half that point at their ranges of the weights file."""
    data = save(dict(weights))
    length = int.from_bytes(data[:8], "little")
    table, tensors = json.loads(data[8 : 8 + length]), {}
    for name in weights:
        begin, end = table[name]["data_offsets"]
        dtype, dims = TYPES[table[name]["dtype"]], table[name]["shape"]
        tensor = onnx.TensorProto(name=f"{name}.half", data_type=dtype, dims=dims)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {
            "location": "model.safetensors",
            "offset": 8 + length + begin,
            "length": end - begin,
        }.items():
            tensor.external_data.add(key=key, value=str(value))
        tensors[name] = tensor
    return tensors


def write_checkpoint(
    folder: Path,
    model: onnx.ModelProto | Mapping[str, onnx.ModelProto] | None = None,
    weights: Mapping[str, np.ndarray] = WEIGHTS,
    **changes: Any,
) -> Path:
    """Write a valid checkpoint. `model` is its translate graph, or one for each role; `changes` go to the config."""
    folder.mkdir(parents=True, exist_ok=True)
    models = model if isinstance(model, Mapping) else {"translate": model or make_model()}
    save_file(dict(weights), folder / "model.safetensors")
    for role, graph in models.items():
        (folder / f"{role}.onnx").write_bytes(graph.SerializeToString())
    image = {"channels": 1, "size": None, "multiple": 1}
    promises = {
        "encode": {"input": image, "fit": "pad"},
        "decode": {"output": {"channels": 3}},
        "translate": {"input": image, "output": {"channels": 3}, "fit": "pad"},
    }
    config = {
        "format": 3 if scales_of(weights) else 1,
        "id": "tiny.test",
        "family": "tiny",
        "task": "colorize",
        "summary": "A 1x1 convolution",
        "license": "Apache-2.0",
        "config": {},
        "capabilities": {
            role: {"graph": f"{role}.onnx", "sha256": "0" * 64, **promise}
            for role, promise in promises.items()
            if role in models
        },
        "weights": {
            "file": "model.safetensors",
            "sha256": "0" * 64,
            "bytes": 8,
            "dtype": "int8" if scales_of(weights) else str(next(iter(weights.values())).dtype),
            "parameters": sum(array.size for name, array in weights.items() if name not in scales_of(weights)),
            "buffers": 0,
        },
        **changes,
    }
    (folder / "config.json").write_text(json.dumps(config))
    sign(folder)
    return folder


def edit_config(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change config.json by a function that changes its content in place."""
    config = json.loads((folder / "config.json").read_text())
    edit(config)
    (folder / "config.json").write_text(json.dumps(config))


def sign(folder: Path) -> None:
    """Make config.json promise the files as they are now: the work of someone who damages a checkpoint with care."""

    def edit(config: dict[str, Any]) -> None:
        weights = (folder / "model.safetensors").read_bytes()
        config["weights"]["sha256"], config["weights"]["bytes"] = hashlib.sha256(weights).hexdigest(), len(weights)
        latent = config.get("latent") or {}
        others = [latent[part] for part in ("sampler", "denoiser") if latent.get(part)]
        for graph in [*config["capabilities"].values(), *others]:
            graph["sha256"] = hashlib.sha256((folder / graph["graph"]).read_bytes()).hexdigest()

    edit_config(folder, edit)


def fill_in(card: Path) -> None:
    """What a card leaves to a person."""
    from zoo.checkpoints.cards import SECTIONS

    text = card.read_text(encoding="utf-8")
    for prompt in SECTIONS.values():
        text = text.replace(prompt, "Prose by a person.")
    card.write_text(text, encoding="utf-8")
