"""Write the reference in docs/plugins.md: the hooks, what they give, and every public name, from their docstrings.

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

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "plugins.md"
# Public names by module; None: all of its `__all__`.
PUBLIC: dict[str, tuple[str, ...] | None] = {
    "zoo": None,
    "zoo.catalog": None,
    "zoo.testing": None,
    "zoo.training.objective": ("Objective", "Batch", "Verdict", "Networks", "Logs"),
    "zoo.training.vae": ("VAEObjective", "VAEOptions"),
    "zoo.training.perceptual": ("PerceptualTable", "Perceptual"),
}
# What has no docstring of its own.
DESCRIBED = {
    "Capability": 'One of "encode", "decode", "generate", "translate".',
    "Logs": "Figures for the log, by name.",
    "Networks": "The networks of an objective, by player.",
    "__version__": "The zoo's version.",
    "hookimpl": "Marks a function as a hook.",
}
_BLOCK = re.compile(r"(<!-- reference -->\n).*?(<!-- /reference -->)", re.DOTALL)


def public_names() -> Iterator[tuple[str, str]]:
    """(module, name) of everything a plugin's author may use."""
    for module, names in PUBLIC.items():
        yield from ((module, name) for name in names or import_module(module).__all__)


def hooks() -> dict[str, str]:
    """The docstring of each hook, by name."""
    from zoo.catalog import ZooSpecs

    return {name: inspect.getdoc(value) or "" for name, value in vars(ZooSpecs).items() if name.startswith("zoo_")}


def reference() -> str:
    """The reference as Markdown."""
    from zoo.catalog import Family, ModelSpec

    lines = ["### Hooks", ""]
    for name, text in hooks().items():
        about, _, example = text.partition("\n>>> ")
        lines += [f"**`{name}()`** {about.strip()}", "", "```pycon", f">>> {example.strip()}", "```", ""]
    for kind in (Family, ModelSpec):
        lines += [f"### `{kind.__name__}`", "", *_described(kind), ""]
    lines += ["### Public names", "", "| from | name | |", "|---|---|---|"]
    lines += [f"| `{module}` | `{name}` | {_line(module, name)} |" for module, name in public_names()]
    return "\n".join([*lines, ""])


def _described(kind: type) -> Iterator[str]:
    """A data class's docstring, and its fields."""
    yield textwrap.fill(" ".join((inspect.getdoc(kind) or "").split()), 120)
    yield ""
    yield "| field | |"
    yield "|---|---|"
    for field in dataclasses.fields(kind):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        kind_of = str(field.type).replace("|", "\\|")
        yield f"| `{field.name}` | `{kind_of}`{', required' if required else ''} |"


def _line(module: str, name: str) -> str:
    """The first paragraph of a name's docstring, as a cell."""
    if name in DESCRIBED:
        return DESCRIBED[name]
    text = inspect.getdoc(getattr(import_module(module), name)) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def main() -> None:
    """Write it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(_BLOCK.sub(lambda match: match[1] + reference() + match[2], text), encoding="utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
