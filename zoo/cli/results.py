"""What the latent verbs share: a model that can, what they work on, and where results go."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from zoo.cli import options as opt
from zoo.cli.console import echo, note, open_registry, progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from zoo.arrays import Floats
    from zoo.catalog.interface import Capability
    from zoo.inference.model import Model
    from zoo.jobs.encoding import Pictures
    from zoo.jobs.operands import Operand


# Decoded together, where each gets a file of its own.
AT_ONCE = 64


def open_model(
    name: str,
    backend: opt.Backend,
    device: str,
    capability: Capability | None = None,
    conditions: Sequence[str] | None = None,
) -> Model:
    """The model of a name, told its conditions. Raises UnsupportedCapability if it can't do what the verb needs."""
    from zoo.loading import load

    model = load(name, backend=backend, device=device, registry=open_registry())
    if capability:
        model.require(capability)
    return model.with_conditions(**parse_conditions(conditions))


def parse_conditions(texts: Sequence[str] | None) -> dict[str, str]:
    """What `--set NAME=VALUE` says, each name once."""
    from zoo.errors import UsageError

    given: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name or name in given:
            raise UsageError(f"--set {text}: write NAME=VALUE, each name once; `zoo info MODEL` lists the conditions")
        given[name] = value
    return given


def tag(model: Model) -> str:
    """The second part of a model's id, which its results are called after."""
    return model.id.partition(".")[2]


def operand(model: Model, text: str, *, several: bool = False) -> Operand:
    """What a word means, with a note if another model made it: it fits by its shape, not by its meaning."""
    from zoo.jobs.operands import resolve, resolve_all

    found = (resolve_all if several else resolve)(model, text)
    if found.model not in ("", model.id):
        note(f"{found.file} was made by {found.model}; to {model.id} its latents mean something else")
    if found.unlike and found.file and model.expects:
        note(model.expects.remark(model.id, (found.file.name,), 1))
    return found


def picture_files(inputs: Sequence[str], recursive: bool) -> list[Path]:
    """The picture files that words mean, each once. Raises UsageError for standard input, and as `jobs.plan` does."""
    from pathlib import Path

    from zoo.errors import UsageError
    from zoo.jobs.planning import plan

    sources = [job.source for text in inputs for job in plan([text], None, "latents", recursive)]
    paths = [source for source in sources if isinstance(source, Path)]
    if len(paths) < len(sources):
        raise UsageError("encode takes files and folders of this machine, not standard input or a store")
    return list(dict.fromkeys(paths))


def picture_target(model: Model, verb: str, out: str | None, force: bool, operands: Sequence[Operand] = ()) -> Path:
    """The picture to write, TAG-VERB.PNG unless it is said, when it is clear that it can be written there."""
    from pathlib import Path

    from zoo.files import refuse_existing
    from zoo.jobs.operands import refuse_input
    from zoo.pictures.images import writable_format

    target = Path(out or f"{tag(model)}-{verb}.png")
    if not target.is_dir():
        writable_format(target)
    refuse_input(target, [operand.file for operand in operands])
    refuse_existing(target, force)
    return target


def scale_of(text: str) -> int | None:
    """What --scale says; None for auto."""
    from zoo.errors import UsageError
    from zoo.pictures.sheets import MAX_SCALE

    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_SCALE):
        raise UsageError(f"--scale takes auto or a whole number of 1 to {MAX_SCALE}, not {text!r}")
    return int(text)


def plan_sheet(model: Model, n: int, scale: str, columns: int | None = None) -> None:
    """Refuse a sheet that would be too large, before its pictures are made."""
    from zoo.pictures.sheets import layout

    wanted, size = scale_of(scale), model.interface.gives("decode").size
    if size:
        layout(n, *size, columns=columns, scale=wanted)


def save_sheet(target: Path, pictures: Floats, scale: str, force: bool, columns: int | None = None) -> None:
    """Write pictures as one sheet, and say where."""
    from zoo.pictures.sheets import write_sheet

    write_sheet(target, pictures, columns=columns, scale=scale_of(scale), force=force)
    echo(target)


def save_singles(
    folder: str,
    names: Sequence[str],
    pictures: Iterable[Floats],
    scale: str,
    force: bool,
    operands: Sequence[Operand] = (),
) -> None:
    """Write pictures (C, H, W) into a folder, and say where each is."""
    from pathlib import Path

    from zoo.jobs.operands import refuse_input
    from zoo.pictures.sheets import write_singles

    targets = [Path(folder) / name for name in names]
    for target in targets:
        refuse_input(target, [operand.file for operand in operands])
    with progress("pictures", len(targets)) as bar:
        for path in write_singles(targets, pictures, scale=scale_of(scale) or 1, force=force):
            bar.advance()
            echo(path)


def encoded(
    model: Model, pictures: Pictures, rows: Sequence[int] | NDArray[np.int64], description: str, spread: bool = False
) -> tuple[Floats, Floats | None]:
    """The latents of some pictures, under a progress bar; with `spread`, their posteriors' standard deviations too."""
    from zoo.errors import UnsupportedCapability
    from zoo.jobs.encoding import encode_all, posterior_all

    with progress(description, len(rows)) as bar:

        def done(count: int) -> None:
            bar.at(count, len(rows))

        with suppress(UnsupportedCapability):  # an encoder that gives a point: its latents can still be looked at
            if spread:
                return posterior_all(model, pictures, rows, done)
        return encode_all(model, pictures, rows, done), None


def decoded(
    model: Model, latents: Floats, steps: int | None = None, told: Mapping[str, Any] | None = None
) -> Iterator[Floats]:
    """Pictures (C, H, W) one by one, decoded some at a time; `told` are conditions of each."""
    from zoo.inference.conditions import part

    for start in range(0, len(latents), AT_ONCE):
        stop = start + AT_ONCE
        yield from model.decode(latents[start:stop], steps=steps, **part(told or {}, start, stop))
