"""The contract checks of a family find what breaks the contract, each by its own line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tiny import write_checkpoint

from zoo.catalog import Registry
from zoo.catalog.families import configured
from zoo.checkpoints.format import read_checkpoint
from zoo.testing import Finding, check_family
from zoo.testing.checkpoints import checkpoint_findings
from zoo.testing.families import family_findings
from zoo.testing.objectives import labelled_recipe, objective_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import FakePlugins

LIVE = """
@hookimpl
def zoo_families():
    yield Family(
        name="live", summary="Live", config="live.config:Config", network="live.network:Network",
        objective="live.objective:Objective", capabilities=("encode", "decode", "translate"),
    )
"""
CONFIG = """
import msgspec
from zoo.catalog import ImageSpec, Interface, Latent, Role

class Config(msgspec.Struct, forbid_unknown_fields=True):
    def interface(self):
        image = ImageSpec(channels=1, size=(8, 8))
        roles = {"encode": Role(image, fit="resize"), "decode": Role(output=image)}
        return Interface(latent=Latent((4,), "none"), roles={**roles, "translate": Role(image, image, "resize")})
"""
NETWORK = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.inner = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
        self.outer = nn.Sequential(nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8)), nn.Sigmoid())

    def encode(self, x):
        return self.inner(x)

    def decode(self, z):
        return self.outer(z)

    def translate(self, x):
        return self.decode(self.encode(x))
"""
OBJECTIVE = """
import msgspec
from zoo.training.objective import Evaluation
from live.network import Network

class Options(msgspec.Struct, forbid_unknown_fields=True):
    pass

class Objective:
    Options = Options

    def __init__(self, config, options):
        self.config = config

    def prepare(self, pictures):
        pass

    def networks(self):
        return {"model": Network(self.config)}

    def losses(self, nets, batch, rng):
        yield "model", (nets["model"].translate(batch.input) - batch.target).square().mean(), {}

    def evaluate(self, net, batches):
        return Evaluation({"error": 0.5})
"""


def write_live(plugins: FakePlugins, **files: str) -> None:
    plugins.install("live", LIVE)
    for name, text in {"config": CONFIG, "network": NETWORK, "objective": OBJECTIVE, **files}.items():
        plugins.write(f"live/{name}.py", text)


def first_failure(plugins: FakePlugins) -> str:
    registry = plugins.registry()
    return str(next(finding for finding in check_live(registry) if not finding.passed))


def check_live(registry: Registry) -> Iterator[Finding]:
    return family_findings(registry.family("live"), registry.plugin_of("live"))


def test_a_family_of_thirty_lines_passes(fake_plugins: FakePlugins) -> None:
    write_live(fake_plugins)
    check_family("live")


@pytest.mark.parametrize(
    ("file", "old", "new", "advice"),
    [
        ("config", '"none"', '"normal"', "promises generate: make interface() and capabilities"),
        ("config", 'Role(image, fit="resize")', 'Role(image, fit="squash")', "there is no fit 'squash': it is one of"),
        ("config", 'Role(image, fit="resize")', 'Role(image, fit="tile")', "encode has one of resize, pad"),
        ("config", "image, image", 'image, "gray"', "Expected `object | null`, got `str` - at `$.roles[...].output`"),
        ("config", '"translate":', '"translat":', "no role 'translat': it is one of encode, decode, translate"),
        ("config", "return Interface(", "return dict(", "gives a dict: return a zoo.catalog.Interface"),
        ("config", "def interface", "def other", "there is no interface() of live.config:Config"),
        ("config", "import msgspec", "import msgspec, torch", "live.config imports torch at load"),
        ("network", "nn.Linear(64, 4)", "nn.Linear(64, 5)", "mean has shape (3, 5), interface() says (N, 4)"),
        ("network", ", nn.Sigmoid()", "", "end decode with a sigmoid or a clamp"),
        ("network", "self.inner(x)", "self.inner(x) / 0", "numbers that are not finite"),
        ("network", "self.inner(x)", "self.inner(x) - x.mean()", "encode: an item of a batch gives the same alone"),
        ("network", "self.inner(x)", "self.inner(x + torch.rand(1))", "encode: the same input gives the same again"),
        ("network", "self.inner(x)", "[self.inner(x)] * 1", "encode: answers have the shape"),
        ("network", "super().__init__()", "super().__init__(); torch.seed()", "the same seed builds the same weights"),
        ("network", "self.outer(z)", "torch.linalg.eigvals(z @ z.T).real[0] * 0 + self.outer(z)", "graph"),
    ],
)  # fmt: skip
def test_a_family_that_breaks_the_contract_is_told_what_to_do(
    fake_plugins: FakePlugins, file: str, old: str, new: str, advice: str
) -> None:
    text = {"config": CONFIG, "network": NETWORK}[file]
    assert old in text
    write_live(fake_plugins, **{file: text.replace(old, new, 1)})
    assert advice in first_failure(fake_plugins)


