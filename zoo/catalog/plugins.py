"""Finding plugins and taking what they bring, each one alone, so that a broken plugin costs nothing but itself."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
import pluggy

from zoo.catalog.hookspecs import ZooSpecs
from zoo.catalog.interface import CAPABILITIES, require_known
from zoo.catalog.spec import CheckpointConfig, Family, ModelSpec, Name
from zoo.catalog.text import printable
from zoo.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution, EntryPoint

GROUP = "zoo"
BUILTIN = "latent-zoo"
UNKNOWN = "unknown"
HOOKS = ("zoo_families", "zoo_models")

Stage = Literal["load", "register", "families", "models", "conflict"]
Item = TypeVar("Item", Family, ModelSpec)
Reference = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*\Z")]

# A model on the Hub is named by a commit, which never changes, and the sha256 of its config.json, which holds the rest.
PINNED = re.compile(r"hub:[^@#\s/]+/[^@#\s/]+@[0-9a-f]{40}#[0-9a-f]{64}")

_HEAVY = ("torch", "timm", "torchvision")
_TRAIN = {"accelerate", "matplotlib", "onnx", "onnxscript", "timm", "torch", "torchmetrics", "torchvision"}
_DISTRIBUTIONS = {  # modules that go by another name on the package index
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "zoo": "--upgrade latent-zoo",
    **dict.fromkeys(_TRAIN, "'latent-zoo[train]'"),
}


@dataclass(frozen=True)
class PluginProblem:
    """Why a plugin was left out; `error` is one line, `Type: message`.

    `partly`: only what has a name that is taken was left out, and the rest of the plugin is in the registry.
    """

    plugin: str
    distribution: str
    version: str
    stage: Stage
    error: str
    partly: bool = False

    @property
    def state(self) -> str:
        """That it is left out, at which stage and why."""
        return f"left out{' in part' if self.partly else ''} ({self.stage}): {self.error}"

    def __str__(self) -> str:
        origin = f"{self.distribution} {self.version}".strip()
        return f"plugin {self.plugin!r} of {origin} is {self.state}"


@dataclass(frozen=True)
class PluginInfo:
    """A plugin as found: its entry point, what of it is in the registry, and what is wrong with it.

    `plugin` is the entry point's name and `module` its value. Disabled or with a problem, a plugin brings nothing,
    unless the problem says `partly`.
    """

    plugin: str
    distribution: str
    version: str = ""
    module: str = ""
    families: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    problem: PluginProblem | None = None
    warning: str = ""
    disabled: bool = False

    @property
    def builtin(self) -> bool:
        """Whether it comes with the zoo itself."""
        return normalized(self.distribution) == BUILTIN


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin and what its hooks returned, not yet weighed against other plugins."""

    info: PluginInfo
    families: tuple[Family, ...] = ()
    models: tuple[ModelSpec, ...] = ()


def installed_plugins() -> Iterator[LoadedPlugin]:
    """Load every installed plugin. Raises PluginError at the first problem if `ZOO_STRICT_PLUGINS` is 1."""
    from importlib import metadata

    entry_points: list[EntryPoint] = []
    unreadable: dict[str, LoadedPlugin] = {}
    # Not metadata.entry_points(): that parses every distribution's file, and stops at the first malformed one.
    for distribution in metadata.distributions():
        try:
            if f"[{GROUP}]" not in (distribution.read_text("entry_points.txt") or ""):
                continue
        except (OSError, UnicodeDecodeError):  # an untrusted file; it can't be told from a plugin's
            continue
        name, version = name_and_version(distribution)
        try:  # of several copies on the path the first one counts, even if that one is no plugin
            first = distribution if name == UNKNOWN else metadata.distribution(name)
            entry_points += (entry for entry in first.entry_points if entry.group == GROUP)
        except Exception as error:  # the list is malformed; what each version of Python makes of that differs
            info = PluginInfo("entry_points.txt", name, version)
            unreadable[name] = LoadedPlugin(refused(info, "load", error))
    yield from load_plugins(entry_points)
    yield from unreadable.values()


def load_plugins(entry_points: Iterable[EntryPoint]) -> Iterator[LoadedPlugin]:
    """Load each entry point alone, the zoo's own first, then by distribution and name; a repeated one counts once.

    Plugins that `ZOO_DISABLE_PLUGINS` names, by entry point or by distribution, are listed but not imported.
    """
    disabled = {normalized(name.strip()) for name in os.environ.get("ZOO_DISABLE_PLUGINS", "").split(",")}
    found: dict[tuple[bool, str, str], tuple[PluginInfo, EntryPoint]] = {}
    for entry_point in entry_points:
        info = PluginInfo(entry_point.name, *name_and_version(entry_point.dist), module=entry_point.value)
        key = (not info.builtin, normalized(info.distribution), info.plugin)
        found.setdefault(key, (info, entry_point))
    for _, (info, entry_point) in sorted(found.items(), key=lambda item: item[0]):
        if disabled & {normalized(info.plugin), normalized(info.distribution)}:
            yield LoadedPlugin(replace(info, disabled=True))
        else:
            yield _load(info, entry_point)


