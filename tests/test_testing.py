"""The contract checks find what breaks the contract, each by its own line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper
from tiny import WEIGHTS, make_model, write_checkpoint

from zoo.catalog import Family, Registry
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import IntegrityError, NotFoundError
from zoo.inference.backends.onnx import OnnxBackend
from zoo.testing import Finding, check, check_checkpoint, check_plugin, imports
from zoo.testing.checkpoints import checkpoint_findings, work_findings
from zoo.testing.finding import require
from zoo.testing.plugins import plugin_findings

if TYPE_CHECKING:
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


def test_the_families_beside_a_clash_are_checked(fake_plugins: FakePlugins) -> None:
    both = FAMILY + FAMILY.replace('"small"', '"free"').partition("zoo_families():")[2]
    fake_plugins.install("a-zoo", FAMILY, name="first")
    fake_plugins.install("b-zoo", both, name="second")
    first, *others = findings_of(fake_plugins, "second")
    assert "family 'small' of b-zoo (plugin 'second') is already brought by a-zoo" in first.advice
    assert not first.passed
    assert {finding.check.partition(":")[0] for finding in others} == {"second", "free"}


def test_a_plugin_that_loads_torch_is_told_so(fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_plugins.install("small", f"import torchvision\n{FAMILY}")
    fake_plugins.write("torchvision.py", "")
    fake_plugins.write("small/parts.py", PARTS)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    advice = failures(findings_of(fake_plugins))["it: loads without torch, timm and torchvision"]
    assert advice.startswith("small.plugin imports torchvision at load")


def test_a_plugin_that_is_not_imported_in_time_is_told_so(
    fake_plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_plugins.install("small", FAMILY)
    fake_plugins.write("small/parts.py", PARTS)
    monkeypatch.setattr(imports, "SECONDS", 1e-6)
    advice = failures(findings_of(fake_plugins))["it: loads without torch, timm and torchvision"]
    assert "is not imported within 1e-06 s: do no work at load" in advice


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


def test_a_checkpoint_is_checked_without_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if not installed
    family = Family("tiny", "", "a.config:C", "a.network:N", "", capabilities=("translate",))
    findings = list(work_findings(read_checkpoint(write_checkpoint(tmp_path), "tiny"), family))
    assert all(finding.passed for finding in findings)
    assert [str(finding) for finding in findings if finding.skipped] == [
        "onnx and torch give the same: skipped, needs PyTorch: pip install 'latent-zoo[train]'"
    ]


def test_a_skipped_check_is_no_pass_in_a_test() -> None:
    skipped = Finding("it works", passed=True, advice="skipped, needs more", skipped=True)
    with pytest.raises(AssertionError, match="1 of 1 checks failed for it:\n  it works: skipped, needs more"):
        require("it", [skipped])


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


def test_what_fails_is_listed_in_one_error(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    with pytest.raises(AssertionError, match=r"1 of \d+ checks failed for dir:.*\n  the card is complete"):
        check_checkpoint(f"dir:{folder}")
    with pytest.raises(NotFoundError, match="'nothing'"):
        check_plugin("nothing")
