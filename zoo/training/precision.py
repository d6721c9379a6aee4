"""`precision = "auto"`: the precision, and the memory layout, whose steps take the least time here.

Half the width is not always half the time: on a CPU it depends on its instructions, and on the shapes of the layers.
"""

from __future__ import annotations

import copy
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import cast

import torch
from msgspec.structs import replace
from torch.utils.data import DataLoader

from zoo.errors import TrainingError
from zoo.recipes.recipe import Recipe, TrainTable
from zoo.training.data import Examples, Order
from zoo.training.items import Item
from zoo.training.objective import Batch, Objective
from zoo.training.processes import processes
from zoo.training.subnetworks import Subnetworks
from zoo.weights.reading import State

TIMED = 5  # steps of a candidate after the first, which also sets things up
STEP_SECONDS = 0.5  # batches are cut until a step takes about this long
LIMIT_SECONDS = 20.0  # no further candidate is begun after so long; each has its share, and at least one step
SLOWER = 2.0  # a candidate that takes this many times as long as the fastest is given up,
GRACE_SECONDS = 1.0  # but not before so long: its first step sets things up
GAIN = 0.9  # a candidate must need less than this share of the time of those before it, which are more precise


def settle(
    recipe: Recipe,
    objective: Objective,
    starts: Mapping[str, State],
    order: Order,
    loader: DataLoader[Item],
    record: Path,
) -> tuple[Recipe, str]:
    """The recipe with what `auto` stands for here, and what there is to say of it; timings are written to `record`.

    The networks that are timed are thrown away: neither the weights of the run nor what is drawn in it changes.
    """
    tables, seconds = candidates(recipe.train), dict[str, float]()
    if recipe.train.precision != "auto":
        return replace(recipe, train=tables[0]), _moved(record, tables[0])
    if len(tables) > 1:
        examples = cast(Examples, loader.dataset)
        batches = [_batch(examples.__getitems__(keys)) for keys in islice(order, 2)]
        seconds = timings(recipe, tables, objective, starts, batches)
    table = fastest(tables, seconds)
    found = {name: round(value, 5) if math.isfinite(value) else None for name, value in seconds.items()}
    facts = {"precision": table.precision, "channels_last": table.channels_last, "hardware": hardware()}
    if processes().is_main_process:
        record.write_text(json.dumps(facts | {"seconds_per_step": found}, indent=2) + "\n", encoding="utf-8")
    listed = ", ".join(f"{name} {value:.3g} s" for name, value in seconds.items())
    reason = f"a step took: {listed}" if listed else "there is no other to try here"
    return replace(recipe, train=table), f"{described(table)} is used; {reason}"


def _moved(record: Path, table: TrainTable) -> str:
    """What to say of a choice that was made on another machine; it is kept, since weights would differ without it."""
    try:
        there = json.loads(record.read_text(encoding="utf-8"))["hardware"]
    except (OSError, ValueError, KeyError, TypeError):  # nothing was chosen here, or the file is damaged
        return ""
    return "" if there == hardware() else f"{described(table)} is kept, as chosen on {there} where the run began"


def as_chosen(recipe: Recipe, table: TrainTable) -> Recipe:
    """The recipe with what it leaves open as a run of it has it."""
    given = recipe.train
    if given.precision != "auto":
        return replace(recipe, train=candidates(given)[0])
    layout = table.channels_last if given.channels_last is None else given.channels_last
    return replace(recipe, train=replace(given, precision=table.precision, channels_last=layout))


def candidates(table: TrainTable) -> list[TrainTable]:
    """What the table may stand for on this machine, the most precise first; float32 alone with several processes."""
    if table.precision != "auto":
        return [replace(table, channels_last=bool(table.channels_last))]
    layouts = (False, True) if table.channels_last is None else (table.channels_last,)
    found = [replace(table, precision=name, channels_last=layout) for name in _precisions() for layout in layouts]
    return found[:1] if processes().num_processes > 1 else found


