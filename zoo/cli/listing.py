"""`zoo list`, `zoo info`, `zoo plugins`: what exists. Nothing here reads weights or loads numpy."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

from zoo.cli import options as opt
from zoo.cli.completion import names
from zoo.cli.console import columns, echo, note, open_registry, print_json, print_table
from zoo.cli.light import LightTyper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.catalog.interface import Interface, RoleName
    from zoo.catalog.plugins import PluginInfo
    from zoo.catalog.ports import Port
    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import CheckpointConfig, Family, Metric, ModelSpec


verbs = LightTyper()


@verbs.command("list", short_help="List the models.")
def list_(
    pattern: Annotated[
        str | None, opt.argument("A part of the name, or a pattern such as 'conv-*'.", "PATTERN")
    ] = None,
    task: Annotated[str | None, opt.value("Only models that do this task.", "TASK")] = None,
    family: Annotated[str | None, opt.value("Only members of this family.", "FAMILY")] = None,
    families: Annotated[bool, opt.flag("List families, those without models too.", "--families")] = False,
    json: opt.Json = False,
) -> None:
    """List the models the installed plugins bring, or their families."""
    registry = open_registry()
    if families:
        _print_families([_facts_of(item, registry) for item in registry.find_families(pattern, task, family)], json)
        return
    models = registry.find(pattern, task, family)
    if json:
        print_json([_row(model, registry) for model in models])
        return
    if not models:
        note("no model matches; `zoo list` shows all" if pattern or task or family else "no models; see `zoo plugins`")
        return
    rows = [
        (model.id, model.config.task or "-", f"{model.config.weights.parameters:,}", model.config.summary)
        for model in models
    ]
    _print_columns([("MODEL", "TASK", "PARAMETERS", "SUMMARY"), *rows])


@verbs.command("info", short_help="Show one model or family.")
def info(
    name: Annotated[str, opt.argument("A model, family, task, dir:PATH, hub:ORG/NAME.", "NAME", autocompletion=names)],
    json: opt.Json = False,
    card: Annotated[bool, opt.flag("Show its card, as the Hub shows it.", "--card")] = False,
) -> None:
    """Show what a model does, what it takes and gives, how it was made and how good it is."""
    registry = open_registry()
    if card:
        _print_card(name, registry)
        return
    if name in registry.families:
        _print_family(registry.families[name], registry, json)
        return
    if ":" in name:
        from zoo.checkpoints.sources import open_source

        checkpoint = open_source(name)
        config, source, expects = checkpoint.config, checkpoint.origin, checkpoint.expects
    else:
        spec = registry.resolve(name)
        config, source, expects = spec.config, spec.source, spec.expects
    if json:
        import msgspec

        print_json({**msgspec.to_builtins(config), "source": source, "expects": msgspec.to_builtins(expects)})
        return
    from shlex import quote

    example = quote(name) if ":" in name else config.task if config.default_for else config.id
    facts = _facts(config, source)
    if expects:
        facts.append(("expects", expects.words + (", and tells other pictures apart" if expects.limits else "")))
    if name.startswith("hub:"):
        from zoo.checkpoints.hub.introduction import about

        facts = [*dict([*facts, *about(checkpoint, registry.families)]).items()]
    for line in _model_lines(config, facts, f"zoo run {example} photo.jpg"):
        echo(line)


@verbs.command("plugins", short_help="Show the plugins and what is wrong with them.")
def plugins(json: opt.Json = False) -> None:
    """Show every plugin: who brings it, its families and models, and why a broken one is left out."""
    from zoo.catalog.registry import Registry

    infos = Registry.discover().plugins
    if json:
        import msgspec

        print_json([{**msgspec.to_builtins(item), "state": _state(item)} for item in infos])
        return
    rows = [
        (
            item.plugin,
            f"{item.distribution} {item.version}",
            str(len(item.families)),
            str(len(item.models)),
            _state(item),
        )
        for item in infos
    ]
    print_table(("PLUGIN", "DISTRIBUTION", "FAMILIES", "MODELS", "STATE"), rows)


def _state(item: PluginInfo) -> str:
    if item.disabled:
        return "disabled by ZOO_DISABLE_PLUGINS"
    if item.problem:
        return item.problem.state
    return f"ok, but {item.warning}" if item.warning else "ok"


def _row(model: ModelSpec, registry: Registry) -> dict[str, Any]:
    config = model.config
    return {
        "id": model.id,
        "family": config.family,
        "task": config.task,
        "capabilities": config.can(),
        "parameters": config.weights.parameters,
        "license": config.license,
        "summary": config.summary,
        "source": model.source,
        "plugin": registry.plugin_of(model.id).plugin,
    }


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Rows in columns; on a terminal, each line is cut to its width."""
    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    for line in columns(rows):
        echo(line if width is None or len(line) <= width else line[: width - 1] + "…")


def _port(port: Port) -> str:
    """What a graph takes or gives, in words."""
    if port.kind != "image":
        return f"a {port.kind}"
    channels, *size = port.shape
    kind = {1: "gray", 3: "RGB"}.get(channels or 0, f"{channels} channels")
    if None in size:
        return f"{kind}, any size" + (f" in multiples of {port.multiple}" if port.multiple > 1 else "")
    return f"{kind} {size[1]}x{size[0]}"


