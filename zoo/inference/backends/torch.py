"""Running a checkpoint's weights in its family's own PyTorch network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.catalog.families import configured
from zoo.catalog.registry import load_object
from zoo.errors import UnsafeFileError, UsageError
from zoo.inference.backends.mixture import MixturePrior, method, split_prior

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zoo.catalog.interface import RoleName
    from zoo.catalog.spec import Family
    from zoo.checkpoints.format import Checkpoint

NAMED = 5


class TorchBackend:
    """The network in eval mode, with the checkpoint's weights in float32."""

    name = "torch"

    def __init__(self, checkpoint: Checkpoint, family: Family, device: str = "auto") -> None:
        """Build the network and load every weight strictly.

        Raises UnsafeFileError where weights are missing, left over or of another shape than the family's network has.
        """
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        try:
            self.device = torch.device(chosen)
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"no device {device!r} here: use --device cpu") from error
        build, config = load_object(family.network), configured(family, checkpoint.config.config)
        # First without memory: a hostile configuration must cost nothing before its shapes are compared.
        with torch.device("meta"):
            skeleton = build(config)
        weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in checkpoint.arrays().items()}
        prior: dict[str, torch.Tensor] = {}
        if not hasattr(skeleton, "sample"):
            weights, prior = split_prior(weights)
        _compare(skeleton, weights, checkpoint.origin)
        network = build(config)
        network.load_state_dict(weights, strict=False)  # what is not compared are counters, which eval mode ignores
        if prior:
            network.add_module("prior", MixturePrior(prior))
        self.network = network.eval().to(self.device)

    def run(self, role: RoleName, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Call the network's method of that name."""
        with torch.inference_mode():
            tensors = (torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for array in inputs)
            answer = method(self.network, role)(*tensors)
        answers = answer if isinstance(answer, tuple) else (answer,)
        return tuple(tensor.float().cpu().numpy() for tensor in answers)

    def limit_threads(self, threads: int) -> None:
        """Threads of PyTorch, in this whole process."""
        torch.set_num_threads(threads)


def misfits(network: torch.nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What keeps weights of these shapes from being the network's: how many of each kind, and the first five names.

    Counters, which nothing depends on at use, are not compared.
    """
    state = network.state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in state.items() if tensor.is_floating_point()}
    wrong = [
        f"{name} is {shapes[name]} instead of {expected[name]}"
        for name in sorted(expected.keys() & shapes.keys())
        if shapes[name] != expected[name]
    ]
    kinds = (
        ("missing", sorted(expected.keys() - shapes.keys())),
        ("left over", sorted(shapes.keys() - expected.keys())),
        ("of another shape", wrong),
    )
    return [f"{len(names)} {kind}: {', '.join(names[:NAMED])}" for kind, names in kinds if names]


def _compare(network: torch.nn.Module, weights: dict[str, torch.Tensor], origin: str) -> None:
    faults = misfits(network, {name: tuple(tensor.shape) for name, tensor in weights.items()})
    if faults:
        raise UnsafeFileError(f"{origin}: the weights don't match the family's network; {'; '.join(faults)}")
