"""Latent verbs: what a model can do with the places of its latent space."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from zoo.cli.completion import models
from zoo.cli.console import echo, progress, report
from zoo.cli.results import (
    decoded,
    open_model,
    operand,
    picture_files,
    picture_target,
    plan_sheet,
    save_sheet,
    save_singles,
    scale_of,
    tag,
)
from zoo.cli.running import Backend, BackendOption, DeviceOption

MAX_GENERATED, MAX_VARIED = 10_000, 1_000
# Pictures from one end to the other: as many as one can look at side by side, or as make a smooth animation.
STRIP_STEPS, ANIMATION_STEPS = 12, 32


class Interpolation(StrEnum):
    """How to go from one latent to another."""

    spherical = "spherical"
    linear = "linear"


class Prior(StrEnum):
    """What new pictures are drawn from."""

    default = "default"
    normal = "normal"


ModelArgument = Annotated[
    str, typer.Argument(help="A model, family, task or dir:PATH.", metavar="MODEL", autocompletion=models)
]
OperandArgument = Annotated[str, typer.Argument(help="A picture, seed:N, or FILE.npz:ROW.", metavar="A")]
OtherArgument = Annotated[str, typer.Argument(help="Another such.", metavar="B")]
OutOption = Annotated[str | None, typer.Option("--out", "-o", help="The picture to write.", metavar="FILE")]
OutsOption = Annotated[
    str | None, typer.Option("--out", "-o", help="A file for one sheet, a folder for single files.", metavar="PATH")
]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace results that exist.")]
ScaleOption = Annotated[
    str, typer.Option(help="Enlarge each picture by this factor; auto enlarges small ones on a sheet.", metavar="N")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Tell a model with conditions what is wanted, as label=cat.", metavar="NAME=VALUE"),
]
StepsOption = Annotated[
    int | None,
    typer.Option("--steps", min=1, max=10_000, help="Steps of a model that denoises; else its own.", metavar="N"),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Another seed, other pictures.", metavar="N")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("encode", short_help="Turn pictures into latents.")(encode)
    app.command("decode", short_help="Turn latents into pictures.")(decode)
    app.command("generate", short_help="Make new pictures.")(generate)
    app.command("interpolate", short_help="Go from one picture to another.")(interpolate)
    app.command("vary", short_help="Make pictures like one.")(vary)
    app.command("add", short_help="Make a new picture of two.")(add)


def encode(
    model: ModelArgument,
    inputs: Annotated[list[str], typer.Argument(help="Files, folders or quoted patterns.", metavar="PICTURE")],
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="The file of latents to write.", metavar="FILE.npz")
    ] = None,
    std: Annotated[bool, typer.Option("--std", help="Add the posterior's standard deviation.")] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders of folders.")] = False,
    set_: SetOption = None,
    force: ForceOption = False,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Turn pictures into latents, for example: zoo encode conv-vae.faces faces/ -o faces.npz

    The file holds `latents` (N, ...), `names` and `model`. The other latent verbs know its rows as faces.npz:0 and so
    on. Pictures that can't be read are named at the end; the others are encoded.
    """
    from pathlib import Path

    from zoo.jobs.operands import check_latents_target, encode_files, refuse_input, write_latents

    loaded = open_model(model, backend, device, "encode", set_)
    target = Path(out or f"{tag(loaded)}-latents.npz")
    check_latents_target(target, force)
    files = picture_files(inputs, recursive)
    refuse_input(target, files)
    with progress(loaded.id, len(files)) as bar:
        content, errors = encode_files(loaded, files, std, bar.advance)
    if content:
        write_latents(target, content, force)
        echo(target)
    codes = [report(problem) for problem in errors]
    if codes:
        raise typer.Exit(codes[0])


