"""What executes a checkpoint: one small protocol, and a backend for each runtime, imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from zoo.errors import PluginError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.catalog.interface import RoleName
    from zoo.catalog.spec import Family
    from zoo.checkpoints.format import Checkpoint


class Backend(Protocol):
    """Runs the graphs of one checkpoint."""

    name: str

    def run(self, role: RoleName, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run the graph of a role on a batch: arrays (N, *item) in and out, float32, in the order of the interface's
        inputs and outputs.

        Raises UnsupportedCapability if the checkpoint has no such graph.
        """

    def limit_threads(self, threads: int) -> None:
        """Use at most so many threads for one run, where several run at once; call it before the first."""


def open_backend(
    name: Literal["onnx", "torch"], checkpoint: Checkpoint, device: str = "auto", family: Family | None = None
) -> Backend:
    """A backend for a checkpoint; `torch` needs the checkpoint's family.

    Raises UsageError for an unknown backend or device, PluginError where PyTorch is not installed.
    """
    if name == "onnx":
        from zoo.inference.backends.onnx import OnnxBackend

        return OnnxBackend(checkpoint, device)
    if name != "torch":
        raise UsageError(f"there is no backend {name!r}; use onnx or torch")
    if family is None:
        raise PluginError(f"the torch backend needs the family {checkpoint.config.family!r}; install its plugin")
    try:
        from zoo.inference.backends.torch import TorchBackend
    except ModuleNotFoundError as error:
        raise PluginError("the torch backend needs PyTorch: pip install 'latent-zoo[train]', or use onnx") from error
    return TorchBackend(checkpoint, family, device)