def _model_lines(config: CheckpointConfig, facts: Sequence[tuple[str, str]], example: str) -> list[str]:
    lines = [config.id, f"  {config.summary}", "", *(f"  {line}" for line in columns(facts))]
    if config.metrics:
        from zoo.checkpoints.tables import is_overall

        head = ("FIGURE", "VALUE", "BASELINE", "PICTURES")
        overall = filter(is_overall, config.metrics)  # the card has those of sets and of other models
        lines += ["", *(f"  {line}" for line in columns([head, *map(_metric, overall)]))]
        lines += ["", f"  computed by: {config.metrics[0].command}"]
    return [*lines, "", f"  {example}"] if "translate" in config.can() else lines


def _facts(config: CheckpointConfig, source: str) -> list[tuple[str, str]]:
    weights, training = config.weights, config.training
    facts = [
        ("family", config.family),
        ("task", config.task or "-"),
        ("can", ", ".join(config.can())),
        ("license", config.license),
        ("weights", f"{weights.parameters:,} parameters, {weights.bytes / 1e6:.1f} MB of {weights.dtype}"),
        ("source", source),
    ]
    interface = config.interface
    if interface.latent:
        shape = " x ".join(str(length or "any") for length in interface.latent.shape)
        steps = f", denoised in {interface.latent.repeat} steps" if interface.latent.repeat > 1 else ""
        facts.append(("latent", f"{shape}, prior {interface.latent.prior}{steps}"))
    facts += [(role, _exchange(role, interface)) for role in interface.roles]
    facts += [(f"--set {condition.name}", condition.words) for condition in interface.conditions]
    if training:
        facts.append(("trained on", training.data))
        time = f"{training.seconds / 60:.0f} minutes on {training.hardware}"
        facts.append(("trained by", f"{training.recipe}: {training.steps:,} steps, {time}"))
    return facts


def _exchange(role: RoleName, interface: Interface) -> str:
    """What a graph takes and gives, and how pictures of other sizes come to that."""
    if role == "candidates":
        return "several likely answers to one picture"
    takes, gives = interface.inputs(role)[0], interface.outputs(role)[0]
    scale = interface.scale(role)
    times = f", {scale} times as high and wide" if scale != 1 else ""
    words = f"; {interface.fit(role).words}" if takes.kind == "image" else ""
    return f"{_port(takes)} to {_port(gives)}{times}{words}"


def _metric(metric: Metric) -> tuple[str, str, str, str]:
    spread = f" ± {metric.stderr:.3g}" if metric.stderr is not None else ""
    baseline = f"{metric.baseline:.4g}" if metric.baseline is not None else "-"
    return metric.name.replace("_", " "), f"{metric.value:.4g}{spread}", baseline, f"{metric.n} of {metric.split}"


def _print_card(name: str, registry: Registry) -> None:
    """The card, formatted on a terminal and as it is in its file elsewhere."""
    from zoo.catalog.text import printable_lines
    from zoo.checkpoints.cards import prose, read_card
    from zoo.errors import NotFoundError
    from zoo.loading import find_checkpoint

    checkpoint = find_checkpoint(name, registry)
    text = read_card(checkpoint.folder)
    if not text:
        raise NotFoundError(f"{checkpoint.origin} has no card")
    if not (sys.stdout and sys.stdout.isatty()):
        echo(printable_lines(text), end="")
        return
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.segment import Segment, Segments

    # Filtered when it is laid out: `&#27;` is a letter of the file, and an escape code only then. Links are shown as
    # they are, not hidden behind their words.
    console = Console()
    laid_out = console.render(Markdown(prose(text), hyperlinks=False))
    console.print(Segments(Segment(printable_lines(part.text), part.style) for part in laid_out), end="")


def _facts_of(family: Family, registry: Registry) -> dict[str, Any]:
    return {
        "family": family.name,
        "summary": family.summary,
        "paper": family.paper,
        "capabilities": list(family.capabilities),
        "presets": {name: dict(values) for name, values in family.presets.items()},
        "models": [model.id for model in registry.find(family=family.name)],
        "plugin": registry.plugin_of(family.name).plugin,
    }


def _print_families(families: Sequence[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(families)
        return
    if not families:
        note("no family matches; `zoo list --families` shows all")
        return
    head = ("FAMILY", "CAN", "MODELS", "PLUGIN", "SUMMARY")
    rows = [
        (item["family"], ", ".join(item["capabilities"]), str(len(item["models"])), item["plugin"], item["summary"])
        for item in families
    ]
    _print_columns([head, *rows])


def _print_family(family: Family, registry: Registry, json: bool) -> None:
    facts = _facts_of(family, registry)
    if json:
        print_json(facts)
        return
    echo(f"{family.name} (family)\n  {family.summary}\n")
    rows = [("can", ", ".join(family.capabilities)), ("paper", family.paper or "-")]
    rows += [
        ("presets", ", ".join(family.presets) or "-"),
        ("models", ", ".join(facts["models"]) or "none yet: zoo train"),
    ]
    for line in columns([*rows, ("plugin", str(facts["plugin"]))]):
        echo(f"  {line}")
