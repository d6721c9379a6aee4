"""From trained weights to a checkpoint: one weights file, graphs without weights of their own, and the proof."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from zoo.catalog.spec import CheckpointConfig, TrainingSpec, WeightType, format_config, format_for, weights_format
from zoo.checkpoints.eight_bits import SUFFIX
from zoo.checkpoints.format import read_checkpoint
from zoo.checkpoints.graphs import Role
from zoo.errors import TrainingError
from zoo.inference.backends.mixture import PREFIX, MixturePrior
from zoo.inference.backends.onnx import OnnxBackend
from zoo.training import eight_bits
from zoo.training.graph import answers_of, write_graph
from zoo.training.recipe import ModelTable

WEIGHTS = "model.safetensors"
# A picture shows 256 levels, so weights whose effect stays under one level may be halved.
LEVEL = 1.0 / 255.0
PARITY = 1e-3
# Inputs of each graph on which 8-bit weights are tried: so many, or fewer of large ones; their side if free.
PROBES = 16
PROBE_PIXELS = PROBES * 256 * 256
PROBE_SIDE = 64


def export(
    network: nn.Module,
    config: Any,
    table: ModelTable,
    family: str,
    training: TrainingSpec | None,
    folder: Path,
    prior: MixturePrior | None = None,
    pictures: Tensor | None = None,
) -> CheckpointConfig:
    """Write `folder` as a checkpoint and check it against PyTorch; returns its config.

    `config` is the family's configuration; its `interface()` says the latent, and what goes in and out of each graph.
    A fitted `prior` takes the place of the standard normal; `training` is None for weights that were made elsewhere.
    `pictures` (N, C, H, W) are some that the network is given in use: 8-bit weights are tried on them, and on made
    ones without.

    The folder appears whole or not at all. Raises TrainingError where a graph and PyTorch differ by more than 1e-3.
    """
    network = network.eval().cpu().to(memory_format=torch.contiguous_format)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        interface = msgspec.to_builtins(config.interface())
        if prior:
            network.add_module("prior", prior)
            interface["latent"] |= {"prior": "sampler", "sampler": {"noise": [prior.noise]}}
        examples = {name: _smooth(name, _example(name, interface)) for name in _graphs(interface)}
        dtype = _store(network, examples, _probes(interface, pictures), pictures is not None, partial / WEIGHTS)
        hashes = {
            name: write_graph(network, name, example, _free_axes(name, interface), partial / WEIGHTS)
            for name, example in examples.items()
        }
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


def _free_axes(name: str, interface: Mapping[str, Any]) -> tuple[int, ...]:
    """Which axes of a graph's input, beside the batch, may be of any size."""
    if name == "sample":
        return ()
    if name == "decode":
        return tuple(axis for axis, length in enumerate(interface["latent"]["shape"], 1) if length is None)
    return () if interface["capabilities"][name]["input"].get("size") else (2, 3)


def _example(name: str, interface: Mapping[str, Any], batch: int = 2, side: int = 2, seed: int = 0) -> Tensor:
    """Random input of a graph: noise for a latent, [0, 1] for a picture."""
    rng = torch.Generator().manual_seed(seed)
    shape = (batch, *_shape(name, interface, side))
    noisy = name in ("decode", "sample")
    return torch.randn(shape, generator=rng) if noisy else torch.rand(shape, generator=rng)


def _smooth(name: str, example: Tensor) -> Tensor:
    """Pictures of soft blots instead of noise in every pixel, which no model was trained on; latents as they are."""
    if name in ("decode", "sample"):
        return example
    coarse = functional.adaptive_avg_pool2d(example, 4)
    coarse = (coarse - coarse.amin()) / (coarse.amax() - coarse.amin())
    return functional.interpolate(coarse, example.shape[2:], mode="bilinear", align_corners=False).contiguous()


def _comparable(network: nn.Module, name: str, example: Tensor) -> tuple[Tensor, ...]:
    """Answers in units in which a difference of a level means the same everywhere.

    Latents count by the pictures they decode to, and log-variances by those of a draw; where nothing decodes them, both
    relative to their size.
    """
    first, *rest = answers_of(network, name, example)
    if name not in ("encode", "sample"):
        return first, *rest
    if not hasattr(network, "decode"):
        return first / (1 + first.abs()), *((answer / 2).exp() for answer in rest)
    noise = torch.randn(first.shape, generator=torch.Generator().manual_seed(0))
    latents = (first, *(first + (answer / 2).exp() * noise for answer in rest))
    return tuple(answers_of(network, "decode", latent)[0] for latent in latents)


