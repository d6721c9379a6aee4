"""What a module imports, seen in a process of its own: in this one PyTorch may be loaded already."""

from __future__ import annotations

import subprocess
import sys

from zoo.testing.finding import Finding

HEAVY = ("torch", "timm", "torchvision", "diffusers", "tensorflow", "jax")
SECONDS = 120
_SCRIPT = """
import importlib, sys
path, heavy, *modules = sys.argv[1:]
sys.path[:] = path.split("\\n")
for module in modules:
    importlib.import_module(module)
    print("\\n" + module, *(name for name in heavy.split() if name in sys.modules))
"""


def light_finding(name: str, *modules: str) -> Finding:
    """Whether modules load nothing heavy; `name` is what they are of."""
    check = f"{name}: loads without torch, timm and torchvision"
    command = [sys.executable, "-c", _SCRIPT, "\n".join(sys.path), " ".join(HEAVY), *modules]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603 (this Python)
    except subprocess.TimeoutExpired:
        advice = f"{' or '.join(modules)} is not imported within {SECONDS} s: do no work at load"
        return Finding(check, passed=False, advice=advice)
    loaded = [line.split() for line in run.stdout.splitlines() if line.startswith(modules)]
    for module, *heavy in loaded:
        if heavy:
            advice = f"{module} imports {', '.join(heavy)} at load: every command waits for it; move it into network.py"
            return Finding(check, passed=False, advice=advice)
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["it ends without a word"])[-1]
        advice = f"{modules[min(len(loaded), len(modules) - 1)]} fails in a process of its own: {reason}"
        return Finding(check, passed=False, advice=advice)
    return Finding(check, passed=True)
