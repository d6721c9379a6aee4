"""Every model that comes with the zoo, through the checks that any plugin author can run."""

from __future__ import annotations

import pytest

from zoo.catalog import Registry
from zoo.testing import check

REGISTRY = Registry.discover()


@pytest.mark.parametrize("name", sorted(REGISTRY.models))
def test_a_bundled_model_holds_to_the_contract(name: str) -> None:
    findings = check(name, REGISTRY)
    assert any("onnx and torch" in finding.check for finding in findings)
    assert [f"{finding.check}: {finding.advice}" for finding in findings if not finding.passed] == []
