"""One check and its result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from zoo.catalog.plugins import one_line
from zoo.errors import PluginError, ZooError

BATCH_TOLERANCE = 1e-4
NEEDS_TORCH = "skipped, needs PyTorch: pip install 'latent-zoo[train]'"


@dataclass(frozen=True)
class Finding:
    """One check and its result; `advice` says what is wrong and what to do where it failed.

    A check that was `skipped` counts as passed; its `advice` says what it needs.
    """

    check: str
    passed: bool
    advice: str = ""
    skipped: bool = False

    def __str__(self) -> str:
        return f"{self.check}: {self.advice}" if self.advice and (self.skipped or not self.passed) else self.check


def torch_tried(check: str, action: Callable[[], object]) -> Finding:
    """The same as `tried`, skipped where PyTorch is not installed."""
    return tried(check, action) if has_torch() else Finding(check, passed=True, advice=NEEDS_TORCH, skipped=True)


def has_torch() -> bool:
    """Whether PyTorch is installed; it is located, not imported."""
    return find_spec("torch") is not None


def tried(check: str, action: Callable[[], object], advice: str = "") -> Finding:
    """Whether an action ends without an error; `advice` says what to do where it does not."""
    try:
        action()
    except ZooError as error:
        wrong = str(error)
    except Exception as error:  # what a plugin's own code raises
        wrong = one_line(error)
    else:
        return Finding(check, passed=True)
    return Finding(check, passed=False, advice=f"{wrong}; {advice}" if advice else wrong)


def all_passed(findings: Iterable[Finding]) -> Generator[Finding, None, bool]:
    """Pass findings on as they are made; what `yield from` gives in the end is whether all passed."""
    passed = True
    for finding in findings:
        passed = passed and finding.passed
        yield finding
    return passed


def require(name: str, findings: Iterable[Finding]) -> None:
    """Raise AssertionError with every check that failed, or was skipped: a test shall not pass for what it lacks."""
    found = list(findings)
    failed = [f"  {finding}" for finding in found if finding.skipped or not finding.passed]
    if failed:
        raise AssertionError("\n".join([f"{len(failed)} of {len(found)} checks failed for {name}:", *failed]))


def same(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    tolerance: float = BATCH_TOLERANCE,
    apart: str = "answers differ by {:.2g}; running statistics or dropout at use?",
) -> None:
    """Raise PluginError unless two answers are within `tolerance` of each other; NaN is never."""
    import numpy as np

    if one.shape != other.shape:
        raise PluginError(f"shapes differ: {one.shape} and {other.shape}")
    worst = float(np.abs(one - other).max())
    if not worst <= tolerance:
        raise PluginError(apart.format(worst))


def all_same(
    one: Sequence[NDArray[np.float32]], other: Sequence[NDArray[np.float32]], tolerance: float = BATCH_TOLERANCE
) -> None:
    """Raise PluginError unless each of several answers is within `tolerance` of its counterpart."""
    for first, second in zip(one, other, strict=True):
        same(first, second, tolerance)
