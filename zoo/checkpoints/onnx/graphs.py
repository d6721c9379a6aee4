"""What an untrusted ONNX graph may do, settled before the runtime sees it.

`trace` follows a graph by shapes alone: given the shape of its input it knows the exact shape of every value, since
every operator has a rule for that (see `zoo.checkpoints.onnx.operators`) and no size may depend on what is in a
picture. So the zoo knows what a run will cost before it allocates anything, and refuses what a small laptop has not:

* 1 GiB for any one value (`MAX_VALUE_BYTES`),
* 2 GiB for the values that are needed at one time (`MAX_PEAK_BYTES`), those made of weights alone all the time,
* 8 GiB for all values of a run together, as if none were ever freed (`MAX_TOTAL_BYTES`),

when a checkpoint is opened (two inputs of the declared size, or of about 64 pixels a side where the size is free) and
again before each run, for the input at hand. On opening, a run may also take at most 2**40 multiplications
(`MAX_WORK`), about a minute on two cores. ZOO_MAX_COST=4 allows four times as much of everything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.catalog.interface import Interface, RoleName
from zoo.catalog.ports import FreeShape, Shape, agrees
from zoo.catalog.ports import Port as Promise
from zoo.checkpoints.onnx.file import Graph, Port, read_graph
from zoo.checkpoints.onnx.operators import MisfitError, infer, work, workspace
from zoo.checkpoints.onnx.operators.values import FLOAT, ITEM_BYTES, Value
from zoo.checkpoints.safetensors_header import TensorInfo
from zoo.errors import UnsafeFileError, UsageError

MAX_VALUE_BYTES = 2**30
MAX_TOTAL_BYTES = 2**33
MAX_PEAK_BYTES = 2**31
MAX_WORK = 2**40
COST_VARIABLE = "ZOO_MAX_COST"

PROBE_BATCH = 2
PROBE_SIDE = 64
PROBE_LATENT_SIDE = 16


@dataclass(frozen=True)
class Trace:
    """What one run gives and costs: the outputs' shapes, bytes of the largest value, of all, and of those that are
    needed at one time, and multiplications.
    """

    outputs: tuple[Shape, ...]
    largest: int
    total: int
    peak: int
    work: int

    @property
    def too_large(self) -> bool:
        """Whether the run needs more memory than the zoo allows."""
        bounds = (self.largest, MAX_VALUE_BYTES), (self.total, MAX_TOTAL_BYTES), (self.peak, MAX_PEAK_BYTES)
        return any(found > most * allowance() for found, most in bounds)


def allowance() -> float:
    """How many times as much as usual a run may cost. Raises UsageError if the variable is no number from 1 to 1000."""
    text = os.environ.get(COST_VARIABLE) or "1"
    try:
        times = float(text)
    except ValueError:
        times = 0.0
    if not 1 <= times <= 1000:
        raise UsageError(f"{COST_VARIABLE}={text} is no number from 1 to 1000")
    return times


def trace(graph: Graph, *shapes: Shape) -> Trace:
    """Follow a graph for inputs of these shapes, batch included.

    Raises UnsafeFileError if a node does not fit its operator, or a size is not known from shapes and constants alone.
    """
    given = {port.name: Value(FLOAT, shape) for port, shape in zip(graph.inputs, shapes, strict=True)}
    values = {**graph.constants, **given}
    largest = total = multiplications = 0
    memory = _Memory(graph, {name: 4 * value.count for name, value in given.items()})
    for number, node in enumerate(graph.nodes):
        inputs = [values[name] if name else None for name in node.inputs]
        try:
            results = infer(node, inputs)
        except MisfitError as error:
            raise UnsafeFileError(f"{graph.file}: node {number} ({node.operator}): {error}") from error
        values.update(zip(node.outputs, results, strict=True))
        # The runtime computes narrow types as float32 where it has no code of their own.
        sizes = [result.count * max(4, ITEM_BYTES[result.dtype]) for result in results]
        sizes.append(4 * workspace(node, inputs, results))
        largest, total = max(largest, *sizes), total + sum(sizes)
        memory.run(number, sizes)
        multiplications += work(node, inputs, results)
    for port in (*graph.declared, *graph.outputs):
        if port.name in values and not port.fits(values[port.name]):
            shape = values[port.name].shape
            raise UnsafeFileError(f"{graph.file} declares {port.name!r} as {port.dims}, but it has shape {shape}")
    return Trace(tuple(values[port.name].shape for port in graph.outputs), largest, total, memory.peak, multiplications)


class _Memory:
    """Follows which values a run holds: each from the node that makes it to the last that needs it.

    What is made of weights alone is held all the time, since the runtime computes it once, when it opens the graph.
    """

    def __init__(self, graph: Graph, given: Mapping[str, int]) -> None:
        self._nodes = graph.nodes
        self._last = {name: number for number, node in enumerate(graph.nodes) for name in node.inputs}
        self._last |= {port.name: len(graph.nodes) for port in graph.outputs}
        self._fixed = set(graph.constants)
        self._held = dict(given)
        self.now = self.peak = sum(self._held.values())

    def run(self, number: int, sizes: Sequence[int]) -> None:
        """A node has run; `sizes` are those of what it made, then of what it needed meanwhile."""
        node, (*made, meanwhile) = self._nodes[number], sizes
        self.now += sum(made)
        self.peak = max(self.peak, self.now + meanwhile)
        if all(name in self._fixed for name in node.inputs if name):
            self._fixed.update(node.outputs)
            return
        self._held |= dict(zip(node.outputs, made, strict=True))
        for name in {*node.inputs, *node.outputs}:
            if self._last.get(name, number) <= number:
                self.now -= self._held.pop(name, 0)


def check_graph(
    file: str, data: bytes, tensors: Mapping[str, TensorInfo], role: RoleName, interface: Interface
) -> Graph:
    """Read a graph and make sure that it is safe to run and does what `interface` promises for `role`.

    `file` is its name in messages, `tensors` the header of the weights it points into. Raises UnsafeFileError.
    """
    graph, inputs = read_graph(file, data, tensors), interface.inputs(role)
    outputs = interface.outputs(role, len(graph.outputs))
    _check_ports(graph, inputs, outputs)
    given = tuple(map(_probe, inputs))
    found = trace(graph, *given)
    for port, shape in zip(outputs, found.outputs, strict=True):
        if not agrees((PROBE_BATCH, *port.shape), shape):
            raise UnsafeFileError(
                f"{file}: {port.name!r} has shape {shape[1:]} for each item, config.json says {port.shape}"
            )
    if inputs[0].kind == outputs[0].kind == "image" and None in outputs[0].shape:
        _check_size(file, interface.scale(role), given[0], found.outputs[0])
    if found.too_large:
        raise UnsafeFileError(
            f"{file} needs {found.largest / 2**20:.0f} MiB for one value and {found.total / 2**20:.0f} MiB in all, "
            f"{found.peak / 2**20:.0f} at one time; at most {MAX_VALUE_BYTES / 2**20:.0f}, "
            f"{MAX_TOTAL_BYTES / 2**20:.0f} and {MAX_PEAK_BYTES / 2**20:.0f} are allowed; {COST_VARIABLE}=4 allows more"
        )
    if found.work > MAX_WORK * allowance():
        raise UnsafeFileError(
            f"{file} needs {found.work:.1e} multiplications for two pictures, at most {MAX_WORK:.1e} are allowed; "
            f"{COST_VARIABLE}=4 allows more"
        )
    return graph


def _check_size(file: str, scale: int, given: Shape, made: Shape) -> None:
    """An image of free size comes back `scale` times as high and wide."""
    if made[2:] != tuple(scale * side for side in given[2:]):
        wanted = "keep its size" if scale == 1 else f"become {scale} times as large"
        raise UnsafeFileError(f"{file}: a picture of free size does not {wanted}")


def _check_ports(graph: Graph, inputs: Sequence[Promise], outputs: Sequence[Promise]) -> None:
    """Names, element types and declared sizes are those promised; the batch is free."""
    wanted, names = [port.name for port in inputs], [port.name for port in outputs]
    if [port.name for port in graph.inputs] != wanted:
        raise UnsafeFileError(f"{graph.file} must have the inputs {', '.join(wanted)}, and no other")
    found = [port.name for port in graph.outputs]
    if found != names:
        raise UnsafeFileError(f"{graph.file} has outputs {', '.join(found)}; expected: {', '.join(names)}")
    for port, promise in zip((*graph.inputs, *graph.outputs), (*inputs, *outputs), strict=True):
        _check_port(graph, port, promise.shape)


def _check_port(graph: Graph, port: Port, item: FreeShape) -> None:
    if port.dtype != FLOAT:
        raise UnsafeFileError(f"{graph.file}: {port.name!r} is not float32")
    if len(port.dims) != len(item) + 1 or port.dims[0] is not None:
        raise UnsafeFileError(f"{graph.file}: {port.name!r} must have {len(item) + 1} axes, the first one free")
    sizes = zip(port.dims[1:], item, strict=True)
    if any(declared is not None and declared != size for declared, size in sizes):
        raise UnsafeFileError(f"{graph.file}: {port.name!r} is declared as {port.dims[1:]}, config.json says {item}")


def _probe(port: Promise) -> Shape:
    """The shape of a small batch for an input: of declared size, else of the multiple nearest above a usual side."""
    side = PROBE_SIDE if port.kind == "image" else PROBE_LATENT_SIDE
    free = -(-side // port.multiple) * port.multiple
    return (PROBE_BATCH, *(length or free for length in port.shape))