def _probes(interface: Mapping[str, Any], pictures: Tensor | None) -> dict[Role, Tensor]:
    """Inputs to try 8-bit weights on: the pictures for graphs that take such, else what `_smooth` makes.

    `decode` comes last: what layers meet first should be latents of pictures or from the prior, as in use.
    """
    count, found = _count(interface, pictures), {}
    for name in sorted(_graphs(interface), key=lambda name: name == "decode"):
        spec = interface["capabilities"].get(name, {}).get("input")
        if spec is None:
            found[name] = _example(name, interface, count, PROBE_SIDE // 16)
        elif pictures is None or pictures.shape[1] > spec["channels"]:
            found[name] = _smooth(name, _example(name, interface, count, -(-PROBE_SIDE // spec.get("multiple", 1))))
        else:
            found[name] = _fitted(pictures[:count], spec)
    return found


def _count(interface: Mapping[str, Any], pictures: Tensor | None) -> int:
    """How many pictures to try 8-bit weights on."""
    images = [facts.get(key) or {} for facts in interface["capabilities"].values() for key in ("input", "output")]
    sides = [image["size"] for image in images if image.get("size")]
    if pictures is not None:
        sides.append(pictures.shape[2:])
    largest = max((height * width for height, width in sides), default=1)
    return max(1, min(PROBES, PROBE_PIXELS // largest))


def _fitted(pictures: Tensor, spec: Mapping[str, Any]) -> Tensor:
    """Pictures as a graph takes them: of its size or multiple, with planes of noise for channels that they lack."""
    multiple = spec.get("multiple", 1)
    size = spec.get("size") or [-(-side // multiple) * multiple for side in pictures.shape[2:]]
    fitted = functional.interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False)
    planes = (len(fitted), spec["channels"] - fitted.shape[1], *size)
    return torch.cat([fitted, torch.randn(planes, generator=torch.Generator().manual_seed(0))], dim=1)


def _store(
    network: nn.Module, examples: Mapping[Role, Tensor], probes: Mapping[Role, Tensor], real: bool, path: Path
) -> WeightType:
    """Write the weights as float16 where no answer changes by a level of a picture, else as float32; as int8 those that
    `eight_bits.choose` finds, with other biases only if the probes are `real`.

    The network is left with the weights as they were stored. Candidates are draws: which one noise chooses may change.
    """
    examples = {name: example for name, example in examples.items() if name != "candidates"}
    full = {name: tensor.clone() for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    half = {name: tensor.half() for name, tensor in full.items()}
    before = {name: _comparable(network, name, example) for name, example in examples.items()}
    network.load_state_dict(half, strict=False)
    after = {name: _comparable(network, name, example) for name, example in examples.items()}
    change = max(
        float((b - a).abs().max()) for name in examples for a, b in zip(before[name], after[name], strict=True)
    )
    stored = half if change < LEVEL else full
    network.load_state_dict(stored, strict=False)
    eight: dict[str, eight_bits.EightBit] = {}
    if stored is half:

        def measure() -> eight_bits.Answers:
            return {name: _comparable(network, name, probe) for name, probe in probes.items()}

        eight = eight_bits.choose(network, full, measure, corrected=real)
        stored = {name: tensor.half() for name, tensor in network.state_dict().items() if name in full}
        stored |= {name: weight.whole for name, weight in eight.items()}
        stored |= {f"{name}{SUFFIX}": weight.scale for name, weight in eight.items()}
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, path)
    path.chmod(0o644)  # written for its owner only; a checkpoint is for everyone
    return "int8" if eight else "float32" if stored is full else "float16"


def _config(
    network: nn.Module,
    config: Any,
    table: ModelTable,
    family: str,
    training: TrainingSpec | None,
    interface: Mapping[str, Any],
    hashes: Mapping[Role, str],
    dtype: WeightType,
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
    kept = network.state_dict().keys()  # what is not persistent is a setting, and stands in the graphs
    buffers = {name: tensor for name, tensor in network.named_buffers() if name in kept and tensor.is_floating_point()}
    if latent and "sample" in hashes:
        fitted = [name for name in buffers if name.startswith(PREFIX)]
        latent["sampler"]["numbers"] = sum(buffers.pop(name).numel() for name in fitted)
    return msgspec.convert(
        {
            "format": max(format_for(capabilities), weights_format(dtype)),
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
            expected = answers_of(network, name, example)
            found = backend.run(name, example.numpy())
            worst = max(float(np.abs(f - e.numpy()).max()) for f, e in zip(found, expected, strict=True))
            if not worst <= PARITY:
                raise TrainingError(
                    f"{name}.onnx differs from PyTorch by {worst:.2g} (allowed: {PARITY}); not exported"
                )
