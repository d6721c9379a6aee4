"""A process of its own, a PyTorch state dict as safetensors: `python -m zoo.weights.unpickling IN OUT ROOM`.

`weights_only=True` builds nothing but tensors and plain containers. It has been got round before (torch below 2.10), so
what reads an untrusted pickle is a process that holds nothing, ends at once, and has no more memory and disk than
tensors of so many bytes need, where the system can be told so.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from zoo.errors import UnsafeFileError
from zoo.weights.state_tables import ADVICE, choose_table

DAMAGED = "is cut off or damaged: download it again"
ZIP = b"PK\x03\x04"
SPARE_BYTES = 256 * 2**20


def main(source: str, target: str, room: str = str(4 * 2**30)) -> None:
    """Read one file and write the other; the last line of standard error says what is wrong with the file."""
    try:
        _check_zip(Path(source))
        found = torch.load(source, map_location="cpu", weights_only=True)
        chosen, remark = choose_table(found)
    except UnsafeFileError as error:
        sys.exit(" ".join(str(error).split()))
    except Exception as error:  # pickle, zip and torch raise what they like
        sys.exit(_why(str(error)))
    total = sum(tensor.numel() * tensor.element_size() for tensor in chosen.values())
    if total > int(room):  # a small file may hold one number, and say that it stands for thousands of millions
        sys.exit(f"holds tensors of {total} bytes, far more than the network takes: at most {room} are read")
    try:
        tensors = {name: tensor.detach().clone().contiguous() for name, tensor in chosen.items()}
        # safetensors sorts its tensors; some files can only be told by their order
        save_file(tensors, target, metadata={"order": json.dumps(list(tensors)), "remark": remark})
    except Exception as error:
        sys.exit(f"holds tensors that can't be imported, sparse or quantized or without data: {type(error).__name__}")


def _check_zip(file: Path) -> None:
    """Raise UnsafeFileError for a zip that is none of torch.save's, or damaged: torch ignores its checksums."""
    with file.open("rb") as opened:
        if opened.read(4) != ZIP:
            return
    try:
        with zipfile.ZipFile(file) as members:
            names = members.namelist()
            wrong = [name for name in names if not _is_whole(members, name)]
    except Exception as error:
        raise UnsafeFileError(DAMAGED) from error
    if any(name.endswith(".weights.h5") for name in names):
        weights = f"keras.models.load_model('{file.name}').save('{file.stem}.h5')"
        raise UnsafeFileError(f"is a whole model of Keras 3 (.keras): save it as .h5 in Keras, by {weights}")
    if any(name.endswith("/constants.pkl") for name in names):
        raise UnsafeFileError(f"is a TorchScript program (torch.jit.save), no state dict: {ADVICE}")
    if not any(name.rpartition("/")[2] == "data.pkl" for name in names):
        if names and all(name.endswith(".npy") for name in names):
            raise UnsafeFileError(f"is an .npz of numpy, no state dict of torch.save: {ADVICE}")
        raise UnsafeFileError("is a zip, but none of torch.save: unpack it, and name the file of the weights in it")
    if 0 < len(wrong) < len(names):  # all of them: it was saved without checksums
        raise UnsafeFileError(DAMAGED)


def _is_whole(members: zipfile.ZipFile, name: str) -> bool:
    try:
        with members.open(name) as opened:
            while opened.read(2**20):
                pass
    except zipfile.BadZipFile:
        return False
    return True


def _why(said: str) -> str:
    """What torch's refusal means, in one line."""
    named = re.search(r"GLOBAL ([\w.]{1,200})", said)
    if named:
        return f"holds {named[1]} besides tensors, and nothing but tensors is unpickled: {ADVICE}"
    if "WeightsUnpickler" in said:
        return f"is no state dict of torch.save, or cut off or damaged: download it again, or {ADVICE}"
    return DAMAGED


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
    limit(int(sys.argv[3]))
    main(*sys.argv[1:])
