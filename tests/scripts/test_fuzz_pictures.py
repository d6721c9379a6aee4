"""A short run of the fuzzer of picture files: a picture or one of our errors, never a crash or a hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_pictures.py"


def test_damaged_pictures_end_well(tmp_path: Path) -> None:
    words = ["--cases", "120", "--keep", tmp_path / "faults"]
    done = subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {line.split(maxsplit=1)[1]: int(line.split()[0]) for line in done.stdout.splitlines()}
    assert sum(counts.values()) == 120
    assert counts["reads"] > 0
    assert counts["refused: UnsafeFileError"] > counts["reads"]
    assert done.stderr == ""
