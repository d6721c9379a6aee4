"""Write the tables of docs/plugins.md: the fits, and the reference: hooks, what they give, and every public name.

python scripts/plugin_reference.py
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from zoo.catalog.fits import FITS

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "plugins.md"
# Public names by module; None: all of its `__all__`.
PUBLIC: dict[str, tuple[str, ...] | None] = {
    "zoo": None,
    "zoo.catalog": None,
    "zoo.testing": None,
    "zoo.training.objective": ("Objective", "Batch", "Evaluation", "Networks", "Logs"),
    "zoo.training.vae": ("VAEObjective", "VAEOptions"),
    "zoo.training.perceptual": ("PerceptualTable", "Perceptual"),
}
# What has no docstring of its own.
DESCRIBED = {
    "Capability": 'One of "encode", "decode", "generate", "translate".',
    "FITS": "Every `FitSpec` by name.",
    "Fit": "The name of a fit, one of `FITS`.",
    "Logs": "Figures for the log, by name.",
    "Networks": "The networks of an objective, by name.",
    "__version__": "The zoo's version.",
    "hookimpl": "Marks a function as a hook.",
}
_BLOCK = re.compile(r"(<!-- (fits|reference) -->\n).*?(<!-- /\2 -->)", re.DOTALL)


def public_names() -> Iterator[tuple[str, str]]:
    """(module, name) of everything a plugin's author may use."""
    for module, names in PUBLIC.items():
        yield from ((module, name) for name in names or import_module(module).__all__)


def hooks() -> dict[str, str]:
    """The docstring of each hook, by name."""
    from zoo.catalog import ZooSpecs

    return {name: inspect.getdoc(value) or "" for name, value in vars(ZooSpecs).items() if name.startswith("zoo_")}


def fits() -> str:
    """Every fit as Markdown, and what goes with it."""
    lines = ["| fit | | the network | `encode` |", "|---|---|---|---|"]
    for fit in FITS.values():
        needs = ["has one square size"] if fit.needs_size else []
        needs += [f"takes channels={fit.takes}"] if fit.takes else []
        needs += [f"gives channels={fit.gives}"] if fit.gives else []
        encode = "yes" if fit.for_encoders else "no"
        lines.append(f"| `{fit.name}` | {fit.words} | {', '.join(needs) or 'any'} | {encode} |")
    return "\n".join([*lines, ""])


def reference() -> str:
    """The reference as Markdown."""
    from zoo.catalog import Family, ImageSpec, Interface, Latent, ModelSpec, Role

    lines = ["### Hooks", ""]
    for name, text in hooks().items():
        about, _, example = text.partition("\n>>> ")
        lines += [f"**`{name}()`** {about.strip()}", "", "```pycon", f">>> {example.strip()}", "```", ""]
    for kind in (Family, Interface, Role, ImageSpec, Latent, ModelSpec):
        lines += [f"### `{kind.__name__}`", "", *_described(kind), ""]
    lines += ["### Public names", "", "| from | name | |", "|---|---|---|"]
    lines += [f"| `{module}` | `{name}` | {_line(module, name)} |" for module, name in public_names()]
    return "\n".join([*lines, ""])


def _described(kind: type) -> Iterator[str]:
    """The docstring of a data class or struct, and its fields."""
    yield textwrap.fill(" ".join((inspect.getdoc(kind) or "").split()), 120)
    yield ""
    yield "| field | |"
    yield "|---|---|"
    for name, required in _fields(kind):
        kind_of = str(kind.__annotations__[name]).replace("|", "\\|")
        yield f"| `{name}` | `{kind_of}`{', required' if required else ''} |"


def _fields(kind: Any) -> Iterator[tuple[str, bool]]:
    """Each field's name, and whether it must be given."""
    if issubclass(kind, msgspec.Struct):
        yield from ((field.name, field.required) for field in msgspec.structs.fields(kind))
        return
    for field in dataclasses.fields(kind):
        yield field.name, field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _line(module: str, name: str) -> str:
    """The first paragraph of a name's docstring, as a cell."""
    if name in DESCRIBED:
        return DESCRIBED[name]
    text = inspect.getdoc(getattr(import_module(module), name)) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def main() -> None:
    """Write it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(written(text), encoding="utf-8")
    print(DOCUMENT)


def written(text: str) -> str:
    """The document with its tables as the code is."""
    made = {"fits": fits(), "reference": reference()}
    return _BLOCK.sub(lambda match: match[1] + made[match[2]] + match[3], text)


if __name__ == "__main__":
    main()
