"""`zoo attribute`: learn the directions of attributes, look at them, apply them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from zoo.cli import options as opt
from zoo.cli.console import echo, note, print_table, progress
from zoo.cli.light import LightTyper
from zoo.cli.results import encoded, open_model, operand, picture_target, save_sheet, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.arrays import Floats
    from zoo.datasets.files import Files
    from zoo.inference.directions import Directions
    from zoo.inference.model import Model

FileArgument = Annotated[Path, opt.argument("A file that `zoo attribute learn` wrote.", "FILE")]


verbs = LightTyper()
attribute = verbs.group(
    "attribute",
    "Change an attribute: glasses, a smile.",
    "Learn what an attribute is in a model's latent space, then give it to pictures or take it away.",
)


@attribute.command("learn", short_help="Learn directions from labelled pictures.")
def learn(
    model: opt.Model,
    data: Annotated[str | None, opt.value("Labelled pictures: pack:NAME, folder:PATH, ...", "SOURCE")] = None,
    split: Annotated[str, opt.value("train, val or test.", "SPLIT")] = "train",
    columns: Annotated[str | None, opt.value("Labels to learn: glasses,smile > 0.5,hair_color", "NAMES")] = None,
    controls: Annotated[str | None, opt.value("Labels to hold fixed besides; all: every other one.", "NAMES")] = None,
    with_: Annotated[Path | None, opt.value("A folder of pictures with the attribute.", "FOLDER", "--with")] = None,
    without: Annotated[Path | None, opt.value("A folder without it.", "FOLDER")] = None,
    name: Annotated[str | None, opt.value("What to call it, with two folders.", "NAME")] = None,
    out: Annotated[Path | None, opt.out("The file to write; else TAG.directions.safetensors.", "FILE")] = None,
    force: opt.Replace = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
) -> None:
    """Learn directions from labelled pictures, for example:
    zoo attribute learn conv-vae.faces128 --data pack:faces --columns glasses,male,beard

    One regression on all the labels at once tells those apart that go together: the direction of a beard does not make
    a man. From two folders, it is the difference of their means.
    """
    from zoo.files import refuse_existing
    from zoo.inference.direction_files import SUFFIX, write_directions

    _check_sources(data, columns, controls, with_, without)
    loaded = open_model(model, backend, device, "encode")
    target = out or Path(f"{tag(loaded)}{SUFFIX}")
    refuse_existing(target, force)
    if with_ and without:
        learned = _from_folders(loaded, with_, without, name or with_.resolve().name)
    else:
        learned = _from_labels(loaded, str(data), split, _names(columns), _names(controls))
    write_directions(target, learned, force=force)
    echo(target)


@attribute.command("apply", short_help="Give pictures more or less of an attribute.")
def apply(
    model: opt.Model,
    file: FileArgument,
    operands: Annotated[list[str], opt.argument("Pictures, seed:N, or FILE.npz[:ROW].", "OPERAND")],
    name: Annotated[str | None, opt.value("The attribute; needless where the file has one.", "NAME")] = None,
    strength: Annotated[float, opt.value("1: from without to with; -1: back.", "X", min=-100, max=100)] = 1.0,
    steps: Annotated[int | None, opt.value("A strip from minus to plus the strength.", "N", min=2, max=100)] = None,
    side_by_side: opt.Beside = False,
    any_model: Annotated[bool, opt.flag("Try directions of another model with such latents.", "--any-model")] = False,
    out: Annotated[str | None, opt.out("The picture to write.", "FILE")] = None,
    force: opt.Replace = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
) -> None:
    """Give pictures more or less of an attribute, for example:
    zoo attribute apply conv-vae.faces128 faces128.directions.safetensors anna.jpg --name glasses -o anna-glasses.png

    Of several pictures, each has a row of the sheet.
    """
    import numpy as np

    from zoo.inference.direction_files import read_directions
    from zoo.jobs.operands import refuse_input

    learned = read_directions(file)
    direction = learned.direction(_chosen(learned, name, file))
    loaded = open_model(model, backend, device, "decode")
    learned.check_model(loaded.config, any_model, loaded.name)
    found = [operand(loaded, text, several=True) for text in operands]
    called = re.sub(r"[^\w.-]+", "-", name or learned.names[0]).strip("-.") or "attribute"
    target = picture_target(loaded, called, out, force, found)
    refuse_input(target, [file])
    strengths = list(np.linspace(-strength, strength, steps)) if steps else [strength]
    strengths = [0.0, *strengths] if side_by_side else strengths
    made = _moved(loaded, np.concatenate([each.latents for each in found]), direction, strengths)
    save_sheet(target, made, "auto", force, len(strengths) if len(strengths) > 1 else None)


@attribute.command("show", short_help="List what a file of directions holds.")
def show(file: FileArgument) -> None:
    """List what a file of directions holds.

    MEAN is the share of the pictures that had it, or the mean of a number; SHARE how much of the latents' variance lies
    along it; LENGTH how far strength 1 goes.
    """
    import numpy as np

    from zoo.inference.direction_files import read_directions

    learned = read_directions(file)
    shape = " x ".join(map(str, learned.latent_shape))
    echo(f"{learned.model}, weights {learned.weights[:12]}, latents {shape}")
    echo(f"learned from {learned.n} pictures; all labels together explain {learned.r2:.1%} of the latents' variance\n")
    rows = [
        (label, f"{mean:.3g}", f"{share:.2%}", f"{np.linalg.norm(vector):.2f}")
        for label, mean, share, vector in zip(
            learned.names, learned.means, learned.shares, learned.vectors, strict=True
        )
    ]
    print_table(("NAME", "MEAN", "SHARE", "LENGTH"), rows)


def _check_sources(
    data: str | None, columns: str | None, controls: str | None, with_: Path | None, without: Path | None
) -> None:
    """Raise UsageError unless exactly one way to say the pictures was taken, and wholly."""
    from zoo.errors import UsageError

    folders = with_ is not None or without is not None
    if folders and (data or columns or controls):
        raise UsageError("--with and --without two folders, or --data and --columns: not both")
    if folders and not (with_ and without):
        raise UsageError("a direction needs both folders: --with FOLDER --without FOLDER")
    if not folders and not data:
        raise UsageError("say which pictures: --data SOURCE --columns NAMES, or --with FOLDER --without FOLDER")
    if not folders and not _names(columns):
        raise UsageError("say which labels to learn: --columns glasses,male; their names are in the source's csv")


def _from_labels(model: Model, data: str, split: str, names: Sequence[str], controls: Sequence[str]) -> Directions:
    from zoo.datasets import open_source
    from zoo.datasets.attributes import tabulate
    from zoo.inference.directions import learn as regress

    source = open_source(data, split, model.interface.takes("encode").channels)
    found = tabulate([source.labels(row) for row in range(len(source))], names, controls)
    for text in found.notes:
        note(text)
    latents, _ = encoded(model, source, found.rows, model.id)
    return regress(latents, found.values, found.names, model.config, keep=found.kept, exclusive=found.exclusive)


def _from_folders(model: Model, with_: Path, without: Path, name: str) -> Directions:
    import numpy as np

    from zoo.inference.directions import learn as regress

    latents: list[Floats] = []
    for folder in (without, with_):
        source = _loose(folder, model.interface.takes("encode").channels)
        latents.append(encoded(model, source, range(len(source)), folder.name)[0])
    attribute = np.repeat([0.0, 1.0], [len(part) for part in latents])[:, None]
    return regress(np.concatenate(latents), attribute, [name], model.config)


def _moved(model: Model, latents: Floats, direction: Floats, strengths: Sequence[float]) -> Floats:
    """Decoded pictures, for each latent one at each strength."""
    import numpy as np

    from zoo.inference.directions import apply as move
    from zoo.pictures.sheets import layout

    size = model.interface.gives("decode").size
    if size:  # a sheet that would be too large is refused before its pictures are made
        layout(len(latents) * len(strengths), *size, columns=len(strengths))
    rows = []
    with progress(model.id, len(latents)) as bar:
        for latent in latents:
            rows.append(model.decode(np.concatenate([move(latent[None], direction, x) for x in strengths])))
            bar.advance()
    return np.concatenate(rows)


def _loose(folder: Path, channels: int) -> Files:
    """All pictures in a folder and its subfolders, whatever their split."""
    from zoo.datasets.files import Files, PictureFile, ordinary_files
    from zoo.errors import NotFoundError
    from zoo.pictures.files import has_picture_suffix

    if not folder.is_dir():
        raise NotFoundError(f"no pictures in {folder}: there is no such folder")
    paths = [folder / name for name in sorted(filter(has_picture_suffix, ordinary_files(folder)))]
    if not paths:
        raise NotFoundError(f"no pictures in {folder}")
    return Files(tuple(PictureFile(str(path), path, {}) for path in paths), channels)


def _names(text: str | None) -> list[str]:
    """The names in a list with commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _chosen(learned: Directions, name: str | None, file: Path) -> str:
    from zoo.errors import UsageError

    if name is None and len(learned.names) > 1:
        raise UsageError(f"{file} holds several directions: say --name, one of {', '.join(learned.names)}")
    return name or learned.names[0]
