"""An environment of its own over the packages of this one: what is installed into it, nobody else has."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SECONDS = 1500


class Environment:
    """A virtual environment without anything in it, which sees the packages of the one that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        venv.EnvBuilder(symlinks=True).create(folder)
        (packages,) = folder.glob("lib/python*/site-packages")
        parents = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        # Editable packages of the parent are named in its own .pth files, which this way are read.
        lines = [f"import site; site.addsitedir({parent!r})\n" for parent in sorted(parents)]
        (packages / "parent.pth").write_text("".join(lines))
        for program in ("pip", "pytest", "zoo"):
            script = self.bin / program
            script.write_text(f'#!/bin/sh\nexec "{self.bin / "python"}" -m {program} "$@"\n')
            script.chmod(0o755)
        self.variables = {
            "HOME": str(folder),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that it is off: what builds is here, the index is not
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        }

    def run(self, *words: object, cwd: Path, **variables: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_light(self, *words: object, cwd: Path, **variables: str) -> str:
        """The same where PyTorch and timm are not installed, as far as the command can tell."""
        hidden = self.bin.parent / "hidden"
        hidden.mkdir(exist_ok=True)
        for name in ("torch", "timm"):
            (hidden / f"{name}.py").write_text(f"raise ModuleNotFoundError('no {name}', name='{name}')\n")
        return self.run(*words, cwd=cwd, PYTHONPATH=str(hidden), **variables)

    def install(self, example: str, folder: Path) -> None:
        """Build the wheel of an example package and install it."""
        wheel = next(WheelBuilder(str(EXAMPLES / example)).build(directory=str(folder)))
        self.run(self.bin / "python", "-m", "pip", "install", "--quiet", wheel, cwd=folder)


def draw_pictures(folder: Path, train: int = 12, val: int = 4) -> None:
    """Small pictures of soft blots, each of two colours, in `train` and `val`."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        (folder / split).mkdir(parents=True)
        for number in range(count):
            coarse = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8))
            coarse.resize((40, 40), Image.Resampling.BICUBIC).save(folder / split / f"{number:02d}.png")
