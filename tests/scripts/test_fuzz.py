"""A short run of the fuzzer: whatever is damaged, a picture or one of our errors, never a crash or a hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import EIGHT_BITS, WEIGHTS, make_model, write_checkpoint

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz.py"


@pytest.mark.parametrize("weights", [WEIGHTS, EIGHT_BITS], ids=["float16", "int8"])
def test_a_hundred_damaged_checkpoints_end_well(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_checkpoint(tmp_path / "tiny", make_model(weights=weights), weights)
    words = ["--checkpoint", tmp_path / "tiny", "--cases", "150", "--keep", tmp_path / "faults"]
    done = subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {line.split(maxsplit=1)[1]: int(line.split()[0]) for line in done.stdout.splitlines()}
    assert sum(counts.values()) == 150
    assert counts["works"] > 0
    assert counts["refused: UnsafeFileError"] > counts["works"]
