"""Model cards: README.md of a checkpoint. The facts come from config.json, the prose from people and is kept.

A generated block stands between `<!-- zoo:NAME -->` and `<!-- /zoo:NAME -->`; what is written between blocks is prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.catalog.expects import Expects
from zoo.catalog.interface import Capability
from zoo.catalog.spec import CheckpointConfig, Metric
from zoo.checkpoints.format import read_expects
from zoo.checkpoints.tables import figure_table, is_of_set, is_overall, set_table
from zoo.errors import NotFoundError, UnsafeFileError
from zoo.files import read_regular, write_whole

CARD = "README.md"
LIBRARY = "latent-zoo"
PIPELINES: Mapping[Capability, str] = {
    "translate": "image-to-image",
    "generate": "unconditional-image-generation",
    "encode": "image-feature-extraction",
}
SECTIONS = {
    "What it does": "Say what goes in, what comes out, and for whom it is.",
    "Data": "Say what it was trained on, where that comes from, and under which licences.",
    "Limits": "Say where it fails, and show it.",
}
# The Hub's names of the licences that models mostly have.
LICENSES = {name: name.lower() for name in ("Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0")}
# No marker may stand inside: else a lost closing one would make a block of all the prose up to the next.
_BLOCK = re.compile(r"<!-- zoo:(\w+) -->\n(?:(?!<!-- /?zoo:).)*<!-- /zoo:\1 -->(?:\n|\Z)", re.DOTALL)
_MARK = re.compile(r"<!-- /?zoo:\w+ -->")
_HUB_NAME = re.compile(r"^zoo (?:run|generate|interpolate|info) (hub:[\w./-]+)", re.MULTILINE)
_SOURCE = re.compile(r"\b(?:pack|torchvision):([A-Za-z0-9_.-]+)")
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def render(config: CheckpointConfig, old: str = "", called: str = "", expects: Expects | None = None) -> str:
    """The card's text: front matter and blocks from `config` and `expects`, prose from `old` or a prompt.

    `called` is what the model is run by, `hub:ORG/NAME`; else the one that `old` says, or its task or id.
    """
    used = called or next((match[1] for match in _HUB_NAME.finditer(old)), "")
    blocks = {"facts": _facts(config, expects), "figures": _figures(config.metrics), "use": _use(config, used)}
    text = _FRONT.sub("", old, count=1) if old else _skeleton(config)
    for name, body in blocks.items():
        marked = f"<!-- zoo:{name} -->\n{body}<!-- /zoo:{name} -->\n"
        found = next((match for match in _BLOCK.finditer(text) if match[1] == name), None)
        text = text[: found.start()] + marked + text[found.end() :] if found else f"{text.rstrip()}\n\n{marked}"
    return _front_matter(config) + text


def read_card(folder: Path) -> str:
    """The card in a checkpoint's folder, "" if there is none.

    Raises DiskError if it can't be read, UnsafeFileError if it is no text.
    """
    name = f"the card {folder / CARD}"
    try:
        text = (read_regular(folder / CARD, -1, name) or b"").decode()
    except UnicodeDecodeError as error:
        raise UnsafeFileError(f"{name} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    return text.replace("\r\n", "\n")


def write_card(folder: Path, config: CheckpointConfig) -> Path:
    """Render `README.md` in the checkpoint's folder, keeping its prose; returns its path. Raises as `read_card`."""
    path = folder / CARD
    write_whole(path, render(config, read_card(folder), expects=read_expects(folder, str(folder))).encode(), force=True)
    return path


def problems(folder: Path, config: CheckpointConfig, name: str = "") -> list[str]:
    """What is wrong with a checkpoint's card, one line each; none if it is complete and agrees with config.json.

    `name` is what commands call the checkpoint, if not by its id.

    Raises NotFoundError where there is no card, and as `read_card`.
    """
    found = faults(folder, config, name)
    if not config.metrics:
        found.append(f"no figures: `zoo eval {name or config.id} --write` computes them")
    if config.training is None:
        found.append("config.json does not say how the model was trained")
    return found


