"""From trained weights to a checkpoint: one weights file, graphs without weights of their own, and the proof."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import shutil
import struct
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from zoo.catalog.spec import CheckpointConfig, TrainingSpec, format_config
from zoo.checkpoints.format import read_checkpoint
from zoo.checkpoints.graphs import Role
from zoo.errors import TrainingError
from zoo.inference.backends.onnx import OnnxBackend
from zoo.training.recipe import ModelTable

WEIGHTS = "model.safetensors"
OPSET = 20
# A picture shows 256 levels, so weights whose effect stays under one level may be halved.
LEVEL = 1.0 / 255.0
PARITY = 1e-3
NAMES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "encode": ("image", ("mean", "log_variance")),
    "decode": ("latent", ("image",)),
    "translate": ("image", ("translated",)),
    "sample": ("noise", ("latent",)),
}


class Capability(nn.Module):
    """One method of a network as a module of its own, so that it can be exported."""

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network, self.method = network, method

    def forward(self, x: Tensor) -> Any:
        """Call the method."""
        return getattr(self.network, self.method)(x)


def export(
    network: nn.Module, config: Any, table: ModelTable, family: str, training: TrainingSpec, folder: Path
) -> CheckpointConfig:
    """Write `folder` as a checkpoint of format 1 and check it against PyTorch; returns its config.

    `config` is the family's configuration; its `interface()` says the latent, and what goes in and out of each graph.
    The folder appears whole or not at all. Raises TrainingError where a graph and PyTorch differ by more than 1e-3.
    """
    network = network.eval().cpu().to(memory_format=torch.contiguous_format)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        interface = msgspec.to_builtins(config.interface())
        examples = {name: _example(name, interface) for name in _graphs(interface)}
        dtype = _store(network, examples, partial / WEIGHTS)
        hashes = {name: _write_graph(network, name, interface, partial) for name in examples}
        written = _config(network, config, table, family, training, interface, hashes, dtype, partial)
        (partial / "config.json").write_bytes(format_config(written))
        _check(network, interface, partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return written


def _graphs(interface: Mapping[str, Any]) -> list[Role]:
    latent = interface.get("latent") or {}
    return [*interface["capabilities"], *(["sample"] if latent.get("prior") == "sampler" else [])]


def _shape(name: str, interface: Mapping[str, Any], side: int) -> tuple[int, ...]:
    """The shape of one example for a graph; `side` counts multiples where the size is free."""
    if name in ("decode", "sample"):
        latent = interface["latent"]
        shape = latent["sampler"]["noise"] if name == "sample" else latent["shape"]
        return tuple(side * 4 if length is None else length for length in shape)
    spec = interface["capabilities"][name]["input"]
    free = spec.get("multiple", 1) * side
    return (spec["channels"], *(spec.get("size") or (free, free)))


def _example(name: str, interface: Mapping[str, Any], batch: int = 2, side: int = 2, seed: int = 0) -> Tensor:
    """Random input of a graph: noise for a latent, [0, 1] for a picture."""
    rng = torch.Generator().manual_seed(seed)
    shape = (batch, *_shape(name, interface, side))
    noisy = name in ("decode", "sample")
    return torch.randn(shape, generator=rng) if noisy else torch.rand(shape, generator=rng)


def _answers(network: nn.Module, name: str, example: Tensor) -> tuple[Tensor, ...]:
    with torch.no_grad():
        answer = getattr(network, name)(example)
    return answer if isinstance(answer, tuple) else (answer,)


def _store(network: nn.Module, examples: Mapping[Role, Tensor], path: Path) -> str:
    """Write the weights as float16 where no answer changes by a level of a picture, else as float32.

    The network is left with the weights as they were stored.
    """
    full = {name: tensor.clone() for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    half = {name: tensor.half() for name, tensor in full.items()}
    before = {name: _answers(network, name, example) for name, example in examples.items()}
    network.load_state_dict(half, strict=False)
    after = {name: _answers(network, name, example) for name, example in examples.items()}
    change = max(
        float((b - a).abs().max()) for name in examples for a, b in zip(before[name], after[name], strict=True)
    )
    stored = half if change < LEVEL else full
    network.load_state_dict(stored, strict=False)
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, path)
    path.chmod(0o644)  # written for its owner only; a checkpoint is for everyone
    return "float16" if stored is half else "float32"


def _write_graph(network: nn.Module, name: str, interface: Mapping[str, Any], folder: Path) -> str:
    """Export one method, its weights being ranges of the weights file; returns the sha256 of the file."""
    example = _example(name, interface)
    free = name not in ("decode", "sample") and not interface["capabilities"][name]["input"].get("size")
    dynamic: dict[int, Any] = {0: torch.export.Dim.DYNAMIC}
    if free:
        dynamic |= {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    source, answers = NAMES[name]
    count = len(_answers(network, name, example))
    try:
        with _quiet():
            program = torch.onnx.export(
                Capability(network, name).eval(),
                (example,),
                input_names=[source],
                output_names=list(answers[:count]),
                dynamic_shapes=(dynamic,),
                opset_version=OPSET,
                external_data=False,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter's errors share no base class
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise TrainingError(f"{name} can't be written as an ONNX graph: {reason}") from error
    assert program is not None
    graph = program.model_proto
    _point_at_weights(graph, folder / WEIGHTS)
    data = graph.SerializeToString()
    (folder / f"{name}.onnx").write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _point_at_weights(model: onnx.ModelProto, weights: Path) -> None:
    """Replace each weight in the graph by its range of the weights file, cast to float32 where it is stored in half.

    Weights that the exporter folded away from their stored values would be missing from the table, so what is left
    inline must be small: shapes and scalars.
    """
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        table = json.loads(file.read(length))
    casts = []
    for tensor in model.graph.initializer:
        entry = table.get(tensor.name.removeprefix("network."))
        if entry is None:
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": WEIGHTS, "offset": begin, "length": end - begin}.items():
            tensor.external_data.add(key=key, value=str(value))
        if entry["dtype"] == "F16":
            full = tensor.name
            tensor.name, tensor.data_type = f"{full}.half", onnx.TensorProto.FLOAT16
            casts.append(onnx.helper.make_node("Cast", [tensor.name], [full], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    # Where each operator came from in the source, with paths of the machine that exported: of no use to a reader.
    del model.metadata_props[:]
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]


def _config(
    network: nn.Module,
    config: Any,
    table: ModelTable,
    family: str,
    training: TrainingSpec,
    interface: Mapping[str, Any],
    hashes: Mapping[Role, str],
    dtype: str,
    folder: Path,
) -> CheckpointConfig:
    weights = (folder / WEIGHTS).read_bytes()
    capabilities = {
        name: {"graph": f"{name}.onnx", "sha256": hashes[name], **facts}
        for name, facts in interface["capabilities"].items()
    }
    latent = interface.get("latent")
    if latent and "sample" in hashes:
        latent["sampler"] |= {"graph": "sample.onnx", "sha256": hashes["sample"]}
    buffers = {name: tensor for name, tensor in network.named_buffers() if tensor.is_floating_point()}
    return msgspec.convert(
        {
            "format": 1,
            "id": table.id,
            "family": family,
            "task": table.task,
            "default_for": table.default_for,
            "summary": table.summary,
            "license": table.license,
            "config": msgspec.to_builtins(config),
            "latent": latent,
            "capabilities": capabilities,
            "weights": {
                "file": WEIGHTS,
                "sha256": hashlib.sha256(weights).hexdigest(),
                "bytes": len(weights),
                "dtype": dtype,
                "parameters": sum(p.numel() for p in network.parameters()),
                "buffers": sum(b.numel() for b in buffers.values()),
            },
            "training": training,
        },
        CheckpointConfig,
        from_attributes=True,
    )


def _check(network: nn.Module, interface: Mapping[str, Any], folder: Path) -> None:
    """Compare each graph with PyTorch at three batch sizes, and at three sizes where the size is free."""
    backend = OnnxBackend(read_checkpoint(folder, origin="the exported checkpoint"))
    for name in _graphs(interface):
        for batch, side in ((1, 1), (2, 2), (5, 3)):
            example = _example(name, interface, batch, side, seed=batch)
            expected = _answers(network, name, example)
            found = backend.run(name, example.numpy())
            worst = max(float(np.abs(f - e.numpy()).max()) for f, e in zip(found, expected, strict=True))
            if not worst <= PARITY:
                raise TrainingError(
                    f"{name}.onnx differs from PyTorch by {worst:.2g} (allowed: {PARITY}); not exported"
                )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter talks on stdout, through warnings and through logging; none of it is for the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
