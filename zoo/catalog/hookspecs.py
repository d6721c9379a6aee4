"""The hooks of a plugin: two, and both return data.

A plugin is an installed distribution with an entry point in the group `zoo` that names a module; the functions of that
module marked with `hookimpl` are its hooks. Both are called whenever a name is looked up, so they import nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from zoo.catalog.spec import Family, ModelSpec

hookspec = pluggy.HookspecMarker("zoo")
hookimpl = pluggy.HookimplMarker("zoo")


class ZooSpecs:
    """What a plugin may bring."""

    @hookspec
    def zoo_families(self) -> Iterable[Family]:
        """Architectures. Their parts are named by strings and imported only when used.

        >>> from zoo.catalog import Family, hookimpl
        >>> @hookimpl
        ... def zoo_families():
        ...     yield Family(
        ...         name="tiny-vae",
        ...         summary="The smallest variational autoencoder",
        ...         config="zoo_tiny.config:TinyConfig",
        ...         network="zoo_tiny.network:Tiny",
        ...         objective="zoo_tiny.objective:TinyObjective",
        ...         capabilities=("encode", "decode", "generate"),
        ...         presets={"base": {"latent": 2}},
        ...     )
        >>> [family.name for family in zoo_families()]
        ['tiny-vae']
        """
        raise NotImplementedError

    @hookspec
    def zoo_models(self) -> Iterable[ModelSpec]:
        """Trained members of families, the plugin's own or another's; here those in `zoo_tiny/checkpoints/*`.

        >>> from zoo.catalog import bundled, hookimpl
        >>> @hookimpl
        ... def zoo_models():
        ...     yield from bundled("zoo_tiny")
        >>> [(model.id, model.source) for model in zoo_models()]
        [('tiny-vae.digits', 'bundled:zoo_tiny/digits')]
        """
        raise NotImplementedError