def test_weights_outside_of_the_state_dict_are_missed(fake_plugins: FakePlugins) -> None:
    hidden = NETWORK.replace("super().__init__()", "super().__init__(); self.scale = [torch.rand(4)]")
    write_live(fake_plugins, network=hidden.replace("self.inner(x)", "self.inner(x) * self.scale[0]"))
    assert "every part of the network must be in its state_dict" in first_failure(fake_plugins)


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        (".square().mean()", ".square().mean() * 0 + 1", "does each loss reach the parameters"),
        ('yield "model"', 'yield "critic"', "losses() yields for 'critic'; networks() has: model"),
        ('yield "model", ', "return; yield ", "losses() yields nothing"),
        (".square().mean()", ".log().mean()", "on pictures in [0, 1]"),
        (
            "Network(self.config)",
            "__import__('torch').nn.Linear(2, 2)",
            "the first of networks() must be a live.network",
        ),
        ('Evaluation({"error": 0.5})', "0.5", "evaluate() gives a float"),
        ('"error": 0.5', '"error": float("nan")', "figures that are not finite: error"),
    ],
)
def test_an_objective_that_does_not_train_is_told_what_to_do(
    fake_plugins: FakePlugins, old: str, new: str, advice: str
) -> None:
    assert old in OBJECTIVE
    write_live(fake_plugins, objective=OBJECTIVE.replace(old, new))
    family = fake_plugins.registry().family("live")
    failed = [str(found) for found in objective_findings(family, configured(family, {}), {}) if not found.passed]
    assert advice in " ".join(failed)


def test_a_network_that_does_not_take_the_weights_is_told(fake_plugins: FakePlugins, tmp_path: Path) -> None:
    write_live(fake_plugins)
    checkpoint = read_checkpoint(write_checkpoint(tmp_path / "tiny"), "dir:tiny")
    findings = checkpoint_findings(checkpoint, fake_plugins.registry().family("live"))
    (failed,) = [found for found in findings if not found.passed and "network" in found.check]
    assert failed.check == "the network of live takes the weights"
    assert "weights don't match the family's network" in failed.advice


def test_a_recipe_that_does_not_fit_is_told(fake_plugins: FakePlugins) -> None:
    write_live(fake_plugins)
    recipe = '[model]\nid = "live.one"\nfamily = "live"\n[data]\nsource = "folder:x"\nsize = 8\n'
    recipe += "[optimizer.model]\n[train]\nepochs = 1\nbatch = 1\nseed = 0\n[objective]\nspeed = 3\n"
    fake_plugins.write("live/recipes/live-one.toml", recipe)
    assert "live-one.toml is a recipe: ValidationError: Object contains unknown field `speed`" in first_failure(
        fake_plugins
    )


@pytest.mark.parametrize("preset", ["tiny", "large"])
def test_an_objective_is_given_the_labels_a_recipe_names(fake_plugins: FakePlugins, preset: str) -> None:
    loss = "(nets["
    write_live(fake_plugins, objective=OBJECTIVE.replace(loss, "batch.labels[:, 1].sum() * 0 + " + loss))
    recipe = f'[model]\nid = "live.one"\nfamily = "live"\npreset = "{preset}"\n[data]\nsource = "folder:x"\nsize = 8\n'
    recipe += 'labels = ["smile", "hat"]\n[optimizer.model]\n[train]\nepochs = 1\nbatch = 1\nseed = 0\n[objective]\n'
    fake_plugins.write("live/recipes/live-one.toml", recipe)
    family = fake_plugins.registry().family("live")
    _, labels = labelled_recipe(family, "tiny", [fake_plugins.folder / "live/recipes/live-one.toml"])
    unlabelled, labelled = (list(objective_findings(family, configured(family, {}), {}, n)) for n in (0, labels))
    assert any("'NoneType' object is not subscriptable" in finding.advice for finding in unlabelled)
    assert all(finding.passed for finding in labelled)
