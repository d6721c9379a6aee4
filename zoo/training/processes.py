"""The processes that train together, as Accelerate or torchrun has started them: one, if nobody did."""

from __future__ import annotations

import torch
from accelerate.state import PartialState


def processes() -> PartialState:
    """Accelerate's view of them; the first time it is asked for, it finds the others.

    It joins processes on the CPU only if it is told to stay there, which is so on a machine without accelerators.
    """
    return PartialState(cpu=not torch.accelerator.is_available())
