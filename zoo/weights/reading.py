"""Tensors out of the files of other programs, told by their content, renamed and checked against a network."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Set
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from zoo.arrays import Floats
from zoo.checkpoints.eight_bits import multiplied
from zoo.checkpoints.format import refuse_foreign
from zoo.errors import NotFoundError, UnsafeFileError, UsageError
from zoo.files import read_regular
from zoo.inference.backends.torch import misfits

State = Mapping[str, "Floats"]

logger = logging.getLogger("zoo.training")

HDF5 = b"\x89HDF\r\n\x1a\n"
PICKLES = (b"PK\x03\x04", b"\x80")
CHILD_SECONDS = 600
# A file may hold more than the network takes, as a discriminator beside a generator, in float64; but not without end.
SURPLUS = 4
SPARE_BYTES = 16 * 2**20
MAX_BYTES = 4 * 2**30
# What counts batches in training; nothing depends on it at use.
COUNTER = "num_batches_tracked"


def kind_of(file: Path) -> str:
    """What a file holds, by its first bytes: "safetensors", "pickle" or "keras". Raises as `import_weights`."""
    if file.exists() and not file.is_file():
        raise UsageError(f"{file} is not an ordinary file: name the file of the weights")
    head = read_regular(file, 64, str(file))
    if head is None:
        raise NotFoundError(f"there is no file {file}")
    if head[8:9] == b"{" or head[4:9] == b"\0\0\0\0{":
        return "safetensors"
    if head.startswith(HDF5):
        return "keras"
    if head.startswith(PICKLES):
        return "pickle"
    refuse_foreign(head, str(file))
    if not head:
        raise UnsafeFileError(f"{file} is empty: download it again")
    raise UnsafeFileError(f"{file} holds no weights that can be imported: safetensors, a state dict (.pth), Keras' .h5")


def room_for(network: nn.Module) -> int:
    """How many bytes a file of this network's weights may have, and its tensors in memory."""
    numbers = sum(int(tensor.numel()) for tensor in network.state_dict().values())
    return min(8 * SURPLUS * numbers + SPARE_BYTES, MAX_BYTES)


def check_size(file: Path, room: int) -> None:
    """Raise UnsafeFileError for a file that is too large for what it is to fill; nothing of it is read."""
    size = file.stat().st_size
    if size > room:
        raise UnsafeFileError(f"{file} has {size} bytes, far more than the network takes: at most {room} are read")


def read_weights(file: Path, kind: str | None = None, room: int = MAX_BYTES) -> dict[str, Floats]:
    """Every tensor of a safetensors file or a PyTorch state dict, in the file's order; `room` is how many bytes it may
    have. Raises as `import_weights`.
    """
    kind = kind or kind_of(file)
    if kind == "keras":
        raise UnsafeFileError(f"{file} is a Keras file; safetensors or a PyTorch state dict is wanted")
    check_size(file, room)
    return read_safetensors(file) if kind == "safetensors" else read_pickle(file, room)


def read_safetensors(file: Path) -> dict[str, Floats]:
    """Every tensor of floating point, or of int8 with scales, as float32; counters are left out.

    Raises UnsafeFileError.
    """
    try:
        tensors = load_file(file)
    except (SafetensorError, ValueError, OSError, KeyError, RuntimeError) as error:
        raise UnsafeFileError(
            f"{file} is not a safetensors file, or cut off or damaged ({error}): download it again"
        ) from error
    whole = {name for name, tensor in tensors.items() if tensor.dtype == torch.int8}
    floats = {name for name, tensor in tensors.items() if tensor.is_floating_point()}
    arrays = {
        name: (t if name in whole else t.float()).numpy() for name, t in tensors.items() if name in whole | floats
    }
    return {name: array for name, array in multiplied(arrays).items() if array.dtype == np.float32}


def read_pickle(file: Path, room: int = MAX_BYTES) -> dict[str, Floats]:
    """A PyTorch state dict, unpickled weights-only in a process that can do no harm here. Raises UnsafeFileError."""
    with tempfile.TemporaryDirectory(prefix="zoo-import-") as place:
        copy = Path(place) / "weights.safetensors"
        words = [sys.executable, "-m", "zoo.weights.unpickling", str(file.resolve()), str(copy), str(room)]
        try:
            done = subprocess.run(words, check=False, capture_output=True, timeout=CHILD_SECONDS, cwd=place)  # noqa: S603 (our own module, in this interpreter)
        except subprocess.TimeoutExpired as error:
            raise UnsafeFileError(f"{file}: reading it took over {CHILD_SECONDS} s; refused") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            # the last line is ours where the process ended by itself
            reason = said[-1][:500] if said and done.returncode == 1 else f"can't be read: exit {done.returncode}"
            raise UnsafeFileError(f"{file} {reason}")
        found = read_safetensors(copy)
        with safe_open(copy, "numpy") as opened:
            order = json.loads(opened.metadata()["order"])
            remark = opened.metadata()["remark"]
        if remark:
            logger.info(f"{file}: {remark}")
        return {name: found[name] for name in order if name in found}


def renamed(given: State, network: nn.Module, names: Mapping[str, str]) -> dict[str, Floats]:
    """The tensors under the network's own names, where they are not already; those named "" are left out."""
    own = set(network.state_dict())
    kept = {name: array for name, array in given.items() if not name.endswith(COUNTER)}
    kept = without_prefix(kept, own | names.keys())
    if kept.keys() <= own or not names:
        return kept
    renamed = ((names.get(name, name), array) for name, array in kept.items())
    return _with_plain_norms({name: array for name, array in renamed if name}, network)


def without_prefix(state: State, known: Set[str]) -> dict[str, Floats]:
    """The tensors without what wrappers put before all their names (`module.`, `_orig_mod.`, `netG.`, ...).

    As many parts that all names share are taken off as make most of them known; none if that changes nothing.
    """
    best = shorter = dict(state)
    while len({name.partition(".")[0] for name in shorter}) == 1 and all("." in name for name in shorter):
        shorter = {name.partition(".")[2]: array for name, array in shorter.items()}
        if len(shorter.keys() & known) > len(best.keys() & known):
            best = shorter
    return best


def _with_plain_norms(state: dict[str, Floats], network: nn.Module) -> dict[str, Floats]:
    """Instance norm without parameters, PyTorch's default, is the one of weights 1 and biases 0: all of it or none."""
    norms = {
        f"{name}.{part}": np.full(module.num_features, value, np.float32)
        for name, module in network.named_modules()
        if isinstance(module, nn.InstanceNorm2d) and module.affine
        for part, value in (("weight", 1.0), ("bias", 0.0))
    }
    return state if norms.keys() & state.keys() else {**norms, **state}


def require_finite(state: State, file: str) -> None:
    """Raise UnsafeFileError, naming the first tensor that holds NaN or infinity."""
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise UnsafeFileError(f"{file}: tensor {name} holds NaN or infinity: no network works with these weights")


def fill(network: nn.Module, state: State, file: str, whose: str = "the family's network") -> None:
    """Load every weight. Raises UnsafeFileError, naming what is missing, left over, of another shape or not finite."""
    faults = misfits(network, {name: tuple(array.shape) for name, array in state.items()})
    if faults:
        raise UnsafeFileError(f"{file} does not fit {whose}; {'; '.join(faults)}")
    require_finite(state, file)
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()}, strict=False)
