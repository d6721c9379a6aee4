"""Operators that compute: element by element, windows that slide, products, sums along axes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Final

from zoo.checkpoints.onnx.operators.values import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT8,
    INT64,
    ITEM_BYTES,
    MAX_KNOWN,
    MAX_WHOLE,
    WHOLE_TYPES,
    Node,
    Value,
    broadcast,
    one_axis,
    require,
    some_axes,
    whole_numbers,
)

EXACT_IN_FLOAT32: Final = 2**24

_FOLDS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": operator.floordiv,
    "Max": max,
    "Min": min,
}


def same(node: Node, x: Value, *_others: Value | None) -> Value:
    """A result like the first input; the others are limits or numbers for each channel."""
    node.only(training_mode=0)
    return Value(x.dtype, x.shape)


def identity(_node: Node, x: Value) -> Value:
    """Identity: the value itself."""
    return x


def arithmetic(node: Node, *operands: Value) -> Value:
    """Add, Mul and the like: operands broadcast; whole numbers that are known stay known."""
    dtype, shape = operands[0].dtype, broadcast(*(x.shape for x in operands))
    if dtype in WHOLE_TYPES and node.operator == "Div":
        # Whole numbers that divide by zero, or the smallest one by -1, can kill the process.
        dividends, divisors = (whole_numbers(x) for x in operands)
        require(min(dividends) >= 0 and min(divisors) > 0, "a division of whole numbers that are not positive")
    return Value(dtype, shape, _folded(node.operator, shape, operands))


def _folded(name: str, shape: tuple[int, ...], operands: tuple[Value, ...]) -> tuple[int, ...] | None:
    """The content of a small result, where it follows from shapes and constants."""
    length = shape[0] if shape else 1
    if name not in _FOLDS or len(operands) != 2 or len(shape) > 1 or length > MAX_KNOWN:
        return None
    if any(x.known is None or x.dtype not in WHOLE_TYPES for x in operands):
        return None
    left, right = (whole_numbers(x) * (length if x.count == 1 else 1) for x in operands)
    result = tuple(map(_FOLDS[name], left, right))
    return result if all(abs(number) <= MAX_WHOLE for number in result) else None


def compare(_node: Node, *operands: Value) -> Value:
    """Less, Equal, And and the like: operands broadcast to booleans."""
    return Value(BOOL, broadcast(*(x.shape for x in operands)))


def where(_node: Node, condition: Value, x: Value, y: Value) -> Value:
    """Where: one of two values, element by element."""
    return Value(x.dtype, broadcast(condition.shape, x.shape, y.shape))


def cast(node: Node, x: Value) -> Value:
    """Cast: another element type; known numbers stay known where the conversion is exact."""
    dtype = node.whole("to", 0)
    require(dtype in ITEM_BYTES, f"no conversion to element type {dtype}")
    largest = EXACT_IN_FLOAT32 if dtype in (FLOAT, DOUBLE) else MAX_WHOLE if dtype in WHOLE_TYPES else -1
    if x.known is None or not all(abs(number) <= largest for number in x.known):
        return Value(dtype, x.shape)
    convert = int if dtype in WHOLE_TYPES else float
    return Value(dtype, x.shape, tuple(convert(number) for number in x.known))


def dequantize_linear(node: Node, whole: Value, scale: Value) -> Value:
    """DequantizeLinear: int8 weights times a scale for each entry of the first axis; there is no zero point."""
    require(set(node.attributes) == {"axis"} and node.attributes["axis"] == 0, "it must say axis 0, and nothing else")
    require((whole.dtype, scale.dtype) == (INT8, FLOAT), "its inputs are not int8 weights and float32 scales")
    require(len(whole.shape) > 1 and scale.shape == whole.shape[:1], f"scales {scale.shape} for weights {whole.shape}")
    return Value(FLOAT, whole.shape)


def _window(node: Node, kernel: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """(strides, padding of both ends together, extents) of a window, one number for each spatial axis."""
    rank = len(kernel)
    require(1 <= rank <= 3, f"a window over {rank} axes")
    node.only(auto_pad="NOTSET")
    strides, dilations = node.wholes("strides", (1,) * rank), node.wholes("dilations", (1,) * rank)
    pads = node.wholes("pads", (0,) * (2 * rank))
    require(len(strides) == len(dilations) == rank and len(pads) == 2 * rank, "strides, dilations or pads do not match")
    require(min(*strides, *dilations) > 0 and min(pads) >= 0, "strides, dilations or pads are too small")
    require(max(*strides, *dilations, *pads) <= MAX_WHOLE, "strides, dilations or pads are too large")
    extents = tuple((size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True))
    return strides, tuple(a + b for a, b in zip(pads[:rank], pads[rank:], strict=True)), extents


def _slide(node: Node, x: Value, kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The spatial sizes after a window has slid over `x`."""
    strides, pads, extents = _window(node, kernel)
    sides = zip(x.shape[2:], pads, extents, strides, strict=True)
    return tuple((size + pad - extent) // stride + 1 for size, pad, extent, stride in sides)


def _kernel(node: Node, weight: Value) -> tuple[int, ...]:
    kernel = weight.shape[2:]
    require(node.wholes("kernel_shape", kernel) == kernel, "kernel_shape differs from the weight's")
    return kernel


def conv(node: Node, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """Conv: `weight` is (out, in / group, *kernel)."""
    group, out = node.whole("group", 1), weight.shape[0]
    require(group > 0 and out % group == 0 and x.shape[1] == weight.shape[1] * group, "channels do not match")
    require(bias is None or bias.shape == (out,), "the bias does not match")
    return Value(x.dtype, (x.shape[0], out, *_slide(node, x, _kernel(node, weight))))


def conv_transpose(node: Node, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """ConvTranspose: `weight` is (in, out / group, *kernel)."""
    group, kernel = node.whole("group", 1), _kernel(node, weight)
    require("output_shape" not in node.attributes, "output_shape is not used")
    require(group > 0 and x.shape[1] == weight.shape[0] and x.shape[1] % group == 0, "channels do not match")
    out = weight.shape[1] * group
    require(bias is None or bias.shape == (out,), "the bias does not match")
    strides, pads, extents = _window(node, kernel)
    extra = node.wholes("output_padding", (0,) * len(kernel))
    require(all(0 <= more < stride for more, stride in zip(extra, strides, strict=True)), "output_padding too large")
    sides = zip(x.shape[2:], strides, extents, extra, pads, strict=True)
    spatial = ((size - 1) * stride + extent + more - pad for size, stride, extent, more, pad in sides)
    return Value(x.dtype, (x.shape[0], out, *spatial))


def pool(node: Node, x: Value) -> Value:
    """AveragePool and MaxPool; with `ceil_mode` the last window may reach beyond the picture, not begin there."""
    kernel = node.wholes("kernel_shape", ())
    require(bool(kernel) and min(kernel) > 0 and max(kernel) <= MAX_WHOLE, "kernel_shape is missing or out of bounds")
    pads = node.wholes("pads", (0,) * (2 * len(kernel)))
    require(all(pad < size for pad, size in zip(pads, kernel * 2, strict=True)), "a pad reaches the kernel's size")
    ceil = node.whole("ceil_mode", 0)
    require(ceil in (0, 1), f"ceil_mode {ceil}")
    return Value(x.dtype, (*x.shape[:2], *(_slide_beyond if ceil else _slide)(node, x, kernel)))


def _slide_beyond(node: Node, x: Value, kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The spatial sizes where what is left over at the end gets a window of its own.

    If that window began in the padding, versions of the runtime would disagree on whether it counts.
    """
    strides, pads, extents = _window(node, kernel)
    before = node.wholes("pads", (0,) * (2 * len(kernel)))[: len(kernel)]
    sides = []
    for size, pad, extent, stride, first in zip(x.shape[2:], pads, extents, strides, before, strict=True):
        side = -(-(size + pad - extent) // stride) + 1
        require(size + pad >= extent, "a window larger than the picture")
        require((side - 1) * stride < size + first, "a window begins beyond the picture")
        sides.append(side)
    return tuple(sides)


def global_pool(_node: Node, x: Value) -> Value:
    """GlobalAveragePool and GlobalMaxPool: one number for each channel."""
    return Value(x.dtype, x.shape[:2] + (1,) * (len(x.shape) - 2))


def matmul(_node: Node, a: Value, b: Value) -> Value:
    """MatMul: matrices in the last two axes, the others broadcast."""
    require(min(len(a.shape), len(b.shape)) >= 2 and a.shape[-1] == b.shape[-2], "the matrices do not match")
    return Value(a.dtype, (*broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]))


def gemm(node: Node, a: Value, b: Value, c: Value | None = None) -> Value:
    """Gemm: a matrix product and a sum, each matrix turned if its attribute says so."""
    rows, inner = reversed(a.shape) if node.whole("transA", 0) else a.shape
    inner_b, columns = reversed(b.shape) if node.whole("transB", 0) else b.shape
    require(inner == inner_b, "the matrices do not match")
    require(c is None or broadcast((rows, columns), c.shape) == (rows, columns), "the addend does not match")
    return Value(a.dtype, (rows, columns))


def reduce_(node: Node, x: Value, axes: Value | None = None) -> Value:
    """ReduceMean and the like: along the given axes, or all."""
    chosen = whole_numbers(axes) if axes is not None else ()
    if not chosen:
        node.only(noop_with_empty_axes=0)
        chosen = tuple(range(len(x.shape)))
    return Value(x.dtype, _without(node, x, chosen))


def arg_reduce(node: Node, x: Value) -> Value:
    """ArgMax and ArgMin: places along one axis."""
    return Value(INT64, _without(node, x, (one_axis(node.whole("axis", 0), len(x.shape)),)))


def _without(node: Node, x: Value, axes: tuple[int, ...]) -> tuple[int, ...]:
    gone = some_axes(axes, len(x.shape))
    if node.whole("keepdims", 1):
        return tuple(1 if axis in gone else size for axis, size in enumerate(x.shape))
    return tuple(size for axis, size in enumerate(x.shape) if axis not in gone)
