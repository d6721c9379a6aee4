"""The typed interface: what families return, what config.json is written from, and what everything else asks."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zoo.catalog import FITS, ImageSpec, Interface, Latent, Registry, Role
from zoo.catalog.families import configured, interface_of
from zoo.catalog.interface import RoleName
from zoo.catalog.ports import Port, agrees
from zoo.catalog.spec import format_config, weights_format
from zoo.errors import PluginError
from zoo.inference.fit import STRATEGIES

REGISTRY = Registry.discover()
GRAY, COLOUR = ImageSpec(channels=1, size=(8, 8)), ImageSpec(channels=3, size=(8, 8))
FREE = ImageSpec(channels=3, multiple=4)
VAE = Interface(
    latent=Latent((2, None, None)),
    roles={"encode": Role(FREE, fit="pad"), "decode": Role(output=FREE), "translate": Role(FREE, FREE, "tile")},
)


def config_file(source: str) -> bytes:
    """The config.json of a bundled checkpoint, as it lies in its package."""
    package, _, tag = source.removeprefix("bundled:").partition("/")
    (folder,) = find_spec(package).submodule_search_locations  # type: ignore[union-attr, misc]
    return Path(folder, "checkpoints", tag, "config.json").read_bytes()


@pytest.mark.parametrize("name", sorted(REGISTRY.models))
def test_config_json_is_the_familys_interface_and_facts(name: str) -> None:
    model = REGISTRY.models[name]
    config = model.config
    interface = interface_of(configured(REGISTRY.family(config.family), config.config))
    sampler = config.latent.sampler if config.latent else None
    if sampler and not (interface.latent and interface.latent.noise):
        interface = interface.with_sampler(sampler.noise[0])  # a prior that was fitted after training
    if config.latent and config.latent.prior == "none":  # draws of which show nothing
        interface = interface.without_prior()
    hashes = {role: spec.sha256 for role, spec in config.graph_specs().items()}
    facts = msgspec.to_builtins(config)
    for part in ("format", "latent", "capabilities"):
        del facts[part]
    facts["format"] = max(interface.format, weights_format(config.weights.dtype))
    made = msgspec.convert(
        {**interface.config_json(hashes, sampler.numbers if sampler else 0), **facts}, type(config), strict=True
    )
    assert format_config(made) == config_file(model.source)
    assert made.interface == interface


def test_every_fit_is_carried_out_and_has_words() -> None:
    assert set(STRATEGIES) == set(FITS)
    assert all(name == fit.name and fit.words for name, fit in FITS.items())


def test_ports_are_named_and_shaped_by_their_role() -> None:
    assert VAE.inputs("encode") == (Port(name="image", kind="image", shape=(3, None, None), multiple=4),)
    mean, log_variance = VAE.outputs("encode")
    assert (mean.name, mean.kind, mean.shape, mean.optional) == ("mean", "latent", (2, None, None), False)
    assert (log_variance.name, log_variance.optional) == ("log_variance", True)
    assert [port.name for port in (*VAE.inputs("decode"), *VAE.outputs("decode"))] == ["latent", "image"]
    assert VAE.outputs("translate")[0].name == "translated"


def test_shapes_grow_by_what_a_free_axis_must_be_a_multiple_of() -> None:
    assert VAE.shape("encode", batch=5, side=3) == ((5, 3, 12, 12),)
    assert VAE.shape("decode", batch=2, side=2) == ((2, 2, 8, 8),)
    assert (VAE.free_axes("encode"), VAE.free_axes("decode")) == (((0, 2, 3),), ((0, 2, 3),))
    fixed = Interface(roles={"translate": Role(GRAY, COLOUR, "chroma")})
    assert fixed.shape("translate", 1, 9) == ((1, 1, 8, 8),)
    assert fixed.free_axes("translate") == ((0,),)


def test_a_sampler_adds_a_graph_and_draws_from_noise() -> None:
    fitted = VAE.with_sampler(7)
    assert (VAE.graphs(), fitted.graphs()[-1]) == (("encode", "decode", "translate"), "sample")
    assert fitted.inputs("sample") == (Port(name="noise", kind="noise", shape=(7,), multiple=4),)
    assert fitted.can() == VAE.can() == ("encode", "decode", "generate", "translate")
    with pytest.raises(TypeError, match="no prior"):
        Interface(roles={"translate": Role(GRAY, GRAY, "pad")}).with_sampler(7)


def test_what_a_role_takes_and_gives_is_asked_of_the_interface() -> None:
    assert (VAE.takes("encode"), VAE.gives("decode"), VAE.fit("translate").name) == (FREE, FREE, "tile")
    for ask, role in ((VAE.takes, "decode"), (VAE.gives, "encode"), (VAE.fit, "decode"), (VAE.takes, "sample")):
        with pytest.raises(TypeError, match=f"^{role} "):
            ask(role)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("promised", "shape", "holds"),
    [((2, None), (2, 5), True), ((2, None), (3, 5), False), ((2,), (2, 5), False), ((), (), True)],
)
def test_a_shape_agrees_with_a_promise(promised: tuple[int | None, ...], shape: tuple[int, ...], holds: bool) -> None:
    assert agrees(promised, shape) is holds


def candidates(**changes: Any) -> dict[RoleName, Role]:
    usual = Role(GRAY, COLOUR, "chroma")
    return {"translate": usual, "candidates": msgspec.structs.replace(usual, input=COLOUR, **changes)}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Interface(roles={"translate": Role(output=GRAY)}), "'translate' must say its input and fit"),
        (lambda: Interface(roles={"translate": Role(GRAY, fit="pad")}), "'translate' must say its output"),
        (lambda: Interface(roles={"decode": Role(output=GRAY)}), "must say its latent"),
        (lambda: Interface(latent=Latent((2,)), roles={"encode": Role(GRAY, fit="tile")}), "has one of resize, pad"),
        (lambda: Interface(roles=candidates(fit="resize")), "the output and the fit of translate"),
        (lambda: Interface(roles=candidates(output=GRAY)), "must give images of channels=3"),
        (lambda: Role(GRAY, GRAY, "chroma"), "'chroma' the network must give images of channels=3"),
        (lambda: Role(COLOUR, COLOUR, "squash"), "no fit 'squash': it is one of resize, pad, tile, "),
        (lambda: Role(COLOUR, COLOUR, "drawing"), "must take images of channels=1"),
        (lambda: Role(ImageSpec(channels=1), COLOUR, "drawing"), "needs the size of the square"),
        (lambda: Latent((2,), "sampler"), "has a sampler exactly if"),
        (lambda: Latent((2,), noise=(2,)), "has a sampler exactly if"),
    ],
)
def test_promises_that_contradict_themselves_are_refused(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


class Given:
    """A configuration whose interface() returns what it is given."""

    def __init__(self, interface: Any) -> None:
        self.given = interface

    def interface(self) -> Any:
        return self.given


def test_a_plugin_that_returns_a_dict_is_told_what_to_return() -> None:
    with pytest.raises(
        PluginError, match=r"gives a dict: return a zoo\.catalog\.Interface, as Interface\(roles="
    ) as error:
        interface_of(Given({"capabilities": {}}))
    assert "\n" not in str(error.value)


def test_numbers_out_of_bounds_are_a_plugins_error() -> None:
    too_many = Interface(roles={"translate": Role(ImageSpec(channels=9), COLOUR, "pad")})
    with pytest.raises(PluginError, match=r"`int` <= 4 .*channels"):
        interface_of(Given(too_many))


def test_lists_of_a_plugin_become_tuples() -> None:
    listed = Interface(roles={"translate": Role(ImageSpec(channels=1, size=[8, 8]), GRAY, "pad")})  # type: ignore[arg-type]
    assert interface_of(Given(listed)) == Interface(roles={"translate": Role(GRAY, GRAY, "pad")})
