"""What all protocols of one evaluation share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zoo.catalog.spec import Metric
from zoo.metrics.figures import Summary


@dataclass(frozen=True)
class Setting:
    """Where figures come from: the split and the command, which stand on each, and who is told how far it is."""

    split: str
    command: str
    report: Callable[[int, int], None] = lambda done, total: None

    def metric(self, name: str, value: float | Summary, protocol: str, n: int, baseline: float | None = None) -> Metric:
        """One figure over `n` pictures, rounded to four places."""
        number, spread = (value.value, round(value.stderr, 4)) if isinstance(value, Summary) else (value, None)
        return Metric(
            name=name,
            value=round(float(number), 4),
            stderr=spread,
            baseline=None if baseline is None else round(float(baseline), 4),
            split=self.split,
            n=n,
            protocol=protocol,
            command=self.command,
        )
