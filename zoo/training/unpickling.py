"""A process of its own that turns a PyTorch state dict into safetensors: `python -m zoo.training.unpickling IN OUT`.

`weights_only=True` builds nothing but tensors and plain containers. It has been got round before (torch below 2.10), so
what reads a stranger's pickle is a process that holds nothing and ends at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

import torch
from safetensors.torch import save_file

# Under which name training scripts put the weights beside other things.
WRAPPERS = ("state_dict", "model", "params")


def main(source: str, target: str) -> None:
    """Read one file and write the other; the last line of standard error says what went wrong."""
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch raise what they like
        sys.exit(f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}")
    for name in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if not isinstance(found, Mapping) or not found:
        sys.exit(f"it holds a {type(found).__name__} instead of tensors by name")
    others = [str(name) for name, value in found.items() if not isinstance(value, torch.Tensor)]
    if others:
        sys.exit(f"it holds more than tensors: {', '.join(others[:5])}")
    tensors = {str(name): tensor.detach().clone().contiguous() for name, tensor in found.items()}
    # safetensors sorts its tensors; some files can only be told by their order
    save_file(tensors, target, metadata={"order": json.dumps(list(tensors))})


if __name__ == "__main__":
    main(*sys.argv[1:])
