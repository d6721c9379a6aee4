"""Weights of Keras, whose layers are in a file in the order of the network, kernels with their channels last.

Keras and PyTorch differ in four things that weights have to be changed for: kernels are (height, width, in, out);
Flatten and Reshape count channels fastest; batch norm's epsilon is 1e-3; and names are of another kind, so that layers
are matched by their order and shapes. A fifth is up to the network's configuration: with an even input, Keras pads
strided convolutions below and to the right, PyTorch on all sides, so that without an option such as conv-vae's
`padding = "end"` pictures come out shifted by up to a pixel for each such layer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from zoo.arrays import Floats
from zoo.errors import PluginError, UnsafeFileError

KERAS_EPSILON = 1e-3
MAX_BYTES = 4 * 2**30
MAX_OBJECTS = 10_000
NORM = ("gamma", "beta", "moving_mean", "moving_variance")

Array = Any


@dataclass(frozen=True)
class Layer:
    """A layer of the file: its name, and its arrays in Keras' order."""

    name: str
    arrays: tuple[Array, ...]


def read_layers(file: Path, room: int = MAX_BYTES) -> list[Layer]:
    """The layers that have weights, in order: of a weights file or a whole model, of Keras 2 or 3.

    Raises PluginError without h5py, UnsafeFileError for a file of another layout, one whose arrays have more bytes
    than `room`, and one that leads to other files.
    """
    try:
        h5py: Any = import_module("h5py")  # it has no types
    except ModuleNotFoundError as error:
        raise PluginError("Keras' files need h5py: pip install 'latent-zoo[keras]'") from error
    try:
        with h5py.File(file, "r") as opened:
            _check_contents(opened, h5py, room)
            root = opened.get("model_weights", opened)
            names = root.attrs.get("layer_names")
            layers = _keras2(root, names) if names is not None else _keras3(root)
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, ArithmeticError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        advice = ", cut off or damaged: download it again" if isinstance(error, OSError) else ""
        raise UnsafeFileError(f"{file} is not a weights file of Keras{advice}: {why}") from error
    if not layers:
        raise UnsafeFileError(f"{file} holds no layer with weights")
    return layers


def _check_contents(opened: Any, h5py: Any, room: int) -> None:
    """Look at every object before any array is read: where it lies, and how large it is. Raises ValueError.

    What an HDF5 file holds may be in another file: by external storage, external links and virtual datasets. Groups
    may hold each other.
    """
    waiting, seen, total = [opened], set(), 0
    while waiting:
        group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name} is a link, which may lead to another file: refused")
            found = group[name]
            place = h5py.h5o.get_info(found.id).addr
            if place in seen:
                continue
            seen.add(place)
            if len(seen) > MAX_OBJECTS:
                raise ValueError(f"it holds more than {MAX_OBJECTS} objects")
            if isinstance(found, h5py.Group):
                waiting.append(found)
            elif isinstance(found, h5py.Dataset):
                total += _bytes_of(found)
    if total > room:
        raise ValueError(f"its arrays have {total} bytes, far more than the network takes: at most {room} are read")


def _bytes_of(data: Any) -> int:
    """What reading an array takes: all of it as float32, and a chunk as it is stored. Raises ValueError."""
    if data.external or data.is_virtual:
        raise ValueError(f"{data.name} is in another file: refused")
    return int(data.size or 0) * 4 + (math.prod(data.chunks) * data.dtype.itemsize if data.chunks else 0)


def to_state(layers: Sequence[Layer], network: nn.Module, file: str) -> dict[str, Floats]:
    """The network's state dict, each layer of the file given to the layer of the network in its place.

    Raises UnsafeFileError, naming the first layers that don't fit each other.
    """
    targets = [(name, module) for name, module in network.named_modules() if isinstance(module, _WITH_WEIGHTS)]
    if len(targets) != len(layers):
        theirs, ours = ", ".join(layer.name for layer in layers[:5]), ", ".join(name for name, _ in targets[:5])
        raise UnsafeFileError(
            f"{file} has {len(layers)} layers with weights, the family's network {len(targets)}: "
            f"{theirs}... against {ours}..."
        )
    state: dict[str, Floats] = {}
    channels = 0
    for layer, (name, module) in zip(layers, targets, strict=True):
        converted = _converted(layer, module, channels, _reshaped(network, name), f"{file}: {layer.name} as {name}")
        state |= {f"{name}.{key}": np.ascontiguousarray(value, np.float32) for key, value in converted.items()}
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            channels = module.out_channels
    return state