def _precisions() -> tuple[str, ...]:
    device = processes().device.type
    if device == "cuda":
        return ("float32", "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16")
    # A CPU without instructions for bfloat16 emulates it: one step may take longer than all timing should.
    emulated = bool(_cpuinfo()) and "bf16" not in _cpuinfo()
    return ("float32", "bf16") if device == "cpu" and not emulated else ("float32",)


def _cpuinfo() -> str:
    """What Linux says of the processor, its instructions too; empty elsewhere."""
    info = Path("/proc/cpuinfo")
    return info.read_text(encoding="utf-8") if info.exists() else ""


def described(table: TrainTable) -> str:
    """A precision and layout in words."""
    return f"{table.precision} channels_last" if table.channels_last else table.precision


def fastest(tables: Sequence[TrainTable], seconds: Mapping[str, float]) -> TrainTable:
    """The candidate to take, by the seconds of a step of those that were timed; the first if none is possible."""
    best = tables[0]
    for table in tables[1:]:
        if seconds.get(described(table), math.inf) < GAIN * seconds.get(described(best), math.inf):
            best = table
    return best


def timings(
    recipe: Recipe,
    tables: Sequence[TrainTable],
    objective: Objective,
    starts: Mapping[str, State],
    batches: Sequence[Batch],
) -> dict[str, float]:
    """Seconds of a step by candidate, infinite where a step failed or a loss was not finite; slow ones are cut short.

    A precision that is clearly slower in one layout is not tried in the other. The first candidate's first step says
    how much of the batches is used.
    """
    ends = perf_counter() + LIMIT_SECONDS
    found: dict[str, float] = {}
    slow: set[str] = set()
    for place, table in enumerate(tables):
        if table.precision in slow or perf_counter() > ends:
            continue
        share = (ends - perf_counter()) / (len(tables) - place)
        subnetworks = Subnetworks(replace(recipe, train=table), copy.copy(objective), starts, 1)
        if not found:
            batches = _cut(batches, _seconds(subnetworks, batches, 1, ends)[0])
        least = min(found.values(), default=math.inf)
        most = min(share, max(GRACE_SECONDS, SLOWER * (1 + TIMED) * least))
        taken = _seconds(subnetworks, batches, 1 + TIMED, perf_counter() + most)
        found[described(table)] = min(taken[1:] or taken)
        if found[described(table)] > SLOWER * least:
            slow.add(table.precision)
    return found


def _seconds(subnetworks: Subnetworks, batches: Sequence[Batch], steps: int, ends: float) -> list[float]:
    """Seconds of each step, up to the one that passes the time `ends`; one infinite number if a step fails."""
    taken: list[float] = []
    for number in range(steps):
        began = perf_counter()
        try:
            subnetworks.step(batches[number % len(batches)].to(subnetworks.accelerator.device), number)
            if subnetworks.accelerator.device.type == "cuda":
                torch.cuda.synchronize()
        except (TrainingError, RuntimeError):  # PyTorch's own, for what a precision lacks or the memory can't hold
            return [math.inf]
        taken.append(perf_counter() - began)
        if perf_counter() > ends:
            break
    return taken


def _batch(item: Item) -> Batch:
    return Batch(item.input, item.target, item.labels if item.labels.numel() else None, 0.0)


def _cut(batches: Sequence[Batch], seconds: float) -> list[Batch]:
    """The first examples of each batch, at least 4, so that a step takes about `STEP_SECONDS`."""
    keep = [max(4, int(len(b.target) * min(1.0, STEP_SECONDS / seconds))) for b in batches]
    return [
        Batch(b.input[:n], b.target[:n], None if b.labels is None else b.labels[:n], b.epoch)
        for b, n in zip(batches, keep, strict=True)
    ]


def hardware() -> str:
    """What a run is made on: processor, cores and accelerator."""
    known = platform.processor() or platform.machine()
    lines = _cpuinfo().splitlines()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), known)
    cores = f"{name}, {os.cpu_count()} cores"
    return f"{torch.cuda.get_device_name()} with {cores}" if torch.cuda.is_available() else cores
