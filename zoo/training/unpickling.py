"""A process of its own, a PyTorch state dict as safetensors: `python -m zoo.training.unpickling IN OUT ROOM`.

`weights_only=True` builds nothing but tensors and plain containers. It has been got round before (torch below 2.10), so
what reads a stranger's pickle is a process that holds nothing, ends at once, and has no more memory and disk than
tensors of so many bytes need, where the system can be told so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

# Under which name training scripts put the weights beside other things.
WRAPPERS = ("state_dict", "model", "params")
SPARE_BYTES = 256 * 2**20


def main(source: str, target: str, room: str) -> None:
    """Read one file and write the other; the last line of standard error says what went wrong."""
    limit(int(room))
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
    total = sum(tensor.numel() * tensor.element_size() for tensor in found.values())
    if total > int(room):  # a small file may hold one number, and say that it stands for thousands of millions
        sys.exit(f"its tensors have {total} bytes, far more than the network takes: at most {room} are read")
    tensors = {str(name): tensor.detach().clone().contiguous() for name, tensor in found.items()}
    # safetensors sorts its tensors; some files can only be told by their order
    save_file(tensors, target, metadata={"order": json.dumps(list(tensors))})


def limit(room: int) -> None:
    """Let this process have memory for the file and its tensors, on top of what it has now, and write no more."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        memory = pages * resource.getpagesize() + 4 * room + SPARE_BYTES
        for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, room + SPARE_BYTES)):
            resource.setrlimit(kind, (most, most))
    except (ImportError, OSError, ValueError):  # Windows has none, macOS not all of it
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
