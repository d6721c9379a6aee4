"""What a model is told beside its input, such as the digit to draw: names, and the values that each may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from zoo.catalog.ports import Strict
from zoo.errors import UsageError

ConditionRole = Literal["encode", "decode", "translate", "denoise"]
# Names are those of Python arguments: `model.generate(4, digit=3)`.
ConditionName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\Z")]
Label = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f=]*\Z")]
# Arguments that methods of a model have already.
TAKEN = frozenset(
    [
        "self",
        "images",
        "image",
        "latents",
        "n",
        "seed",
        "prior",
        "steps",
        "strength",
        "number",
        "of",
        "a",
        "b",
        "path",
        "weights",
        "plain",
        "draw",
        "conditions",
    ]
)
# How many labels an error lists.
_LISTED = 12


class Condition(Strict, frozen=True, kw_only=True):
    """One of some `labels`, or a number within `range`; `roles` are those whose graphs are told.

    A graph is given all its conditions in a row, (N, K): for labels as many numbers as there are, 1 for the one that is
    meant and 0 for the others, for a range the number itself.
    """

    name: ConditionName
    labels: Annotated[tuple[Label, ...], Meta(max_length=1024)] = ()
    range: tuple[float, float] | None = None
    roles: Annotated[tuple[ConditionRole, ...], Meta(min_length=1, max_length=4)] = ("decode",)

    def __post_init__(self) -> None:
        """Labels or a range, and no name that a method's argument has."""
        if self.name in TAKEN:
            raise ValueError(f"a condition can't be called {self.name!r}: methods of a model have such an argument")
        if bool(self.labels) == (self.range is not None):
            raise ValueError(f"condition {self.name!r} has either labels or a range")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"condition {self.name!r} has a label twice")
        if self.range and not -1e9 <= self.range[0] < self.range[1] <= 1e9:
            raise ValueError(f"the range of condition {self.name!r} must be [low, high] with low < high")

    @property
    def width(self) -> int:
        """How many numbers say it to a graph."""
        return len(self.labels) or 1

    @property
    def words(self) -> str:
        """What it may be, for people."""
        if self.range:
            return f"a number from {self.range[0]:g} to {self.range[1]:g}"
        more = f" and {len(self.labels) - _LISTED} more" if len(self.labels) > _LISTED else ""
        return f"one of {', '.join(self.labels[:_LISTED])}{more}"

    def numbers(self, value: object) -> list[float]:
        """A value as a graph is told it. Raises UsageError for one that it can't have."""
        if self.labels:
            if str(value) not in self.labels:
                raise UsageError(f"{self.name} is {self.words}, not {value!r}")
            return [float(label == str(value)) for label in self.labels]
        assert self.range
        try:
            number = float(value)  # type: ignore[arg-type]  # what can't be one is refused below
        except (TypeError, ValueError):
            number = float("nan")
        if not self.range[0] <= number <= self.range[1]:
            raise UsageError(f"{self.name} is {self.words}, not {value!r}")
        return [number]

    def at(self, share: float) -> str | float:
        """The value at a share in [0, 1) of all that it may have."""
        if self.labels:
            return self.labels[int(share * len(self.labels))]
        assert self.range
        return self.range[0] + share * (self.range[1] - self.range[0])


def check_conditions(conditions: Sequence[Condition], roles: Sequence[str]) -> None:
    """Raise ValueError for a name that is there twice, or a role that is not."""
    names = [condition.name for condition in conditions]
    if len(set(names)) != len(names):
        raise ValueError("two conditions have one name")
    for condition in conditions:
        for role in condition.roles:
            if role not in roles:
                raise ValueError(f"condition {condition.name!r} is told to {role!r}, which the model does not have")