def faults(folder: Path, config: CheckpointConfig, name: str = "") -> list[str]:
    """What must be mended before a card is shown to anyone: that it disagrees, or leaves its sections empty.

    Raises as `problems`.
    """
    text = read_card(folder)
    if not text:
        raise NotFoundError(f"{folder} has no {CARD}: `zoo card {name or config.id} --write` makes one")
    found = []
    if render(config, text, expects=read_expects(folder, str(folder))) != text:
        found.append(
            f"{CARD} does not agree with config.json or expects.json: `zoo card {name or config.id} --write` mends it"
        )
    blocks = [match[1] for match in _BLOCK.finditer(text)]
    if stray := _MARK.findall(_BLOCK.sub("", text)) + [name for name in blocks if blocks.count(name) > 1]:
        found.append(f"{CARD} has a marker without its other half, or a block twice: {stray[0]}")
    if config.summary not in text:
        found.append(f"{CARD} does not say what config.json does: {config.summary}")
    for title, prompt in SECTIONS.items():
        section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
        prose = _BLOCK.sub("", section[1]).strip() if section else ""
        if not prose or prompt in prose:
            found.append(f"{CARD} says nothing under '## {title}': {prompt}")
    return found


def prose(text: str) -> str:
    """A card as a person reads it: without front matter and markers."""
    return _MARK.sub("", _FRONT.sub("", text, count=1)).strip() + "\n"


def _front_matter(config: CheckpointConfig) -> str:
    """What the Hub reads: https://huggingface.co/docs/hub/model-cards#model-card-metadata. Words are in quotes."""
    pipeline = next((PIPELINES[name] for name in PIPELINES if name in config.can()), "image-to-image")
    tags = [LIBRARY, config.family, *([config.task] if config.task else []), "onnx", "safetensors"]
    known = LICENSES.get(config.license)
    lines = [f"license: {known or 'other'}"]
    lines += [] if known else [f"license_name: {_quoted(config.license)}"]
    lines += [f"library_name: {LIBRARY}", f"pipeline_tag: {pipeline}"]
    lines += ["tags:", *(f"- {_quoted(tag)}" for tag in tags)]
    sources = [data_set(config, metric)[1] for metric in config.metrics] + _SOURCE.findall(_trained_on(config))
    data_sets = sorted(set(sources) - {""})
    lines += ["datasets:", *(f"- {_quoted(name)}" for name in data_sets)] if data_sets else []
    lines += _model_index(config, pipeline) if any(map(is_overall, config.metrics)) else []
    return "\n".join(["---", *lines, "---", ""])


def _model_index(config: CheckpointConfig, pipeline: str) -> list[str]:
    """The figures as the Hub lists them, by source of pictures; those of sets and other models are left out."""
    groups: dict[tuple[str, str, str], list[Metric]] = {}
    for metric in filter(is_overall, config.metrics):
        groups.setdefault((*data_set(config, metric), metric.split), []).append(metric)
    lines = ["model-index:", f"- name: {_quoted(config.id)}", "  results:"]
    for (name, kind, split), metrics in groups.items():
        lines += ["  - task:", f"      type: {pipeline}"]
        lines += ["    dataset:", f"      name: {_quoted(name)}", f"      type: {_quoted(kind or 'pictures')}"]
        lines += [f"      split: {_quoted(split)}", "    metrics:"]
        for metric in metrics:
            beside = f" (baseline: {metric.baseline:.4g})" if metric.baseline is not None else ""
            label = metric.name.replace("_", " ") + beside
            lines += [f"    - type: {_quoted(metric.name)}", f"      name: {_quoted(label)}"]
            lines += [f"      value: {metric.value:.6g}"]
    return lines


def data_set(config: CheckpointConfig, metric: Metric) -> tuple[str, str]:
    """The pictures a figure is of: the source that its command or else the training names, and its bare name."""
    found = _SOURCE.search(metric.command) or _SOURCE.search(_trained_on(config))
    return (found[0], found[1].lower()) if found else ("pictures of its maker", "")


