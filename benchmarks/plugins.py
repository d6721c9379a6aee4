"""How long `zoo list` takes with 50 plugins of 4 models each, 5 of them broken, against none.

pip install latent-zoo && python benchmarks/plugins.py
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from measure import HEAD, compare, row

COUNT, MODELS, RUNS = 50, 4, 21
# What is wrong with every tenth plugin.
BROKEN = (
    "import a_module_that_is_absent\n",
    "this is no python\n",
    "raise RuntimeError('not today')\n",
    "import sys\nsys.exit(3)\n",
    "@hookimpl\ndef zoo_models():\n    yield 'a model'\n",
)
GOOD = """
@hookimpl
def zoo_families():
    yield Family(
        name="fake{number}", summary="Nothing", config="fake{number}.config:C", network="fake{number}.network:N",
        objective="fake{number}.objective:O", capabilities=("translate",), presets={{"base": {{}}}},
    )


@hookimpl
def zoo_models():
    yield from bundled("fake{number}")
"""
IMAGE = {"channels": 3, "size": None, "multiple": 1}
UNHASHED = "0" * 64


def write_plugins(folder: Path, count: int = COUNT, models: int = MODELS) -> None:
    """Install so many distributions into `folder`, as an installer leaves them; every tenth is broken."""
    for number in range(count):
        package = folder / f"fake{number}"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        tenth, rest = divmod(number, 10)
        code = BROKEN[tenth % len(BROKEN)] if rest == 9 else GOOD.format(number=number)
        (package / "plugin.py").write_text(f"from zoo.catalog import Family, bundled, hookimpl\n{code}")
        for tag in range(models):
            checkpoint = package / "checkpoints" / f"m{tag}"
            checkpoint.mkdir(parents=True)
            (checkpoint / "config.json").write_text(json.dumps(config(f"fake{number}", f"m{tag}"), indent=2))
        info = folder / f"fake{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fake{number}\nVersion: 1.0\n\nNothing\n")
        (info / "entry_points.txt").write_text(f"[zoo]\nfake{number} = fake{number}.plugin\n")


def config(family: str, tag: str) -> dict[str, object]:
    """The config.json of a model that is not there."""
    graph = {"graph": "translate.onnx", "sha256": UNHASHED, "input": IMAGE, "output": IMAGE, "fit": "pad"}
    weights = {"file": "model.safetensors", "sha256": UNHASHED, "bytes": 8, "dtype": "float32"}
    return {
        "format": 1,
        "id": f"{family}.{tag}",
        "family": family,
        "task": "denoise",
        "summary": "A model that is not there",
        "license": "Apache-2.0",
        "config": {},
        "capabilities": {"translate": graph},
        "weights": {**weights, "parameters": 0, "buffers": 0},
    }


def main() -> None:
    """Print the table."""
    zoo = shutil.which("zoo", path=str(Path(sys.executable).parent))
    if not zoo:
        sys.exit("install latent-zoo into this environment first")
    with tempfile.TemporaryDirectory() as folder:
        write_plugins(Path(folder))
        ours, none = (["env", f"PYTHONPATH={path}", zoo, "list"] for path in (folder, ""))
        print(HEAD)
        print(row(f"`zoo list` with {COUNT} plugins / with none", *compare(ours, none, RUNS)))


if __name__ == "__main__":
    main()
