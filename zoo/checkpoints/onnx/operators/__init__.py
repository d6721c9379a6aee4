"""The ONNX operators a graph may use: for each, the rule that tells how large its results are.

An operator is allowed exactly if it has a rule in `RULES`, and a rule never guesses: a size comes from the shapes of
the inputs, from attributes, or from whole numbers that follow from shapes and constants alone (`Value.known`). A size
that depends on what is in a picture has no rule, so nothing grows large behind the zoo's back. A node that a rule can't
make sense of is refused, even where the runtime would be lenient.

Source: https://onnx.ai/onnx/operators/, opsets 18 to 24.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from zoo.checkpoints.onnx.operators import compute, layout
from zoo.checkpoints.onnx.operators.values import MAX_RANK, MisfitError, Node, Value

__all__ = ["RULES", "MisfitError", "Node", "Value", "infer", "work", "workspace"]

Rule = Callable[..., Value | tuple[Value, ...]]

_SAME: Final = (
    "Abs", "BatchNormalization", "Celu", "Ceil", "Clip", "Cos", "CumSum", "Elu", "Erf", "Exp", "Floor", "Gelu",
    "GroupNormalization", "HardSigmoid", "HardSwish", "InstanceNormalization", "LayerNormalization", "LeakyRelu",
    "Log", "LogSoftmax", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin",
    "Softmax", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu",
)  # fmt: skip
# How many inputs they take, where it is not one. The rules of all others have as many parameters as there are inputs.
_INPUTS: Final[Mapping[str, tuple[int, int]]] = {
    "BatchNormalization": (5, 5), "Clip": (1, 3), "CumSum": (2, 2), "GroupNormalization": (3, 3),
    "InstanceNormalization": (3, 3), "LayerNormalization": (2, 3),
    **dict.fromkeys(("Add", "Div", "Mul", "PRelu", "Pow", "Sub"), (2, 2)),
    **dict.fromkeys(("And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or"), (2, 2)),
}  # fmt: skip
_ARITHMETIC: Final = (
    "Add", "Div", "Max", "Mean", "Min", "Mul", "PRelu", "Pow", "Sub", "Sum",
)  # fmt: skip
_COMPARE: Final = (
    "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or",
)  # fmt: skip
_REDUCE: Final = (
    "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
    "ReduceSumSquare",
)  # fmt: skip

# All their inputs are of one element type.
_ONE_TYPE: Final = frozenset({
    *_ARITHMETIC, *_COMPARE, "BatchNormalization", "Clip", "Concat", "Conv", "ConvTranspose", "Gemm",
    "GroupNormalization", "InstanceNormalization", "LayerNormalization", "MatMul",
}) - {"Pow"}  # fmt: skip

RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(_SAME, compute.same),
    **dict.fromkeys(_ARITHMETIC, compute.arithmetic),
    **dict.fromkeys(_COMPARE, compute.compare),
    **dict.fromkeys(_REDUCE, compute.reduce_),
    "ArgMax": compute.arg_reduce,
    "ArgMin": compute.arg_reduce,
    "AveragePool": compute.pool,
    "Cast": compute.cast,
    "Concat": layout.concat,
    "Constant": layout.constant,
    "ConstantOfShape": layout.constant_of_shape,
    "Conv": compute.conv,
    "ConvTranspose": compute.conv_transpose,
    "DequantizeLinear": compute.dequantize_linear,
    "DepthToSpace": layout.depth_to_space,
    "Expand": layout.expand,
    "Flatten": layout.flatten,
    "Gather": layout.gather,
    "GatherND": layout.gather_nd,
    "Gemm": compute.gemm,
    "GlobalAveragePool": compute.global_pool,
    "GlobalMaxPool": compute.global_pool,
    "Identity": compute.identity,
    "MatMul": compute.matmul,
    "MaxPool": compute.pool,
    "Pad": layout.pad,
    "Range": layout.range_,
    "Reshape": layout.reshape,
    "Resize": layout.resize,
    "Shape": layout.shape,
    "Slice": layout.slice_,
    "SpaceToDepth": layout.space_to_depth,
    "Split": layout.split,
    "Squeeze": layout.squeeze,
    "Tile": layout.tile,
    "Transpose": layout.transpose,
    "Unsqueeze": layout.unsqueeze,
    "Where": compute.where,
}


def infer(node: Node, inputs: Sequence[Value | None]) -> tuple[Value, ...]:
    """The results of a node, one for each of its outputs.

    Raises MisfitError if the node does not fit its operator, or gives something empty or of too many axes.
    """
    _check_inputs(node.operator, inputs)
    try:
        found = RULES[node.operator](node, *inputs)
    except MisfitError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A rule that stumbles over a node has met inputs or attributes that the operator does not have.
        raise MisfitError("its inputs or attributes are not those of the operator") from error
    results = found if isinstance(found, tuple) else (found,)
    if len(results) != len(node.outputs):
        raise MisfitError(f"it has {len(node.outputs)} outputs instead of {len(results)}")
    for result in results:
        if len(result.shape) > MAX_RANK or (min(result.shape, default=1) < 1 and result.known is None):
            raise MisfitError(f"a result of shape {result.shape}")
    return results


def _check_inputs(operator: str, inputs: Sequence[Value | None]) -> None:
    """Raise MisfitError for too few or too many inputs, or such of several types."""
    least, most = _INPUTS.get(operator, (1, 1) if operator in _SAME else (0, len(inputs)))
    if not least <= len(inputs) <= most:
        raise MisfitError(f"its inputs are not those of the operator: {len(inputs)} instead of {least} to {most}")
    if operator in _ONE_TYPE and len({value.dtype for value in inputs if value}) > 1:
        raise MisfitError("its inputs are of several element types")


def work(node: Node, inputs: Sequence[Value | None], results: Sequence[Value]) -> int:
    """About how many multiplications the node takes."""
    outputs = sum(result.count for result in results)
    first, second = (*inputs, None, None)[:2]
    if first and second and node.operator in ("Conv", "ConvTranspose"):
        return (outputs if node.operator == "Conv" else first.count) * math.prod(second.shape[1:])
    if first and second and node.operator in ("MatMul", "Gemm"):
        return outputs * first.shape[0 if node.whole("transA", 0) else -1]
    window = math.prod(node.wholes("kernel_shape", ()))
    return outputs * window + sum(value.count for value in inputs if value)


def workspace(node: Node, inputs: Sequence[Value | None], results: Sequence[Value]) -> int:
    """The elements a node needs beside its inputs and results.

    A transposed convolution lays out its products first; a smoothed resize does rows and columns one after the other.
    """
    first, second = (*inputs, None, None)[:2]
    if first and second and node.operator == "ConvTranspose":
        return math.prod(first.shape[2:]) * math.prod(second.shape[1:])
    if first and node.operator == "Resize" and node.whole("antialias", 0):
        (given, made), planes = (first.shape[2:], results[0].shape[2:]), math.prod(first.shape[:2])
        return planes * max(given[0] * made[1], made[0] * given[1])
    return 0