def _trained_on(config: CheckpointConfig) -> str:
    return config.training.data if config.training else ""


def _quoted(text: str) -> str:
    """A word of YAML that stays a word: a family called 1e3 or no is neither a number nor false."""
    return json.dumps(text, ensure_ascii=False)


def _skeleton(config: CheckpointConfig) -> str:
    prose = "\n".join(f"## {title}\n\n{prompt}\n" for title, prompt in SECTIONS.items())
    head, *rest = prose.split("## Data")
    blocks = "\n".join(f"<!-- zoo:{name} -->\n<!-- /zoo:{name} -->\n" for name in ("use", "facts"))
    figures = "## Figures\n\n<!-- zoo:figures -->\n<!-- /zoo:figures -->\n"
    return f"\n# {config.id}\n\n{config.summary.rstrip('.')}.\n\n{head}{blocks}\n## Data{''.join(rest)}\n{figures}"


def _use(config: CheckpointConfig, used: str) -> str:
    name = used or (config.task if config.task and config.default_for else config.id)
    abilities, latent = config.can(), used or config.id
    lines = [f"zoo run {name} picture.jpg"] if "translate" in abilities else []
    lines += [f"zoo generate {latent} -n 64 --seed 0"] if "generate" in abilities else []
    lines += [f"zoo interpolate {latent} one.jpg other.jpg"] if {"encode", "decode"} <= set(abilities) else []
    return "\n".join(["```", *(lines or [f"zoo info {latent}"]), "```", ""])


def _facts(config: CheckpointConfig, expects: Expects | None) -> str:
    weights, training = config.weights, config.training
    rows = [
        ("Family", f"`{config.family}`"),
        ("Can", ", ".join(config.can())),
        ("Weights", f"{weights.parameters:,} parameters, {weights.bytes / 1e6:.1f} MB as {weights.dtype}"),
        ("License", config.license),
    ]
    rows += [(f"`{told.name}`", told.words) for told in config.interface.conditions]
    if config.interface.latent and config.interface.latent.repeat > 1:
        rows.append(("Steps", f"{config.interface.latent.repeat}, or as many as are asked for"))
    if training:
        rows += [
            ("Trained by", f"`zoo train {config.id}` ({training.recipe}, {training.steps:,} steps)"),
            ("Trained on", training.data),
            ("Took", f"{training.seconds / 60:.0f} minutes on {training.hardware}"),
            ("Software", training.version),
        ]
    if expects:
        rows.append(("Expects", _expected(expects)))
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in rows), ""])


def _expected(expects: Expects) -> str:
    """The words, and how often the limits say that pictures are others."""
    shares = ", ".join(f"{part.share:.1%} of {part.n:,} of {part.pictures}" for part in expects.noted)
    return f"{expects.words}; noted as others: {shares} (`{expects.command}`)" if shares else expects.words


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


def _figures(metrics: Sequence[Metric]) -> str:
    """A table for each protocol, since figures of different protocols can't be compared."""
    if not metrics:
        return "Not measured yet.\n"
    groups: dict[tuple[str, str, int | None, str], list[Metric]] = {}
    for metric in metrics:
        n = None if is_of_set(metric) else metric.n  # sets have different numbers of pictures
        groups.setdefault((metric.protocol, metric.split, n, metric.command), []).append(metric)
    return "\n".join(map(_table, groups.values()))


def _table(metrics: Sequence[Metric]) -> str:
    first = metrics[0]
    head, *rows = set_table(metrics) if is_of_set(first) else figure_table(metrics, places=3)
    lines = [_line(head), "|".join(["", *["---"] * len(head), ""]), *map(_line, rows)]
    counted = "Sets of pictures" if is_of_set(first) else f"{first.n:,} pictures"
    pictures = f"{counted} of the split `{first.split}`, by `{first.command}`:"
    return "\n".join([*lines, "", pictures, f"{first.protocol}.", ""])


def _line(cells: Sequence[str]) -> str:
    """A row of a table, with the names of figures as words."""
    return f"| {' | '.join(cells).replace('_', ' ')} |"