def decode(
    model: ModelArgument,
    latents: Annotated[str, typer.Argument(help="FILE.npz, FILE.npz:ROW, seed:N or a picture.", metavar="LATENTS")],
    out: OutsOption = None,
    scale: ScaleOption = "auto",
    set_: SetOption = None,
    steps: StepsOption = None,
    force: ForceOption = False,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Turn latents into pictures, for example: zoo decode conv-vae.faces faces.npz -o faces.png

    A picture is encoded and decoded, which gives its reconstruction.
    """
    from zoo.pictures.sheets import is_folder

    loaded = open_model(model, backend, device, "decode", set_)
    found = operand(loaded, latents, several=True)
    if out and is_folder(out):
        save_singles(out, found.file_names(), decoded(loaded, found.latents, steps), scale, force, [found])
    else:
        target = picture_target(loaded, "decode", out, force, [found])
        plan_sheet(loaded, len(found.latents), scale)
        save_sheet(target, loaded.decode(found.latents, steps=steps), scale, force)


def generate(
    model: ModelArgument,
    n: Annotated[int, typer.Option("-n", min=1, max=MAX_GENERATED, help="How many.", metavar="N")] = 64,
    seed: SeedOption = 0,
    prior: Annotated[
        Prior, typer.Option(help="What to draw from: the model's own, or a plain normal one.", metavar="PRIOR")
    ] = Prior.default,
    out: OutsOption = None,
    single: Annotated[bool, typer.Option("--single", help="Write single files, not a sheet.")] = False,
    columns: Annotated[int | None, typer.Option(min=1, help="Columns of the sheet.", metavar="N")] = None,
    scale: ScaleOption = "auto",
    set_: SetOption = None,
    steps: StepsOption = None,
    force: ForceOption = False,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Make new pictures, for example: zoo generate conv-vae.faces -n 64 --seed 0 -o faces.png

    The first ones of a seed are the same for any number. The other latent verbs know the first of seed 0 as seed:0,
    and the one that a single file calls seed-0-00005 as seed:0:5.
    """
    from zoo.errors import UsageError
    from zoo.pictures.sheets import is_folder

    loaded = open_model(model, backend, device, "generate", set_)
    folder = out if out and is_folder(out) else f"{tag(loaded)}-generate" if single else None
    if single and out and folder != out:
        raise UsageError(f"--single writes several files: name a folder, -o {out}/")
    latents, told = loaded.draw(n, seed, prior.value), loaded.told(n, seed)
    if folder:
        names = [f"seed-{seed}-{number:05d}.png" for number in range(n)]
        save_singles(folder, names, decoded(loaded, latents, steps, told), scale, force)
    else:
        target = picture_target(loaded, "generate", out, force)
        plan_sheet(loaded, n, scale, columns)
        save_sheet(target, loaded.decode(latents, steps=steps, **told), scale, force, columns)


def interpolate(
    model: ModelArgument,
    a: OperandArgument,
    b: OtherArgument,
    steps: Annotated[
        int | None,
        typer.Option(min=2, max=1000, help="Pictures from A to B; else 12, in an animation 32.", metavar="N"),
    ] = None,
    path: Annotated[
        Interpolation, typer.Option(help="Interpolation: spherical or linear.", metavar="PATH")
    ] = Interpolation.spherical,
    pixels: Annotated[bool, typer.Option("--pixels", help="Show a plain cross-fade of the pixels below.")] = False,
    fps: Annotated[float, typer.Option(min=1, max=50, help="Pictures a second of an animation.", metavar="N")] = 16,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="A strip; .gif or .webp: an animation.", metavar="FILE")
    ] = None,
    scale: ScaleOption = "auto",
    set_: SetOption = None,
    force: ForceOption = False,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Go from one picture to another, for example: zoo interpolate conv-vae.faces anna.jpg seed:7 -o morph.gif

    The ends are the reconstructions of A and B. An animation goes there and back, for ever.
    """
    from zoo.jobs.operands import like
    from zoo.pictures.sheets import ANIMATIONS, cross_fade, write_interpolation

    loaded = open_model(model, backend, device, "decode", set_)
    start, end = operand(loaded, a), operand(loaded, b)
    target = picture_target(loaded, "interpolate", out, force, [start, end])
    count = steps or (ANIMATION_STEPS if target.suffix.lower() in ANIMATIONS else STRIP_STEPS)
    plan_sheet(loaded, count, scale, columns=count)
    rows = [loaded.interpolate(start.latents, end.latents, count, path.value)]
    if pixels:
        first, last = like(start.picture, rows[0][:1]), like(end.picture, rows[0][-1:])
        rows.append(cross_fade(first[0], last[0], count))
    write_interpolation(target, rows, scale=scale_of(scale), fps=fps, force=force)
    echo(target)


def vary(
    model: ModelArgument,
    a: OperandArgument,
    strength: Annotated[
        float, typer.Option(min=0, max=100, help="How different: 0 not at all, 1 very.", metavar="X")
    ] = 0.5,
    n: Annotated[int, typer.Option("-n", min=1, max=MAX_VARIED, help="How many.", metavar="N")] = 8,
    seed: SeedOption = 0,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Put the unchanged reconstruction before.")
    ] = False,
    out: OutsOption = None,
    scale: ScaleOption = "auto",
    set_: SetOption = None,
    force: ForceOption = False,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Make pictures like one, for example: zoo vary conv-vae.faces anna.jpg --strength 0.5 -o like-anna.png

    Noise is added to the latent of A; the strength counts in standard deviations of the prior.
    """
    import numpy as np

    from zoo.pictures.sheets import is_folder

    loaded = open_model(model, backend, device, "decode", set_)
    found = operand(loaded, a)
    folder = out if out and is_folder(out) else None
    target = None if folder else picture_target(loaded, "vary", out, force, [found])
    if target:
        plan_sheet(loaded, n + side_by_side, scale)
    made = loaded.vary(found.latents, strength, n, seed)
    if side_by_side:
        made = np.concatenate([loaded.decode(found.latents), made])
    if target:
        save_sheet(target, made, scale, force)
    elif folder:
        save_singles(folder, [f"vary-{number:05d}.png" for number in range(len(made))], made, scale, force, [found])


def add(
    model: ModelArgument,
    a: OperandArgument,
    b: OtherArgument,
    weights: Annotated[
        tuple[float, float], typer.Option(help="How much of each; a negative one takes away.", metavar="WA WB")
    ] = (1.0, 1.0),
    plain: Annotated[bool, typer.Option("--plain", help="Leave the sum as long as it is.")] = False,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Put A and B before the sum.")] = False,
    out: OutOption = None,
    scale: ScaleOption = "auto",
    set_: SetOption = None,
    force: ForceOption = False,
    backend: BackendOption = Backend.auto,
    device: DeviceOption = "auto",
) -> None:
    """Make a new picture of two, for example: zoo add conv-vae.faces anna.jpg ben.jpg --weights 1 0.5

    Their latents are added, and the sum is divided by the root of the sum of the squared weights: so it lies about as
    far from the middle of the latent space as other pictures do.
    """
    import numpy as np

    loaded = open_model(model, backend, device, "decode", set_)
    one, other = operand(loaded, a), operand(loaded, b)
    target = picture_target(loaded, "add", out, force, [one, other])
    made = loaded.add(one.latents, other.latents, weights, plain=plain)
    parents = [loaded.decode(which.latents) for which in (one, other)] if side_by_side else []
    save_sheet(target, np.concatenate([*parents, made]), scale, force)
