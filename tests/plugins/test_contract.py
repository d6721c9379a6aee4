"""Every family and every model that comes with the zoo, through the checks that any plugin author can run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from zoo.catalog import Registry
from zoo.testing import check, check_family

REGISTRY = Registry.discover()
# Small enough to try in a second; a new family needs no line here if its first preset is small.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "colorizer-ae": {"size": 32, "channels": 4},
    "conv-vae": {"size": 16, "latent": 8, "encoder": [8, 8], "encoder_strides": [2, 2], "decoder": [8, 8]}
    | {"decoder_strides": [2, 2]},
    "dcgan": {"size": 16, "latent": 8, "generator": [16, 8], "discriminator": [8, 8, 8]},
    "dense-vae": {"size": 8, "hidden": [16], "latent": 4},
    "feature-net": {"size": 16, "width": 4, "features": 8},
    "pix2pix": {"channels": 4, "depth": 4, "norm": "instance"},
}
OBJECTIVES: Mapping[str, Mapping[str, Any]] = {"dcgan": {"evaluated": 16}}


@pytest.mark.parametrize("name", sorted(REGISTRY.families))
def test_a_family_holds_to_the_contract(name: str) -> None:
    check_family(name, SMALL.get(name), OBJECTIVES.get(name))


@pytest.mark.parametrize("name", sorted(REGISTRY.models))
def test_a_bundled_model_holds_to_the_contract(name: str) -> None:
    findings = check(name, REGISTRY)
    assert any("onnx and torch" in finding.check for finding in findings)
    assert [str(finding) for finding in findings if not finding.passed] == []
