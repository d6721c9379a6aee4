"""The contract checks find what breaks the contract, each by its own line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper
from tiny import WEIGHTS, make_model, write_checkpoint

from zoo.catalog import Registry
from zoo.catalog.families import configured
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import IntegrityError, NotFoundError
from zoo.inference.backends.onnx import OnnxBackend
from zoo.testing import Finding, check, check_checkpoint, check_family, check_plugin
from zoo.testing.checkpoints import checkpoint_findings
from zoo.testing.families import family_findings
from zoo.testing.objectives import objective_findings
from zoo.testing.plugins import plugin_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import FakePlugins

FAMILY = """
@hookimpl
def zoo_families():
    yield Family(
        name="small", summary="Small", config="small.parts:Config", network="small.parts:Network",
        objective="small.parts:Objective", capabilities=("translate", "generate"),
        presets={"good": {"width": 2}, "bad": {"width": 0}},
    )
"""
PARTS = """
from typing import Annotated
import msgspec

class Config(msgspec.Struct, forbid_unknown_fields=True):
    width: Annotated[int, msgspec.Meta(ge=1)] = 1

class Network:
    def translate(self, image):
        return image

class Objective:
    pass
"""


def failures(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.advice for finding in findings if not finding.passed}


def findings_of(plugins: FakePlugins, name: str = "it") -> list[Finding]:
    return check(name, plugins.registry())


def test_every_string_and_preset_of_a_family_is_tried(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("small", FAMILY)
    fake_plugins.write("small/parts.py", PARTS)
    findings = findings_of(fake_plugins)
    assert [finding.check for finding in findings] == [
        "it: loads, and its hooks give what they should",
        "it: loads without torch, timm and torchvision",
        "small: the preset 'good' is a configuration",
        "small: the preset 'bad' is a configuration",
        "small: small.parts:Network can be imported",
        "small: small.parts:Objective can be imported",
        "small: the network has a method for each capability",
        "small: loads without torch, timm and torchvision",
    ]
    assert failures(findings) == {
        "small: the preset 'bad' is a configuration": "family small does not take this configuration: "
        "Expected `int` >= 1 - at `$.width`"
    }


@pytest.mark.parametrize(
    ("old", "new", "check", "advice"),
    [
        ("class Objective", "class Other", "small: small.parts:Objective can be imported", "has no attribute"),
        ("import msgspec", "import no_such", "small: small.parts:Network can be imported", "No module named 'no_such'"),
        ("def translate", "def forward", "small: the network has a method for each capability", "has no translate"),
        ("(msgspec.Struct, forbid_unknown_fields=True)", "", "small: the preset 'good' is a configuration", "`Config`"),
    ],
)
def test_a_broken_family_is_found(fake_plugins: FakePlugins, old: str, new: str, check: str, advice: str) -> None:
    fake_plugins.install("small", FAMILY)
    fake_plugins.write("small/parts.py", PARTS.replace(old, new))
    assert advice in failures(findings_of(fake_plugins))[check]


def test_a_plugin_that_does_not_load_has_one_finding(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("small", "raise RuntimeError('not today')")
    assert failures(findings_of(fake_plugins)) == {
        "it: loads, and its hooks give what they should": "RuntimeError: not today"
    }


def test_a_plugin_that_loads_torch_is_told_so(fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_plugins.install("small", f"import torchvision\n{FAMILY}")
    fake_plugins.write("torchvision.py", "")
    fake_plugins.write("small/parts.py", PARTS)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    advice = failures(findings_of(fake_plugins))["it: loads without torch, timm and torchvision"]
    assert advice.startswith("small.plugin imports torchvision at load")


def test_a_plugins_checkpoint_is_read(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("small", '@hookimpl\ndef zoo_models():\n    yield from bundled("small")\n')
    fake_plugins.checkpoint("small", "small.one")
    advice = failures(findings_of(fake_plugins))["small.one: the checkpoint is whole"]
    assert "model.safetensors is missing" in advice


def test_a_distribution_means_all_its_plugins(fake_plugins: FakePlugins) -> None:
    fake_plugins.install("small", "@hookimpl\ndef zoo_models():\n    return []\n")
    fake_plugins.write("small-1.0.dist-info/entry_points.txt", "[zoo]\na = small.plugin\nb = small.plugin\n")
    checks = [finding.check for finding in findings_of(fake_plugins, "small")]
    assert [line.partition(":")[0] for line in checks] == ["a", "a", "b", "b"]


def test_a_disabled_plugin_is_not_checked(fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_plugins.install("small", FAMILY)
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "it")
    (info,) = fake_plugins.registry().plugins
    with pytest.raises(NotFoundError, match="disabled by ZOO_DISABLE_PLUGINS"):
        plugin_findings(info, fake_plugins.registry())


def test_an_unknown_name_and_a_damaged_folder_are_errors(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    (folder / "model.safetensors").unlink()
    empty = Registry.build([])
    with pytest.raises(NotFoundError, match="'nothing'"):
        check("nothing", empty)
    with pytest.raises(IntegrityError, match="is missing"):
        check(f"dir:{folder}", empty)


def checked(folder: Path) -> dict[str, str]:
    return failures(list(checkpoint_findings(read_checkpoint(folder, "dir:tiny"))))


def test_a_good_checkpoint_lacks_its_card_only(tmp_path: Path) -> None:
    assert list(checked(write_checkpoint(tmp_path / "tiny"))) == ["the card is complete and agrees with config.json"]


def test_weights_that_are_no_numbers_are_found(tmp_path: Path) -> None:
    weights = {name: array * np.float16(np.nan) for name, array in WEIGHTS.items()}
    found = checked(write_checkpoint(tmp_path / "tiny", make_model(weights=weights), weights))
    assert "train again" in found["the weights are finite"]
    assert "NaN" in found["translate: the same input gives the same again"]


def test_a_graph_whose_pictures_leave_the_range_is_found(tmp_path: Path) -> None:
    """Though the model clamps what it gives: without the sigmoid, the convolution gives less than 0 or more than 1."""
    convolution = helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["translated"])
    found = checked(write_checkpoint(tmp_path / "loose", make_model([convolution])))
    assert "end the network with a sigmoid" in found["translate: pictures lie in [0, 1]"]


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (lambda answer, inputs: answer + inputs.mean() / 10, "translate: an item of a batch gives the same alone"),
        (
            lambda answer, inputs: answer * np.random.default_rng().random(),
            "translate: the same input gives the same again",
        ),
    ],
)
def test_a_network_that_looks_about_or_throws_dice_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, check: str
) -> None:
    run = OnnxBackend.run

    def faulty(self: OnnxBackend, graph: Any, inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.asarray(fault(run(self, graph, inputs)[0], inputs), np.float32),)

    monkeypatch.setattr(OnnxBackend, "run", faulty)
    assert "answers differ by" in checked(write_checkpoint(tmp_path / "tiny"))[check]


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

class Config(msgspec.Struct, forbid_unknown_fields=True):
    def interface(self):
        image = {"channels": 1, "size": [8, 8]}
        return {
            "latent": {"shape": [4], "prior": "none"},
            "capabilities": {
                "encode": {"input": image, "fit": "resize"}, "decode": {"output": image},
                "translate": {"input": image, "output": image, "fit": "resize"},
            },
        }
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
from zoo.training.objective import Verdict
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

    def judge(self, net, batches):
        return Verdict({"error": 0.5})
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
        ("config", '"prior": "none"', '"prior": "normal"', "promises generate: make interface() and capabilities"),
        ("config", '"fit": "resize"}, "decode"', '"fit": "squash"}, "decode"', "Invalid enum value 'squash'"),
        ("config", "def interface", "def other", "has no interface()"),
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
        ('Verdict({"error": 0.5})', "0.5", "judge() gives a float"),
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


def test_a_recipe_that_does_not_fit_is_told(fake_plugins: FakePlugins) -> None:
    write_live(fake_plugins)
    recipe = '[model]\nid = "live.one"\nfamily = "live"\n[data]\nsource = "folder:x"\nsize = 8\n'
    recipe += "[optimizer.model]\n[train]\nepochs = 1\nbatch = 1\nseed = 0\n[objective]\nspeed = 3\n"
    fake_plugins.write("live/recipes/live-one.toml", recipe)
    assert "live-one.toml is a recipe: ValidationError: Object contains unknown field `speed`" in first_failure(
        fake_plugins
    )


def test_what_fails_is_listed_in_one_error(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    with pytest.raises(AssertionError, match=r"1 of \d+ checks failed for dir:.*\n  the card is complete"):
        check_checkpoint(f"dir:{folder}")
    with pytest.raises(NotFoundError, match="'nothing'"):
        check_plugin("nothing")
