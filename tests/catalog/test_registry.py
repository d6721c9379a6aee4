"""Names: what they mean, who may claim them, and what is said when there is no such name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from zoo.catalog import Registry, load_object
from zoo.errors import NotFoundError, PluginError, UsageError

if TYPE_CHECKING:
    from conftest import FakePlugins

Models = dict[str, tuple[str | None, tuple[str, ...]]]


def install(
    fakes: FakePlugins, distribution: str, families: tuple[str, ...] = (), models: Models | None = None
) -> None:
    """Install a plugin that brings these families, and models given as id -> (task, default_for)."""
    package = distribution.replace("-", "_")
    parts = ", ".join(f"{part}='{package}.{part}:It'" for part in ("config", "network", "objective"))
    brought = "".join(f"    yield Family({name!r}, '', {parts}, capabilities=())\n" for name in families)
    fakes.install(
        distribution,
        f"@hookimpl\ndef zoo_families():\n    yield from ()\n{brought}"
        f"@hookimpl\ndef zoo_models():\n    yield from bundled({package!r})\n",
    )
    for model, (task, default_for) in (models or {}).items():
        fakes.checkpoint(package, model, task, default_for)


@pytest.fixture
def zoo(fake_plugins: FakePlugins) -> FakePlugins:
    """A built-in plugin with two families that have models and one that has none."""
    models: Models = {
        "conv-vae.color": ("reconstruct", ()),
        "conv-vae.denoise": ("denoise", ()),
        "conv-vae.faces": ("reconstruct", ("reconstruct",)),
        "colorizer-ae.photos": ("colorize", ("colorize",)),
        "colorizer-ae.paintings": ("colorize", ()),
    }
    install(fake_plugins, "latent-zoo", ("conv-vae", "colorizer-ae", "dcgan"), models)
    return fake_plugins


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("conv-vae.color", "conv-vae.color"),
        ("conv-vae", "conv-vae.faces"),
        ("colorizer-ae", "colorizer-ae.photos"),
        ("colorize", "colorizer-ae.photos"),
        ("reconstruct", "conv-vae.faces"),
        ("denoise", "conv-vae.denoise"),
    ],
)
def test_a_name_resolves_as_an_id_then_a_family_then_a_task(name: str, model: str, zoo: FakePlugins) -> None:
    assert zoo.registry().resolve(name).id == model


def test_a_family_without_a_default_means_its_first_model(fake_plugins: FakePlugins) -> None:
    install(fake_plugins, "acme-zoo", ("acme",), {"acme.b": (None, ()), "acme.a": (None, ())})
    assert fake_plugins.registry().resolve("acme").id == "acme.a"
    install(fake_plugins, "brick-zoo", (), {"acme.c": ("sketch", ("sketch",))})
    assert fake_plugins.registry().resolve("acme").id == "acme.a"


def test_a_family_without_models_says_so(zoo: FakePlugins) -> None:
    with pytest.raises(NotFoundError, match="family 'dcgan' has no trained model here; `zoo train` makes one"):
        zoo.registry().resolve("dcgan")


def test_another_plugins_model_never_becomes_a_familys_default(zoo: FakePlugins) -> None:
    install(zoo, "acme-zoo", (), {"conv-vae.aaa": ("reconstruct", ("reconstruct",)), "dcgan.mine": (None, ())})
    registry = zoo.registry()
    assert registry.problems == ()
    assert registry.resolve("conv-vae").id == registry.resolve("reconstruct").id == "conv-vae.faces"
    assert registry.resolve("dcgan").id == "dcgan.mine"
    assert registry.plugin_of("conv-vae.aaa").distribution == "acme-zoo"


def test_a_model_needs_no_installed_family(fake_plugins: FakePlugins) -> None:
    install(fake_plugins, "acme-zoo", (), {"elsewhere.small": (None, ())})
    registry = fake_plugins.registry()
    assert registry.resolve("elsewhere").id == registry.resolve("elsewhere.small").id == "elsewhere.small"
    with pytest.raises(NotFoundError, match="no family 'elsewhere'"):
        registry.family("elsewhere")


def test_a_task_with_two_defaults_takes_the_zoos_own(zoo: FakePlugins) -> None:
    install(zoo, "acme-zoo", (), {"acme.photos": ("colorize", ("colorize",))})
    assert zoo.registry().resolve("colorize").id == "colorizer-ae.photos"


@pytest.mark.parametrize("default_for", [(), ("sketch",)], ids=["no default", "two defaults"])
def test_a_task_that_leaves_a_choice_lists_it(default_for: tuple[str, ...], fake_plugins: FakePlugins) -> None:
    install(fake_plugins, "acme-zoo", (), {"acme.a": ("sketch", default_for)})
    install(fake_plugins, "brick-zoo", (), {"brick.b": ("sketch", default_for)})
    with pytest.raises(UsageError, match=r"task 'sketch' has more than one model: acme\.a, brick\.b; give the name"):
        fake_plugins.registry().resolve("sketch")


@pytest.mark.parametrize(
    ("families", "models", "error"),
    [
        (("conv-vae", "new"), {}, r"family 'conv-vae' of bad-zoo .* is already brought by latent-zoo .*"),
        (("new",), {"conv-vae.faces": (None, ())}, r"model 'conv-vae\.faces' of bad-zoo .* brought by latent-zoo .*"),
        (("new", "colorize"), {}, "family 'colorize' of bad-zoo .* has the name of a task of latent-zoo .*"),
        (
            ("new",),
            {"colorize.a": (None, ())},
            "family 'colorize' of bad-zoo .* has the name of a task of latent-zoo .*",
        ),
        (("new",), {"new.a": ("dcgan", ())}, "task 'dcgan' of bad-zoo .* has the name of a family of latent-zoo .*"),
        (
            ("new",),
            {"new.a": (None, ("dcgan",))},
            "task 'dcgan' of bad-zoo .* has the name of a family of latent-zoo .*",
        ),
        (("new",), {"new.a": ("new", ())}, "task 'new' of bad-zoo .* has the name of a family of bad-zoo .*"),
        (("new", "new"), {}, r"family 'new' of bad-zoo \(plugin 'it'\) is already brought by bad-zoo \(plugin 'it'\)"),
    ],
)
def test_a_taken_name_is_refused_with_both_distributions_named(
    families: tuple[str, ...], models: Models, error: str, zoo: FakePlugins
) -> None:
    install(zoo, "bad-zoo", families, models)
    install(zoo, "fine-zoo", ("fine",))
    before = zoo.registry()
    (problem,) = before.problems
    assert (problem.distribution, problem.stage, problem.partly) == ("bad-zoo", "conflict", True)
    with pytest.raises(AssertionError, match=f"^PluginError: {error}$"):
        raise AssertionError(problem.error)
    assert list(before.families) == ["conv-vae", "colorizer-ae", "dcgan", "new", "fine"]
    assert before.resolve("conv-vae").source == "bundled:latent_zoo/faces"
    assert len(before.models) == 5


def test_a_clash_costs_only_that_family_and_its_models(zoo: FakePlugins) -> None:
    models: Models = {"dcgan.mine": (None, ()), "new.a": (None, ()), "new.b": ("dcgan", ())}
    install(zoo, "some-zoo", ("dcgan", "new"), models)
    registry = zoo.registry()
    (problem,) = registry.problems
    assert problem.partly
    assert str(problem).startswith("plugin 'it' of some-zoo 1.0 is left out in part (conflict): PluginError: family 'd")
    assert "task 'dcgan' of some-zoo" in problem.error
    assert registry.plugin_of("new") is registry.plugin_of("new.a")
    assert (registry.plugin_of("new").families, registry.plugin_of("new").models) == (("new",), ("new.a",))
    assert registry.plugin_of("dcgan").distribution == "latent-zoo"
    assert {"dcgan.mine", "new.b"}.isdisjoint(registry.models)


def test_a_plugin_whose_every_name_is_taken_brings_nothing(zoo: FakePlugins) -> None:
    install(zoo, "some-zoo", ("dcgan",), {"dcgan.mine": (None, ())})
    registry = zoo.registry()
    (problem,) = registry.problems
    assert not problem.partly
    assert "plugin 'it' of some-zoo 1.0 is left out (conflict)" in str(problem)
    assert "dcgan.mine" not in registry.models


def test_the_first_distribution_by_name_keeps_a_family_name(fake_plugins: FakePlugins) -> None:
    install(fake_plugins, "b-zoo", ("same",))
    install(fake_plugins, "a-zoo", ("same",))
    registry = fake_plugins.registry()
    assert registry.plugin_of("same").distribution == "a-zoo"
    assert [problem.distribution for problem in registry.problems] == ["b-zoo"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (
            None,
            ["colorizer-ae.paintings", "colorizer-ae.photos", "conv-vae.color", "conv-vae.denoise", "conv-vae.faces"],
        ),
        ("color", ["colorizer-ae.paintings", "colorizer-ae.photos", "conv-vae.color"]),
        ("color*", ["colorizer-ae.paintings", "colorizer-ae.photos"]),
        ("conv-vae.*", ["conv-vae.color", "conv-vae.denoise", "conv-vae.faces"]),
        ("*.[fp]?????*", ["colorizer-ae.paintings", "colorizer-ae.photos"]),
        ("VAE.F", ["conv-vae.faces"]),
        ("nothing", []),
    ],
)
def test_patterns_match_ids_as_a_shell_does_and_words_anywhere(
    pattern: str | None, found: list[str], zoo: FakePlugins
) -> None:
    assert [model.id for model in zoo.registry().find(pattern)] == found


def test_models_are_found_by_task_and_family_together(zoo: FakePlugins) -> None:
    registry = zoo.registry()
    assert [model.id for model in registry.find(task="reconstruct")] == ["conv-vae.color", "conv-vae.faces"]
    assert [model.id for model in registry.find("color", family="conv-vae")] == ["conv-vae.color"]
    assert registry.find(task="colorize", family="conv-vae") == []


def test_tasks_come_with_their_models(zoo: FakePlugins) -> None:
    tasks = {task: [model.id for model in models] for task, models in zoo.registry().tasks().items()}
    assert tasks == {
        "colorize": ["colorizer-ae.paintings", "colorizer-ae.photos"],
        "denoise": ["conv-vae.denoise"],
        "reconstruct": ["conv-vae.color", "conv-vae.faces"],
    }
    assert list(tasks) == sorted(tasks)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("colorise", "colorize"), ("conv-vea", "conv-vae"), ("Conv-VAE.Faces", r"conv-vae\.faces"), ("photos", "photos")],
)
def test_an_unknown_name_gets_a_suggestion(name: str, meant: str, zoo: FakePlugins) -> None:
    with pytest.raises(NotFoundError, match=f"no .* '{name}'; did you mean .*{meant}.*`zoo list` shows all"):
        zoo.registry().resolve(name)


def test_an_unknown_name_mentions_the_broken_plugins(zoo: FakePlugins) -> None:
    with pytest.raises(NotFoundError, match=r"^no model, family or task '!!'; `zoo list` shows all$"):
        zoo.registry().resolve("!!")
    zoo.install("bad-zoo", "raise ValueError", name="bad")
    with pytest.raises(NotFoundError, match=r"\(left out: bad; `zoo plugins` tells why\)$"):
        zoo.registry().resolve("!!")


def test_exact_lookups_take_no_other_kind_of_name(zoo: FakePlugins) -> None:
    registry = zoo.registry()
    with pytest.raises(NotFoundError, match=r"no family 'conv-vae\.faces'"):
        registry.family("conv-vae.faces")
    with pytest.raises(NotFoundError, match="no model 'conv-vae'"):
        registry.model("conv-vae")
    with pytest.raises(NotFoundError, match="no family or model 'colorize'"):
        registry.plugin_of("colorize")


def test_a_registry_never_changes(zoo: FakePlugins) -> None:
    registry = zoo.registry()
    with pytest.raises(TypeError):
        registry.families["x"] = registry.families["dcgan"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        registry.models = {}  # type: ignore[misc]
    assert Registry.build([]).find() == []


def test_recipes_are_found_and_the_first_of_a_name_is_kept(zoo: FakePlugins) -> None:
    install(zoo, "acme-zoo", ("acme",))
    for file in ("latent_zoo/recipes/faces.toml", "acme_zoo/recipes/faces.toml", "acme_zoo/recipes/mine.toml"):
        zoo.write(file, "")
    recipes = zoo.registry().recipes()
    assert {name: file.relative_to(zoo.folder).as_posix() for name, file in recipes.items()} == {
        "faces": "latent_zoo/recipes/faces.toml",
        "mine": "acme_zoo/recipes/mine.toml",
    }


def test_a_reference_is_imported_on_use(zoo: FakePlugins) -> None:
    zoo.write("latent_zoo/config.py", "class It: ...")
    assert load_object(zoo.registry().family("dcgan").config).__name__ == "It"


@pytest.mark.parametrize(
    ("reference", "code", "error"),
    [
        ("acme_zoo.part:It", "", "AttributeError: .*'It'"),
        ("acme_zoo.part:It", "import absent_module", r"ModuleNotFoundError: .* \(try: pip install absent_module\)"),
        ("acme_zoo.part:It", "raise SystemExit(4)", "SystemExit: 4"),
        ("acme_zoo.absent:It", "", r"ModuleNotFoundError: .* \(try: pip install --force-reinstall acme-zoo\)"),
        ("acme_zoo.part", "", "AttributeError: .*"),
        ("", "", "ValueError: .*"),
    ],
)
def test_a_failed_import_names_the_plugin_and_what_to_install(
    reference: str, code: str, error: str, fake_plugins: FakePlugins
) -> None:
    install(fake_plugins, "acme-zoo", ("acme",))
    fake_plugins.write("acme_zoo/part.py", code)
    plugin = fake_plugins.registry().plugin_of("acme")
    with pytest.raises(PluginError, match=rf"^can't import '{reference}' of plugin 'it' \(acme-zoo\): {error}$"):
        load_object(reference, plugin)
