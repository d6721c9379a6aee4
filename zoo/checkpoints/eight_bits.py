"""8-bit weights: a tensor NAME of int8, and NAME.scale, a float32 number for each entry of the tensor's first axis.

A weight is the product of the two, in float32. Graphs compute it by DequantizeLinear from the same bytes of the weights
file, so every backend has exactly the same weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zoo.errors import UnsafeFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from zoo.checkpoints.safetensors_header import TensorInfo

SUFFIX: Final = ".scale"
_BYTES: Final = {"int8": 1, "float16": 2, "float32": 4}


def scale_names(whole: Iterable[str]) -> dict[str, str]:
    """Name of each int8 tensor -> name of its scales."""
    return {name: f"{name}{SUFFIX}" for name in whole}


def check_scales(tensors: Mapping[str, TensorInfo], file: str) -> frozenset[str]:
    """The names of all scales among the tensors of a file whose weights are int8; `file` is its name in messages.

    Raises UnsafeFileError unless there is an int8 tensor, each is of two axes or more and has its scales, all others
    are float16, and each begins at a multiple of the size of its numbers.
    """
    scales = scale_names(name for name, info in tensors.items() if info.dtype == "int8")
    if not scales:
        raise UnsafeFileError(f"{file} holds no int8 tensor, config.json says int8")
    for name, scale in scales.items():
        shape, found = tensors[name].shape, tensors.get(scale)
        if len(shape) < 2:
            raise UnsafeFileError(f"{file}: int8 tensor {name} has one axis; such weights are float16")
        if found is None or found.dtype != "float32" or found.shape != shape[:1]:
            raise UnsafeFileError(
                f"{file}: int8 tensor {name} lacks {scale}, which must be float32 of shape {shape[:1]}"
            )
    names = frozenset(scales.values())
    for name, info in tensors.items():
        if name not in names and info.dtype == "float32":
            raise UnsafeFileError(f"{file}: tensor {name} is float32; beside int8 weights only their scales are")
        if info.offset % _BYTES[info.dtype]:
            raise UnsafeFileError(f"{file}: tensor {name} does not begin at a multiple of {_BYTES[info.dtype]} bytes")
    return names


def product(whole: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights that an int8 tensor (N, ...) and its scales (N,) stand for, float32."""
    return whole * scale.reshape(-1, *(1 for _ in whole.shape[1:]))


def multiplied(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays by name, each int8 one that has scales as the product of both; the scales are left out."""
    scales = scale_names(name for name, array in arrays.items() if array.dtype == "int8" and array.ndim > 1)
    rows = {name: arrays[name].shape[:1] for name in scales}
    scales = {name: scale for name, scale in scales.items() if scale in arrays and arrays[scale].shape == rows[name]}
    rest = arrays.keys() - scales.values()
    return {
        name: product(array, arrays[scales[name]]) if name in scales else array
        for name, array in arrays.items()
        if name in rest
    }
