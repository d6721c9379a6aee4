"""What a wheel holds: everything that runs, nothing else, and under the size people will download."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")))))


def test_it_holds_code_recipes_and_checkpoints(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("zoo", *(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir())):
        home = ROOT / folder if folder == "zoo" else ROOT / "plugins" / folder
        kinds = ("*.py", "*.toml", "*.json", "*.onnx", "*.safetensors", "*.js", "*.css", "*.html", "py.typed")
        wanted = {path for kind in kinds for path in home.rglob(kind)}
        assert wanted
        missing = {path for path in wanted if (folder / path.relative_to(home)).as_posix() not in names}
        assert not missing
    packages = {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"zoo", "latent_zoo", *packages}


def test_it_stays_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 100e6