def refused(info: PluginInfo, stage: Stage, error: BaseException, *, partly: bool = False) -> PluginInfo:
    """The record of a plugin that is left out, wholly or `partly`.

    Raises PluginError instead if `ZOO_STRICT_PLUGINS` is 1.
    """
    problem = PluginProblem(info.plugin, info.distribution, info.version, stage, one_line(error, info), partly)
    if os.environ.get("ZOO_STRICT_PLUGINS", "0") not in {"", "0"}:
        raise PluginError(str(problem)) from error
    return replace(info, problem=problem)


def one_line(error: BaseException, plugin: PluginInfo | None = None) -> str:
    """`Type: message` on one line of printable characters; for a missing module, with what to install."""
    try:
        message = " ".join(printable(str(error)).split())
    except Exception:  # an untrusted exception may fail even at this
        message = "(its message can't be read)"
    line = f"{type(error).__name__}: {message[:500]}".removesuffix(": ")
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        incomplete = plugin and top == re.split("[.:]", plugin.module)[0]
        target = f"--force-reinstall {plugin.distribution}" if plugin and incomplete else _DISTRIBUTIONS.get(top, top)
        line += f" (try: pip install {target})"
    return line


def normalized(name: str) -> str:
    """A distribution's name as the package index compares it: lower case, runs of `-_.` as one `-`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version of a distribution, from the head of its metadata; UNKNOWN and nothing where it has none.

    `Distribution.name` and `.version` run a mail parser over the whole of it, readme included, and fail without it.
    """
    text = ""
    if distribution:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    fields = dict(line.partition(": ")[::2] for line in text.partition("\n\n")[0].splitlines())
    return fields.get("Name", UNKNOWN).strip(), fields.get("Version", "").strip()


def _load(info: PluginInfo, entry_point: EntryPoint) -> LoadedPlugin:
    before = set(sys.modules)
    stage: Stage = "load"
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the answer, and may be a picture
            plugin = entry_point.load()
            stage = "register"
            hooks = _hooks(plugin, info.plugin)
            stage = "families"
            families = _collect(hooks, "zoo_families", Family)
            stage = "models"
            models = _collect(hooks, "zoo_models", ModelSpec)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in a plugin must not end the program
        loaded = LoadedPlugin(refused(info, stage, error))
    else:
        loaded = LoadedPlugin(info, families, models)
    heavy = [name for name in _HEAVY if name in sys.modules and name not in before]
    if heavy:
        warning = f"imports {', '.join(heavy)} at load: every command waits for it; move it into network.py"
        loaded = replace(loaded, info=replace(loaded.info, warning=warning))
    return loaded


def _hooks(plugin: object, name: str) -> pluggy.PluginManager:
    """The plugin registered all by itself, so that what is wrong is wrong with this one, and dropping it undoes all."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(ZooSpecs)
    manager.register(plugin, name)
    for caller in manager.get_hookcallers(plugin) or ():
        if not caller.has_spec() and not all(found.optionalhook for found in caller.get_hookimpls()):
            raise PluginError(f"there is no hook {caller.name!r}: it is one of {', '.join(HOOKS)}")
    unmarked = [hook for hook in HOOKS if hasattr(plugin, hook) and not getattr(manager.hook, hook).get_hookimpls()]
    if unmarked or not manager.get_hookcallers(plugin):
        raise PluginError(f"{' and '.join(unmarked or HOOKS)} must be marked with @zoo.hookimpl")
    return manager


def _collect(hooks: pluggy.PluginManager, hook: str, kind: type[Item]) -> tuple[Item, ...]:
    items: list[Any] = []
    for implementation in getattr(hooks.hook, hook).get_hookimpls():
        items += implementation.function()  # runs a generator to its end here, inside the caller's try
    for item in items:
        if not isinstance(item, kind):
            raise PluginError(f"{hook} gave a {type(item).__name__}; it gives {kind.__name__}s only")
        _check(item)
    return tuple(items)


def _check(item: Family | ModelSpec) -> None:
    """Hold an item to its schema, since a plugin may have built it with anything. Raises PluginError."""
    try:
        if isinstance(item, ModelSpec):
            msgspec.convert(msgspec.to_builtins(item.config), CheckpointConfig)
            msgspec.convert(item.source, str)
            if item.source.startswith("hub:") and not PINNED.fullmatch(item.source):
                raise ValueError("on the Hub it must be hub:ORG/NAME@COMMIT#SHA256, whole, as `zoo pull` prints it")
        else:
            msgspec.convert(item.name, Name)
            require_known("capability", item.capabilities, CAPABILITIES)
            msgspec.convert({**vars(item), "presets": dict(item.presets)}, Family)
            optional = [part for part in ("objective", "weight_names") if getattr(item, part)]
            for part in ("config", "network", *optional):
                msgspec.convert(getattr(item, part), Reference)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        label = f"model of {item.source!r}" if isinstance(item, ModelSpec) else f"family {item.name!r}"
        raise PluginError(f"{label}: {error}") from error
