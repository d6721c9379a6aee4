"""The hooks' examples run as they are printed."""

from __future__ import annotations

import doctest
from typing import TYPE_CHECKING

import pytest

from zoo.catalog import ZooSpecs

if TYPE_CHECKING:
    from conftest import FakePlugins


@pytest.mark.parametrize("hook", ["zoo_families", "zoo_models"])
def test_the_example_of_a_hook_runs(hook: str, fake_plugins: FakePlugins) -> None:
    fake_plugins.write("zoo_tiny/__init__.py", "")
    fake_plugins.checkpoint("zoo_tiny", "tiny-vae.digits")
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(ZooSpecs, hook), hook)
    report: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert result.attempted == 3
    assert result.failed == 0, "".join(report)
