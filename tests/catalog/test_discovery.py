"""Plugins as installed distributions: each is loaded alone, and a broken one costs nothing but itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from zoo.catalog import Registry
from zoo.errors import PluginError

if TYPE_CHECKING:
    from conftest import FakePlugins

    from zoo.catalog import PluginProblem


def family(name: str) -> str:
    """The code of a hook that brings one family."""
    parts = "config='acme.config:C', network='acme.network:N', objective='acme.objective:O'"
    return f"@hookimpl\ndef zoo_families():\n    yield Family({name!r}, 'It', {parts}, capabilities=('encode',))\n"


def models(package: str) -> str:
    """The code of a hook that brings a package's checkpoints."""
    return f"@hookimpl\ndef zoo_models():\n    yield from bundled({package!r})\n"


def only_problem(fakes: FakePlugins) -> PluginProblem:
    """The problem of the one broken plugin, installed between two good ones that must both stand."""
    fakes.install("a-good-zoo", family("first"))
    fakes.install("z-good-zoo", family("last"))
    registry = fakes.registry()
    assert {"first", "last"} <= set(registry.families)
    (problem,) = registry.problems
    (info,) = [info for info in registry.plugins if info.problem]
    assert info.problem == problem
    assert info.families == info.models == ()
    assert "\n" not in problem.error
    return problem


