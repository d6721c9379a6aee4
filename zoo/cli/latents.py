"""Latent verbs: what a model can do with the places of its latent space."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from zoo.cli import options as opt
from zoo.cli.batches import note_unlike
from zoo.cli.console import echo, progress, report
from zoo.cli.light import LightTyper
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

MAX_GENERATED, MAX_VARIED = 10_000, 1_000
# Pictures from one end to the other: as many as one can look at side by side, or as make a smooth animation.
STRIP_STEPS, ANIMATION_STEPS = 12, 32


First = Annotated[str, opt.argument("A picture, seed:N, or FILE.npz:ROW.", "A")]
Other = Annotated[str, opt.argument("Another such.", "B")]
Out = Annotated[str | None, opt.out("The picture to write.", "FILE")]
Outs = Annotated[str | None, opt.out("A file for one sheet, a folder for single files.", "PATH")]
Scale = Annotated[str, opt.value("Enlarge each picture by this factor; auto enlarges small ones on a sheet.", "N")]
Seed = Annotated[int, opt.value("Another seed, other pictures.", "N", min=0)]


Steps = Annotated[
    int | None, opt.value("Steps of a model that denoises; else its own.", "N", "--steps", min=1, max=10_000)
]


verbs = LightTyper()


@verbs.command("encode", short_help="Turn pictures into latents.")
def encode(
    model: opt.Model,
    inputs: Annotated[list[str], opt.argument("Files, folders or quoted patterns.", "PICTURE")],
    out: Annotated[str | None, opt.out("The file of latents to write.", "FILE.npz")] = None,
    std: Annotated[bool, opt.flag("Add the posterior's standard deviation.", "--std")] = False,
    recursive: opt.Recursive = False,
    set_: opt.Conditions = None,
    force: opt.Force = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
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
    others: list[str] = []
    with progress(loaded.id, len(files)) as bar:
        content, errors = encode_files(loaded, files, std, bar.advance, lambda file: others.append(file.name))
    note_unlike(loaded, others, len(files))
    if content:
        write_latents(target, content, force)
        echo(target)
    codes = [report(problem) for problem in errors]
    if codes:
        raise typer.Exit(codes[0])


@verbs.command("decode", short_help="Turn latents into pictures.")
def decode(
    model: opt.Model,
    latents: Annotated[str, opt.argument("FILE.npz, FILE.npz:ROW, seed:N or a picture.", "LATENTS")],
    out: Outs = None,
    scale: Scale = "auto",
    set_: opt.Conditions = None,
    steps: Steps = None,
    force: opt.Force = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
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


@verbs.command("generate", short_help="Make new pictures.")
def generate(
    model: opt.Model,
    n: Annotated[int, opt.value("How many.", "N", "-n", min=1, max=MAX_GENERATED)] = 64,
    seed: Seed = 0,
    prior: Annotated[
        Literal["default", "normal"], opt.value("What to draw from: the model's own, or a plain normal one.", "PRIOR")
    ] = "default",
    out: Outs = None,
    single: Annotated[bool, opt.flag("Write single files, not a sheet.", "--single")] = False,
    columns: Annotated[int | None, opt.value("Columns of the sheet.", "N", min=1)] = None,
    scale: Scale = "auto",
    set_: opt.Conditions = None,
    steps: Steps = None,
    force: opt.Force = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
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
    latents, told = loaded.draw(n, seed, prior), loaded.told(n, seed)
    if folder:
        names = [f"seed-{seed}-{number:05d}.png" for number in range(n)]
        save_singles(folder, names, decoded(loaded, latents, steps, told), scale, force)
    else:
        target = picture_target(loaded, "generate", out, force)
        plan_sheet(loaded, n, scale, columns)
        save_sheet(target, loaded.decode(latents, steps=steps, **told), scale, force, columns)


@verbs.command("interpolate", short_help="Go from one picture to another.")
def interpolate(
    model: opt.Model,
    a: First,
    b: Other,
    steps: Annotated[
        int | None, opt.value("Pictures from A to B; else 12, in an animation 32.", "N", min=2, max=1000)
    ] = None,
    path: Annotated[
        Literal["spherical", "linear"], opt.value("Interpolation: spherical or linear.", "PATH")
    ] = "spherical",
    pixels: Annotated[bool, opt.flag("Show a plain cross-fade of the pixels below.", "--pixels")] = False,
    fps: Annotated[float, opt.value("Pictures a second of an animation.", "N", min=1, max=50)] = 16,
    out: Annotated[str | None, opt.out("A strip; .gif or .webp: an animation.", "FILE")] = None,
    scale: Scale = "auto",
    set_: opt.Conditions = None,
    force: opt.Force = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
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
    rows = [loaded.interpolate(start.latents, end.latents, count, path)]
    if pixels:
        first, last = like(start.picture, rows[0][:1]), like(end.picture, rows[0][-1:])
        rows.append(cross_fade(first[0], last[0], count))
    write_interpolation(target, rows, scale=scale_of(scale), fps=fps, force=force)
    echo(target)


@verbs.command("vary", short_help="Make pictures like one.")
def vary(
    model: opt.Model,
    a: First,
    strength: Annotated[float, opt.value("0 its reconstruction, 1 another picture.", "X", min=0, max=1)] = 0.3,
    n: Annotated[int, opt.value("How many.", "N", "-n", min=1, max=MAX_VARIED)] = 8,
    seed: Seed = 0,
    side_by_side: opt.Beside = False,
    out: Outs = None,
    scale: Scale = "auto",
    set_: opt.Conditions = None,
    force: opt.Force = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
) -> None:
    """Make pictures like one, for example: zoo vary conv-vae.faces anna.jpg --strength 0.3 -o like-anna.png

    The latent of A is moved towards those of others, by so much that the picture differs as the strength says.
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


@verbs.command("add", short_help="Make a new picture of two.")
def add(
    model: opt.Model,
    a: First,
    b: Other,
    weights: Annotated[tuple[float, float], opt.value("How much of each; a negative one takes away.", "WA WB")] = (
        1.0,
        1.0,
    ),
    plain: Annotated[bool, opt.flag("Leave the sum as long as it is.", "--plain")] = False,
    side_by_side: Annotated[bool, opt.flag("Put A and B before the sum.", "--side-by-side")] = False,
    out: Out = None,
    scale: Scale = "auto",
    set_: opt.Conditions = None,
    force: opt.Force = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
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
