"""Running a checkpoint's graphs with ONNX Runtime: no plugin, no PyTorch, no code of the checkpoint's."""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from zoo.checkpoints.onnx.file import WEIGHTS_FILE
from zoo.checkpoints.onnx.graphs import COST_VARIABLE, Trace, trace
from zoo.checkpoints.onnx.operators.values import FLOAT, Value
from zoo.errors import UnsafeFileError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.catalog.interface import RoleName
    from zoo.catalog.ports import Shape
    from zoo.checkpoints.format import Checkpoint

FATAL_ONLY = 4

onnxruntime.set_default_logger_severity(FATAL_ONLY)
onnxruntime.disable_telemetry_events()


class OnnxBackend:
    """One session for each graph, opened when it is first run, from the very bytes that were verified."""

    name = "onnx"

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        """`device` is "auto" (CUDA where this ONNX Runtime has it), "cpu" or "cuda"; UsageError for another."""
        self.checkpoint = checkpoint
        self._providers = _providers(device)
        self._sessions: dict[RoleName, onnxruntime.InferenceSession] = {}
        self._traced: dict[tuple[RoleName, tuple[Shape, ...]], Trace] = {}
        self._lock = Lock()
        self._threads = 0

    def run(self, role: RoleName, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run the graph of a role on a batch; see `Backend.run`.

        A batch that would need more memory than `zoo.checkpoints.onnx.graphs` allows is run in parts, the largest that
        don't. Raises UsageError for inputs the graph does not take, or where one item alone would need more, and
        UnsafeFileError where the runtime refuses the graph.
        """
        step = self._at_once(role, tuple(array.shape for array in inputs))
        count = len(inputs[0])
        if count <= step:
            return self._run(role, *inputs)
        starts = range(0, count, step)
        runs = [self._run(role, *(array[start : start + step] for array in inputs)) for start in starts]
        return tuple(map(np.concatenate, zip(*runs, strict=True)))

    def _run(self, role: RoleName, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """One run of a graph, its answers of the shapes that its operators give."""
        expected = self._expected(role, tuple(array.shape for array in inputs))
        session = self._session(role)
        arrays = (np.ascontiguousarray(array, np.float32) for array in inputs)
        names = (port.name for port in session.get_inputs())
        try:
            outputs = session.run(None, dict(zip(names, arrays, strict=True)))
        except Exception as error:
            raise self._refused(role, error) from error
        found = tuple(output.shape for output in outputs)
        if found != expected:
            raise UnsafeFileError(f"{self._file(role)} gave {found} where its operators give {expected}")
        return tuple(outputs)

    def limit_threads(self, threads: int) -> None:
        """Threads of each session that is opened from now on; ONNX Runtime takes all cores otherwise."""
        self._threads = threads

    def _at_once(self, role: RoleName, shapes: tuple[Shape, ...]) -> int:
        """How many items of a batch one run may take: all, or as many as the memory that is allowed; at least 1."""

        def too_large(count: int) -> bool:
            return self._trace(role, tuple((count, *shape[1:]) for shape in shapes)).too_large

        if not self._trace(role, shapes).too_large:
            return shapes[0][0]
        # What a run needs grows with its batch, so the largest that is allowed is found by halving.
        return max(1, bisect_left(range(1, shapes[0][0]), True, key=too_large))

    def _expected(self, role: RoleName, shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The shapes a run will give, or an error before anything is computed."""
        found = self._trace(role, shapes)
        if found.too_large:
            given = ", ".join(map(str, shapes))
            raise UsageError(
                f"{self._file(role)} would need {found.peak / 2**30:.1f} GiB for an input of shape {given}; "
                f"use a smaller picture ({COST_VARIABLE}=4 allows more)"
            )
        return found.outputs

    def _trace(self, role: RoleName, shapes: tuple[Shape, ...]) -> Trace:
        """What a run on inputs of these shapes gives and costs; UsageError if the graph does not take them."""
        key = (role, shapes)
        if key not in self._traced:
            _, graph = self.checkpoint.graph(role)
            given, ports = ", ".join(map(str, shapes)), graph.inputs
            fits = (
                port.fits(Value(FLOAT, shape)) and 0 not in shape for port, shape in zip(ports, shapes, strict=False)
            )
            if len(shapes) != len(ports) or not all(fits):
                wanted = ", ".join(str(port.dims) for port in ports)
                raise UsageError(f"{self._file(role)} takes {wanted}, not an array of shape {given}")
            try:
                self._traced[key] = trace(graph, *shapes)
            except UnsafeFileError as error:
                raise UsageError(f"{error}: an input of shape {given} does not fit this graph") from error
        return self._traced[key]

    def _session(self, role: RoleName) -> onnxruntime.InferenceSession:
        with self._lock:
            if role not in self._sessions:
                self._sessions[role] = self._open(role)
            return self._sessions[role]

    def _open(self, role: RoleName) -> onnxruntime.InferenceSession:
        data, _ = self.checkpoint.graph(role)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = FATAL_ONLY
        # Memory goes back after each run. Measured on a network of 6.2 million weights: the peak for eight pictures is
        # 245 MiB instead of 320, the time the same.
        options.enable_cpu_mem_arena = False
        # Threads that wait sleep: beside other work on the same cores (decoding the next picture), waiting in a loop
        # cost 10 % more processor time and made runs slower.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # One level below the highest, which copies the weights once more into its own layout: opening takes 0.05 s and
        # 105 MiB instead of 0.11 s and 150 MiB; a run takes a tenth more time.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        # Weights of int8 become float32 once, when the graph is opened. Otherwise ONNX Runtime keeps the operator, in
        # case it has kernels for whole numbers, and computes it in each run.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.intra_op_num_threads = self._threads
        # Threads that have nothing to do sleep: awake, they take the cores from whoever decodes the next picture.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = self.checkpoint.weights
        options.add_external_initializers_from_files_in_memory([WEIGHTS_FILE], [weights], [len(weights)])
        try:
            return onnxruntime.InferenceSession(data, options, providers=self._providers)
        except Exception as error:
            raise self._refused(role, error) from error

    def _refused(self, role: RoleName, error: Exception) -> UnsafeFileError:
        """ONNX Runtime's errors share no base class; the first line says what is wrong."""
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        return UnsafeFileError(f"{self._file(role)}: ONNX Runtime refuses it: {reason}")

    def _file(self, role: RoleName) -> str:
        return self.checkpoint.graph(role)[1].file


def _providers(device: str) -> list[str | tuple[str, dict[str, str]]]:
    available = onnxruntime.get_available_providers()
    if device == "cpu" or (device == "auto" and "CUDAExecutionProvider" not in available):
        return ["CPUExecutionProvider"]
    if device not in ("auto", "cuda"):
        raise UsageError(f"there is no device {device!r} for ONNX Runtime; use auto, cpu or cuda")
    if "CUDAExecutionProvider" not in available:
        raise UsageError("this ONNX Runtime has no CUDA: install onnxruntime-gpu, or use --device cpu")
    # Without TF32, so that the answers are those of a CPU.
    return [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]
