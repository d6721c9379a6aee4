"""From trained weights to a checkpoint: one weights file, graphs without weights of their own, and the proof."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from zoo.catalog.families import interface_of
from zoo.catalog.interface import Interface, RoleName
from zoo.catalog.ports import ImageSpec, Port
from zoo.catalog.spec import CheckpointConfig, TrainingSpec, WeightType, format_config, weights_format
from zoo.checkpoints.eight_bits import SUFFIX
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import TrainingError
from zoo.files import whole_folder
from zoo.inference.backends.mixture import PREFIX, MixturePrior
from zoo.inference.backends.onnx import OnnxBackend
from zoo.inference.conditions import drawn, rows
from zoo.recipes.recipe import ModelTable
from zoo.training import eight_bits
from zoo.training.graph import answers_of, write_graph

# What goes into one graph, in the order of the interface's inputs.
Inputs = tuple[Tensor, ...]
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
    with whole_folder(folder) as partial:
        interface = interface_of(config)
        if prior:
            network.add_module("prior", prior)
            interface = interface.with_sampler(prior.noise)
        if not table.generates:
            interface = interface.without_prior()
        examples = {role: _smooth(role, interface, _example(role, interface)) for role in interface.graphs()}
        probes, real = _probes(interface, pictures), pictures is not None
        dtype = _store(network, interface, examples, probes, real, partial / WEIGHTS)
        hashes = {
            role: write_graph(network, role, interface, example, partial / WEIGHTS)
            for role, example in examples.items()
        }
        written = _config(network, config, table, family, training, interface, hashes, dtype, partial)
        (partial / "config.json").write_bytes(format_config(written))
        _check(network, interface, partial)
    return written


def _example(role: RoleName, interface: Interface, batch: int = 2, side: int = 2, seed: int = 0) -> Inputs:
    """Random inputs of a graph: [0, 1] for images, conditions that it may have, noise for latents."""
    rng = torch.Generator().manual_seed(seed)
    draws = {"image": torch.rand, "step": torch.rand, "latent": torch.randn, "noise": torch.randn}
    told = tuple(map(torch.from_numpy, rows(interface, role, drawn(interface, {}, batch, seed), batch)))
    ports = [port for port in interface.inputs(role) if port.kind != "condition"]
    shapes = interface.shape(role, batch, side)
    made = (draws[port.kind](shape, generator=rng) for port, shape in zip(ports, shapes, strict=False))
    return *made, *told


def _smooth(role: RoleName, interface: Interface, example: Inputs) -> Inputs:
    """Images of soft blots instead of noise in every pixel, which no model was trained on; the others as they are."""
    ports = zip(interface.inputs(role), example, strict=True)
    return tuple(_blots(tensor) if port.kind == "image" else tensor for port, tensor in ports)


def _blots(images: Tensor) -> Tensor:
    coarse = functional.adaptive_avg_pool2d(images, 4)
    coarse = (coarse - coarse.amin()) / (coarse.amax() - coarse.amin())
    return functional.interpolate(coarse, images.shape[2:], mode="bilinear", align_corners=False).contiguous()


def _comparable(network: nn.Module, role: RoleName, interface: Interface, example: Inputs) -> tuple[Tensor, ...]:
    """Answers in units in which a difference of a level means the same everywhere.

    Latents count by the pictures they decode to, and log-variances by those of a draw; where nothing decodes them, both
    relative to their size.
    """
    first, *rest = answers_of(network, role, *example)
    ports = interface.outputs(role, 1 + len(rest))
    if ports[0].kind != "latent":
        return first, *rest
    likelihoods = [_share(answer) for port, answer in zip(ports[1:], rest, strict=True) if port.kind == "number"]
    spreads = [(answer / 2).exp() for port, answer in zip(ports[1:], rest, strict=True) if port.kind == "latent"]
    if not hasattr(network, "decode"):
        return _share(first), *spreads, *likelihoods
    noise = torch.randn(first.shape, generator=torch.Generator().manual_seed(0))
    told = tuple(map(torch.from_numpy, rows(interface, "decode", drawn(interface, {}, len(first), 0), len(first))))
    latents = (first, *(first + spread * noise for spread in spreads))
    return *(answers_of(network, "decode", latent, *told)[0] for latent in latents), *likelihoods


def _share(answer: Tensor) -> Tensor:
    """Numbers of any size, such that a difference counts relative to their size."""
    return answer / (1 + answer.abs())


def _probes(interface: Interface, pictures: Tensor | None) -> dict[RoleName, Inputs]:
    """Inputs to try 8-bit weights on: the pictures for graphs that take such, else what `_smooth` makes.

    `decode` comes last: what layers meet first should be latents of pictures or from the prior, as in use.
    """
    count, found = _count(interface, pictures), {}
    for role in sorted(interface.graphs(), key=lambda role: role == "decode"):
        if interface.inputs(role)[0].kind != "image":
            found[role] = _example(role, interface, count, PROBE_SIDE // 16)
            continue
        image = interface.takes(role)
        if pictures is None or pictures.shape[1] > image.channels:
            side = -(-PROBE_SIDE // image.multiple)
            found[role] = _smooth(role, interface, _example(role, interface, count, side))
        else:
            fitted = _fitted(pictures[:count], image)
            found[role] = (fitted, *_example(role, interface, len(fitted))[1:])
    return found


def _count(interface: Interface, pictures: Tensor | None) -> int:
    """How many pictures to try 8-bit weights on."""
    images = [image for role in interface.roles.values() for image in (role.input, role.output) if image]
    sides = [tuple(image.size) for image in images if image.size]
    if pictures is not None:
        sides.append((pictures.shape[2], pictures.shape[3]))
    largest = max((height * width for height, width in sides), default=1)
    return max(1, min(PROBES, PROBE_PIXELS // largest))


def _fitted(pictures: Tensor, image: ImageSpec) -> Tensor:
    """Pictures as a graph takes them: of its size or multiple, with planes of noise for channels that they lack."""
    size = list(image.size or (-(-side // image.multiple) * image.multiple for side in pictures.shape[2:]))
    fitted = functional.interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False)
    planes = (len(fitted), image.channels - fitted.shape[1], *size)
    return torch.cat([fitted, torch.randn(planes, generator=torch.Generator().manual_seed(0))], dim=1)


def _store(
    network: nn.Module,
    interface: Interface,
    examples: Mapping[RoleName, Inputs],
    probes: Mapping[RoleName, Inputs],
    real: bool,
    path: Path,
) -> WeightType:
    """Write the weights as float16 where no answer changes by a level of a picture, else as float32; as int8 those that
    `eight_bits.choose` finds, with other biases only if the probes are `real`.

    The network is left with the weights as they were stored. Candidates are draws: which one noise chooses may change.
    """
    examples = {name: example for name, example in examples.items() if name != "candidates"}
    full = {name: tensor.clone() for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    half = {name: tensor.half() for name, tensor in full.items()}
    before = {name: _comparable(network, name, interface, example) for name, example in examples.items()}
    network.load_state_dict(half, strict=False)
    after = {name: _comparable(network, name, interface, example) for name, example in examples.items()}
    change = max(
        float((b - a).abs().max()) for name in examples for a, b in zip(before[name], after[name], strict=True)
    )
    stored = half if change < LEVEL else full
    network.load_state_dict(stored, strict=False)
    eight: dict[str, eight_bits.EightBit] = {}
    if stored is half:

        def measure() -> eight_bits.Answers:
            return {name: _comparable(network, name, interface, probe) for name, probe in probes.items()}

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
    interface: Interface,
    hashes: Mapping[RoleName, str],
    dtype: WeightType,
    folder: Path,
) -> CheckpointConfig:
    weights = (folder / WEIGHTS).read_bytes()
    kept = network.state_dict().keys()  # what is not persistent is a setting, and is in the graphs
    buffers = {name: tensor for name, tensor in network.named_buffers() if name in kept and tensor.is_floating_point()}
    fitted = [name for name in buffers if "sample" in hashes and name.startswith(PREFIX)]
    numbers = sum(buffers.pop(name).numel() for name in fitted)
    return msgspec.convert(
        {
            **(promised := interface.config_json(hashes, numbers)),
            "format": max(promised["format"], weights_format(dtype)),
            "id": table.id,
            "family": family,
            "task": table.task,
            "default_for": table.default_for,
            "summary": table.summary,
            "license": table.license,
            "config": msgspec.to_builtins(config),
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


def _apart(port: Port, found: NDArray[np.float32], expected: Tensor) -> float:
    """The greatest difference, for log-likelihoods relative to their size."""
    wanted = expected.numpy()
    difference = np.abs(found - wanted) / (1.0 + np.abs(wanted) if port.kind == "number" else 1.0)
    return float(difference.max())


def _check(network: nn.Module, interface: Interface, folder: Path) -> None:
    """Compare each graph with PyTorch at three batch sizes, and at three sizes where the size is free."""
    backend = OnnxBackend(read_checkpoint(folder, origin="the exported checkpoint"))
    for role in interface.graphs():
        for batch, side in ((1, 1), (2, 2), (5, 3)):
            example = _example(role, interface, batch, side, seed=batch)
            expected = answers_of(network, role, *example)
            found = backend.run(role, *(tensor.numpy() for tensor in example))
            ports = interface.outputs(role, len(expected))
            worst = max(_apart(*three) for three in zip(ports, found, expected, strict=True))
            if not worst <= PARITY:
                raise TrainingError(
                    f"{role}.onnx differs from PyTorch by {worst:.2g} (allowed: {PARITY}); not exported"
                )
