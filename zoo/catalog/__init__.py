"""What exists: the schema of families and checkpoints, the hooks of plugins, and the registry they fill."""

from zoo.catalog.bundled import bundled
from zoo.catalog.hookspecs import ZooSpecs, hookimpl
from zoo.catalog.plugins import LoadedPlugin, PluginInfo, PluginProblem
from zoo.catalog.registry import Registry, load_object, tasks_of
from zoo.catalog.spec import Capability, CheckpointConfig, Family, ModelSpec, format_config, parse_config

__all__ = [
    "Capability",
    "CheckpointConfig",
    "Family",
    "LoadedPlugin",
    "ModelSpec",
    "PluginInfo",
    "PluginProblem",
    "Registry",
    "ZooSpecs",
    "bundled",
    "format_config",
    "hookimpl",
    "load_object",
    "parse_config",
    "tasks_of",
]