def test_a_good_plugin_brings_its_families_and_models(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("acme-zoo", family("acme") + models("acme_zoo"), name="acme", version="2.5")
    fake_plugins.checkpoint("acme_zoo", "acme.small")
    registry = fake_plugins.registry()
    assert registry.problems == ()
    assert registry.family("acme").summary == "It"
    assert registry.model("acme.small").source == "bundled:acme_zoo/small"
    (info,) = registry.plugins
    assert (info.plugin, info.distribution, info.version, info.module) == ("acme", "acme-zoo", "2.5", "acme_zoo.plugin")
    assert (info.families, info.models, info.warning) == (("acme",), ("acme.small",), "")
    assert not info.builtin
    assert registry.plugin_of("acme") is registry.plugin_of("acme.small") is info


NO_HOOK = "PluginError: there is no hook 'zoo_familys': it is one of zoo_families, zoo_models"
NO_CAPABILITY = (
    "PluginError: family 'bad': there is no capability 'encod': it is one of encode, decode, generate, translate"
)
RAISES = "@hookimpl\ndef zoo_{hook}():\n    raise ValueError('two\\nlines \\x1b[31mred')\n"
LATE = "@hookimpl\ndef zoo_{hook}():\n    yield from ()\n    raise OSError('late')\n"
EXITS = "import sys\n@hookimpl\ndef zoo_{hook}():\n    sys.exit(3)\n"


@pytest.mark.parametrize(
    ("code", "stage", "error"),
    [
        ("import absent_module", "load", r"ModuleNotFoundError: .*'absent_module' \(try: pip install absent_module\)"),
        ("import torch.absent", "load", r"ModuleNotFoundError: .* \(try: pip install 'latent-zoo\[train\]'\)"),
        ("import bad_zoo.absent", "load", r"ModuleNotFoundError: .* \(try: pip install --force-reinstall bad-zoo\)"),
        ("from zoo.catalog import absent", "load", "ImportError: .*absent.*"),
        ("this is no python", "load", "SyntaxError: .*"),
        ("import sys; sys.exit('bye')", "load", "SystemExit: bye"),
        ("import sys; sys.exit()", "load", "SystemExit"),
        ("class Stop(BaseException): ...\nraise Stop", "load", "Stop"),
        (
            "class Odd(Exception):\n    def __str__(self):\n        raise TypeError\nraise Odd",
            "load",
            r"Odd: \(its message can't be read\)",
        ),
        ("@hookimpl\ndef zoo_familys(): return []", "register", NO_HOOK),
        ("@hookimpl\ndef zoo_models(extra): return []", "register", "PluginValidationError: .*extra.*"),
        ("def zoo_families(): return []", "register", "PluginError: zoo_families must be marked with @zoo.hookimpl"),
        ("", "register", "PluginError: zoo_families and zoo_models must be marked with @zoo.hookimpl"),
        (RAISES.format(hook="families"), "families", r"ValueError: two lines \[31mred"),
        (RAISES.format(hook="models"), "models", r"ValueError: two lines \[31mred"),
        (LATE.format(hook="families"), "families", "OSError: late"),
        (LATE.format(hook="models"), "models", "OSError: late"),
        (EXITS.format(hook="families"), "families", "SystemExit: 3"),
        (EXITS.format(hook="models"), "models", "SystemExit: 3"),
        ("@hookimpl\ndef zoo_families(): pass", "families", "TypeError: .*NoneType.*"),
        ("@hookimpl\ndef zoo_families(): return ['vae']", "families", "PluginError: zoo_families gave a str; .*"),
        ("@hookimpl\ndef zoo_models(): return [Family]", "models", "PluginError: zoo_models gave a type; .*"),
        ("@hookimpl\ndef zoo_models(): return [ModelSpec({}, 's')]", "models", "PluginError: model of 's': .*"),
        (family("Bad Name"), "families", "PluginError: family 'Bad Name': .*"),
        (family("bad").replace("acme.network:N", "acme.network"), "families", "PluginError: family 'bad': .*"),
        (family("bad").replace("encode", "encod"), "families", NO_CAPABILITY),
        (family("bad").replace("('encode',)", "'encode'"), "families", "PluginError: family 'bad': .*got `str`.*"),
        (models("zoo_absent"), "models", "PluginError: .*'zoo_absent'.*no such package.*"),
        (family("twice") + "    yield from zoo_families()", "families", "RecursionError: .*"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_others_stand(
    code: str, stage: str, error: str, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if not installed
    fake_plugins.install("bad-zoo", code, name="bad", version="0.3")
    problem = only_problem(fake_plugins)
    assert (problem.plugin, problem.distribution, problem.version) == ("bad", "bad-zoo", "0.3")
    assert (problem.stage, bool(re.fullmatch(error, problem.error))) == (stage, True), problem.error


def test_an_optional_hook_of_another_zoo_is_allowed(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("new-zoo", family("new") + "@hookimpl(optionalhook=True)\ndef zoo_to_come(): return []\n")
    assert list(fake_plugins.registry().families) == ["new"]


def test_a_plugin_whose_models_fail_brings_no_families(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("bad-zoo", family("half") + LATE.format(hook="models"))
    assert only_problem(fake_plugins).stage == "models"
    assert "half" not in fake_plugins.registry().families


def test_a_keyboard_interrupt_is_not_swallowed(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("acme-zoo", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        fake_plugins.registry()


def test_what_a_plugin_prints_stays_out_of_the_answer(
    fake_plugins: FakePlugins, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_plugins.install("acme-zoo", "print('hello')\n" + family("acme"))
    assert "acme" in fake_plugins.registry().families
    assert capsys.readouterr() == ("", "hello\n")


def test_a_hook_may_be_a_method_of_an_object(fake_plugins: FakePlugins) -> None:
    method = family("acme").replace("()", "(self)", 1).replace("\n", "\n    ").rstrip()
    fake_plugins.install("acme-zoo", f"class Hooks:\n    {method}\nhooks = Hooks()")
    entry_points = fake_plugins.folder / "acme_zoo-1.0.dist-info/entry_points.txt"
    entry_points.write_text("[zoo]\nit = acme_zoo.plugin:hooks\n")
    registry = fake_plugins.registry()
    assert (registry.problems, list(registry.families)) == ((), ["acme"])


@pytest.mark.parametrize("where", ["module", "hook"])
def test_a_heavy_import_is_a_warning(where: str, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    fake_plugins.write("torch.py", "")
    code = family("acme")
    code = f"import torch\n{code}" if where == "module" else code.replace("yield", "import torch; yield")
    fake_plugins.install("acme-zoo", code)
    fake_plugins.install("b-light-zoo", family("light"))
    heavy, light = fake_plugins.registry().plugins
    assert heavy.warning.startswith("imports torch at load")
    assert heavy.problem is None
    assert light.warning == ""


@pytest.mark.parametrize("disabled", ["bad", "bad-zoo", "Bad_Zoo", "other, bad ,more"])
def test_a_disabled_plugin_is_listed_but_never_imported(
    disabled: str, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", disabled)
    fake_plugins.install("acme-zoo", family("acme"))
    fake_plugins.install("bad-zoo", "raise KeyboardInterrupt", name="bad")
    registry = fake_plugins.registry()
    assert [(info.distribution, info.disabled) for info in registry.plugins] == [("acme-zoo", False), ("bad-zoo", True)]
    assert (registry.problems, list(registry.families)) == ((), ["acme"])


@pytest.mark.parametrize("code", ["raise ValueError('broken')", family("acme")], ids=["load", "conflict"])
def test_a_strict_zoo_raises_at_the_first_problem(
    code: str, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_plugins.install("acme-zoo", family("acme"))
    fake_plugins.install("bad-zoo", code, name="bad")
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "0")
    assert len(fake_plugins.registry().problems) == 1
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=r"plugin 'bad' of bad-zoo 1\.0 is left out") as caught:
        fake_plugins.registry()
    assert caught.value.__cause__ is not None


def test_plugins_are_sorted_with_the_zoo_first(fake_plugins: FakePlugins) -> None:
    for distribution in ("b-zoo", "latent-zoo", "A-zoo"):
        fake_plugins.install(distribution, family(distribution.lower()))
    two = "[zoo]\nz = b_zoo.plugin\na = b_zoo.plugin\n"
    fake_plugins.write("b_zoo-1.0.dist-info/entry_points.txt", two)
    found = [(info.distribution, info.plugin) for info in fake_plugins.registry().plugins]
    assert found == [("latent-zoo", "it"), ("A-zoo", "it"), ("b-zoo", "a"), ("b-zoo", "z")]


def test_installed_plugins_are_found_after_the_built_in_ones(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("acme-zoo", family("acme"))
    registry = Registry.discover()
    assert registry.plugin_of("acme").distribution == "acme-zoo"
    assert registry.plugins[0].builtin
    assert registry.plugin_of("colorizer-ae").builtin


@pytest.mark.parametrize("newer", ["plugin", "no plugin"])
def test_the_first_copy_of_a_distribution_on_the_path_counts(
    newer: str, fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_plugins.install("acme-zoo", family("acme"), version="1.0")
    other = fake_plugins.folder.parent / "other"
    shutil.copytree(fake_plugins.folder, other)
    (other / "acme_zoo-1.0.dist-info").rename(other / "acme_zoo-2.0.dist-info")
    metadata = other / "acme_zoo-2.0.dist-info/METADATA"
    metadata.write_text(metadata.read_text().replace("Name: acme-zoo\nVersion: 1.0", "Name: Acme_Zoo\nVersion: 2.0"))
    if newer == "no plugin":
        (other / "acme_zoo-2.0.dist-info/entry_points.txt").unlink()
    monkeypatch.syspath_prepend(other)
    registry = Registry.discover()
    versions = [info.version for info in registry.plugins if info.plugin == "it"]
    assert (versions, registry.problems) == (["2.0"] if newer == "plugin" else [], ())


def test_damaged_metadata_harms_no_one_else(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("acme-zoo", family("acme"))
    fake_plugins.install("nameless-zoo", family("nameless"))
    (fake_plugins.folder / "nameless_zoo-1.0.dist-info/METADATA").unlink()
    fake_plugins.install("garbled-zoo", "")
    fake_plugins.write("garbled_zoo-1.0.dist-info/entry_points.txt", "[zoo]\nno equals sign\n")
    fake_plugins.install("latin-zoo", "")
    (fake_plugins.folder / "latin_zoo-1.0.dist-info/entry_points.txt").write_bytes(b"[other]\n\xe9 = x\n")
    registry = Registry.discover()
    assert {"acme", "nameless", "colorizer-ae"} <= set(registry.families)
    (problem,) = registry.problems
    assert (problem.distribution, problem.stage) == ("garbled-zoo", "load")


def test_discovery_loads_nothing_heavy() -> None:
    script = """
import json, sys
from zoo.catalog import Registry
zoo = Registry.discover()
zoo.find(), zoo.tasks(), zoo.recipes()
print(json.dumps([list(zoo.families), list(sys.modules)]))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    families, loaded = json.loads(run.stdout)
    assert "colorizer-ae" in families
    heavy = {"torch", "timm", "torchvision", "numpy", "PIL", "onnxruntime", "cv2", "rich", "typer"}
    assert heavy & set(loaded) == set()