_WITH_WEIGHTS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)


def _converted(
    layer: Layer, module: nn.Module, channels: int, made: tuple[int, ...] | None, where: str
) -> dict[str, Array]:
    """A layer's arrays in PyTorch's layout; `channels` are those of the picture that a dense layer may flatten."""
    shapes = [array.shape for array in layer.arrays]
    if isinstance(module, nn.BatchNorm2d):
        if [len(shape) for shape in shapes] != [1, 1, 1, 1]:
            raise UnsafeFileError(f"{where}: batch norm has {', '.join(NORM)}, the file {shapes}")
        gamma, beta, mean, variance = layer.arrays
        variance = variance + (KERAS_EPSILON - module.eps)
        return {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}
    rank = 2 if isinstance(module, nn.Linear) else 4
    if [len(shape) for shape in shapes] != [rank, 1]:
        raise UnsafeFileError(f"{where}: a kernel of {rank} axes and a bias are expected, the file has {shapes}")
    kernel, bias = layer.arrays
    if not isinstance(module, nn.Linear):
        return {"weight": kernel.transpose(3, 2, 0, 1), "bias": bias}
    if kernel.shape != (module.in_features, module.out_features):
        raise UnsafeFileError(f"{where}: {kernel.shape} instead of {(module.in_features, module.out_features)}")
    side = math.isqrt(module.in_features // channels) if channels else 0
    if side > 1 and channels * side * side == module.in_features:
        kernel = kernel[_channels_first(channels, side, side)]
    if made is not None:
        order = _channels_first(*made)
        kernel, bias = kernel[:, order], bias[order]
    return {"weight": kernel.T, "bias": bias}


def _channels_first(channels: int, height: int, width: int) -> NDArray[np.int64]:
    """Where the numbers of a picture that was flattened channels last stand, in the order of channels first."""
    numbers = np.arange(channels * height * width).reshape(height, width, channels)
    return numbers.transpose(2, 0, 1).ravel()


def _reshaped(network: nn.Module, name: str) -> tuple[int, ...] | None:
    """The (channels, height, width) that the answer of a layer is brought to, if it is."""
    parent, _, number = name.rpartition(".")
    siblings = network.get_submodule(parent)
    if not isinstance(siblings, nn.Sequential) or not number.isdigit() or int(number) + 1 >= len(siblings):
        return None
    after = siblings[int(number) + 1]
    return tuple(int(size) for size in after.unflattened_size) if isinstance(after, nn.Unflatten) else None


def _keras2(root: Any, names: Any) -> list[Layer]:
    """`layer_names` lists groups, each group's `weight_names` its arrays; a model in the model is one group."""
    layers: dict[str, list[Array]] = {}
    for name in map(_text, names):
        for weight in map(_text, root[name].attrs.get("weight_names", ())):
            owner = weight.rpartition("/")[0] or name
            layers.setdefault(owner, []).append(_array(root[name][weight]))
    return [Layer(name, tuple(arrays)) for name, arrays in layers.items()]


def _keras3(root: Any) -> list[Layer]:
    """`.../NAME/vars/0, 1, ...`; layers of one kind are numbered, and the kinds are in no order, so names count."""
    found: dict[str, dict[int, Array]] = {}

    def visit(name: str, node: Any) -> None:
        owner, _, number = name.rpartition("/")
        if owner.endswith("/vars") and number.isdigit() and hasattr(node, "shape"):
            found.setdefault(owner.removesuffix("/vars"), {})[int(number)] = _array(node)

    root.visititems(visit)
    kinds = {re.sub(r"(_\d+)?$", "", name.rpartition("/")[2]) for name in found}
    if len(kinds) > 1:
        raise ValueError(
            f"Keras 3 does not say the order of layers of several kinds ({', '.join(sorted(kinds))}): save them as .h5"
        )
    return [Layer(name, tuple(found[name][n] for n in sorted(found[name]))) for name in sorted(found, key=_numbered)]


def _numbered(name: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
    assert match
    return match[1], int(match[2] or 0)


def _array(data: Any) -> Array:
    if data.size * 4 > MAX_BYTES or data.dtype.kind != "f":
        raise ValueError(f"{data.name} is of {data.dtype} and shape {data.shape}")
    return np.asarray(data, np.float32)


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
