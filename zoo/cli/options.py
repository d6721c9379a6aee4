"""Options and arguments: those that several verbs have, and a line for each of the others."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from zoo.cli.completion import models


def value(says: str, metavar: str | None, *names: str, **settings: Any) -> Any:
    """An option with a value, called as its parameter unless `names` are given; `says` is its line of help."""
    return typer.Option(*names, help=says, metavar=metavar, **settings)


def out(says: str, metavar: str) -> Any:
    """Where results go."""
    return value(says, metavar, "--out", "-o")


def flag(says: str, *names: str, **settings: Any) -> Any:
    """An option without a value."""
    return value(says, None, *names, **settings)


def argument(says: str, metavar: str, **settings: Any) -> Any:
    """An argument; `autocompletion` completes it."""
    return typer.Argument(help=says, metavar=metavar, **settings)


Model = Annotated[str, argument("A model, family, task or dir:PATH.", "MODEL", autocompletion=models)]
Checkpoint = Annotated[str, argument("A model or dir:PATH.", "MODEL", autocompletion=models)]
Backend = Annotated[Literal["auto", "onnx", "torch"], value("What executes the model: ONNX Runtime or PyTorch.", None)]
Device = Annotated[str, value("Where it runs: auto, cpu, cuda.", "DEVICE")]
Beside = Annotated[bool, flag("Put the unchanged reconstruction before.", "--side-by-side")]
Force = Annotated[bool, flag("Replace results that exist.", "--force", "-f")]
Replace = Annotated[bool, flag("Replace a file that exists.", "--force", "-f")]
Json = Annotated[bool, flag("Print JSON.", "--json")]
Recursive = Annotated[bool, flag("Look into folders of folders.", "--recursive", "-r")]
Conditions = Annotated[
    list[str] | None, value("Tell a model with conditions what is wanted, as label=cat.", "NAME=VALUE", "--set")
]
Strength = Annotated[float | None, value("Colours of a colorizer: 0 is gray, 1 as trained, at most 2.", "N")]
Quality = Annotated[int, value("Quality of JPEG, WebP and AVIF results.", "N", min=1, max=100)]
MaxPixels = Annotated[float, value("Refuse pictures of more megapixels.", "N")]
Jobs = Annotated[int | None, value("Pictures worked on at once; else one per core, at most 4.", "N", min=1)]
Log = Annotated[
    str | None, value("Append a line of JSON about each picture: result, hash, time, error.", "FILE", "--log")
]


def pixels_of(megapixels: float) -> int:
    """What --max-pixels says. Raises UsageError."""
    from zoo.errors import UsageError

    if not 0 < megapixels <= 1e6:
        raise UsageError(f"--max-pixels takes megapixels, above 0 and at most a million, not {megapixels:g}")
    return int(megapixels * 1e6)
