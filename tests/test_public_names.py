"""`import zoo`: the public names, each loaded when it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import zoo

LAZY = """
import sys
import zoo
assert not [name for name in sys.modules if name.startswith("zoo.")], sys.modules
zoo.hookimpl, zoo.Family, zoo.ModelSpec, zoo.ZooError, zoo.list_models
"""


def test_import_loads_nothing_before_a_name_is_used() -> None:
    subprocess.run([sys.executable, "-c", LAZY], check=True, timeout=60)


@pytest.mark.parametrize("name", sorted(zoo.__all__))
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(zoo, name) is not None
    assert name in dir(zoo)


def test_a_star_import_brings_them_all() -> None:
    names: dict[str, object] = {}
    exec("from zoo import *", names)
    assert set(zoo.__all__) <= set(names)


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'nothing'"):
        zoo.nothing  # noqa: B018 (that it fails is the point)


def test_the_version_is_that_of_the_distribution() -> None:
    assert zoo.__version__ == version("latent-zoo")


def test_models_are_listed_and_loaded_by_name() -> None:
    assert "colorizer-ae.photos" in zoo.list_models()
    assert zoo.list_models("*.photos", task="colorize", family="colorizer-ae") == ["colorizer-ae.photos"]
    assert zoo.list_models(task="nothing") == []
    assert zoo.load("colorize").id == "colorizer-unet.photos"
