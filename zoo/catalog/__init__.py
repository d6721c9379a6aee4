"""What exists: the schema of families and checkpoints, the hooks of plugins, and the registry they fill."""

from zoo.catalog.bundled import bundled
from zoo.catalog.conditions import Condition
from zoo.catalog.fits import FITS, Fit, FitSpec
from zoo.catalog.hookspecs import ZooSpecs, hookimpl
from zoo.catalog.interface import Capability, Interface, Latent, Role
from zoo.catalog.plugins import LoadedPlugin, PluginInfo, PluginProblem
from zoo.catalog.ports import ImageSpec
from zoo.catalog.registry import Registry, load_object, tasks_of
from zoo.catalog.spec import CheckpointConfig, Family, ModelSpec, format_config, parse_config

__all__ = [
    "FITS",
    "Capability",
    "CheckpointConfig",
    "Condition",
    "Family",
    "Fit",
    "FitSpec",
    "ImageSpec",
    "Interface",
    "Latent",
    "LoadedPlugin",
    "ModelSpec",
    "PluginInfo",
    "PluginProblem",
    "Registry",
    "Role",
    "ZooSpecs",
    "bundled",
    "format_config",
    "hookimpl",
    "load_object",
    "parse_config",
    "tasks_of",
]
