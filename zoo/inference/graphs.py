"""A model's graphs at work: what it can do, and runs on batches of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.errors import UnsafeFileError, UnsupportedCapability
from zoo.inference.conditions import Given, require_known, rows

if TYPE_CHECKING:
    from zoo.catalog.expects import Expects
    from zoo.catalog.interface import Capability, RoleName
    from zoo.catalog.spec import CheckpointConfig
    from zoo.inference.backends import Backend

Array: TypeAlias = NDArray[np.float32]
Others: TypeAlias = "Callable[[Capability], Sequence[str]]"

# What goes into one run: so many items, of together so many pixels; the rest waits for the next run.
_ITEMS_AT_ONCE = 64
_PIXELS_AT_ONCE = 2**20


class Graphs:
    """What every model does, whatever is asked of it. `expects` are the pictures that it was trained on, if known."""

    expects: Expects | None = None

    def __init__(
        self, config: CheckpointConfig, backend: Backend, others: Others = lambda _: (), name: str = ""
    ) -> None:
        """`others` gives the models that can do something; `name` is what commands call this one, if not by its id."""
        self.config, self.backend, self._others = config, backend, others
        self.name = name or config.id
        self.interface = config.interface
        self._given: Given = {}

    def __repr__(self) -> str:
        return f"<Model {self.id} on {self.backend.name}: {', '.join(self.capabilities)}>"

    @property
    def id(self) -> str:
        """The model's name, `family.tag`."""
        return self.config.id

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What the model can do."""
        return self.interface.can()

    def with_conditions(self, **conditions: Any) -> Self:
        """The same model, told this wherever nothing else is said: `model.with_conditions(digit=3).generate(4)`.

        Raises UsageError for a condition that it does not have, or a value that it can't have.
        """
        require_known(self.interface, conditions, self.id)
        for condition in self.interface.conditions:
            if condition.name in conditions:
                condition.numbers(conditions[condition.name])
        told = copy(self)
        told._given = {**self._given, **conditions}
        return told

    def require(self, capability: Capability) -> None:
        """Raise UnsupportedCapability, naming models that can, unless this model can do it."""
        if capability not in self.capabilities:
            others = ", ".join(self._others(capability))
            hint = f"; these can: {others}" if others else ""
            raise UnsupportedCapability(f"{self.id} can't {capability}, it can {', '.join(self.capabilities)}{hint}")

    def _run(self, role: RoleName, *inputs: Array) -> tuple[Array, ...]:
        """What a graph answers to a batch of any size, in as many runs as keep memory bounded."""
        count, step = len(inputs[0]), self._at_once(role, inputs[0])
        if count <= step:
            return self.backend.run(role, *inputs)
        parts = ([array[start : start + step] for array in inputs] for start in range(0, count, step))
        runs = [self.backend.run(role, *part) for part in parts]
        return tuple(map(np.concatenate, zip(*runs, strict=True)))

    def _at_once(self, role: RoleName, batch: Array) -> int:
        """How many items of a batch one run takes; pictures of a size that only decoding tells come one by one."""
        size: tuple[int, ...] | None = batch.shape[2:]
        if role == "decode":
            size = self.interface.gives("decode").size
        if size is None:
            return 1
        return max(1, min(_ITEMS_AT_ONCE, _PIXELS_AT_ONCE // (size[0] * size[1]))) if len(size) == 2 else _ITEMS_AT_ONCE

    def _told(self, role: RoleName, conditions: Given, n: int) -> tuple[Array, ...]:
        """What the graph of a role is told about each of `n` items."""
        require_known(self.interface, conditions, self.id)
        return rows(self.interface, role, {**self._given, **conditions}, n)

    def _finite(self, answer: Array) -> Array:
        if not np.isfinite(answer).all():
            raise UnsafeFileError(f"{self.id} gave numbers that are not finite; `zoo check {self.name}` examines it")
        return answer
