"""A part of a run's pictures, which is the same on every machine and at every time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

from zoo.errors import UsageError

_SHARD = re.compile(r"(\d{1,7})/(\d{1,7})")


@dataclass(frozen=True)
class Shard:
    """Part `number`, from 1, of `count`: by a hash of the path that a result keeps, without its suffix.

    So a picture stays in its part when others come or go, wherever the folders lie on a machine; and two pictures that
    would have one result are in one part, where that is found out.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The part that I/N means. Raises UsageError for something else."""
        match = _SHARD.fullmatch(text)
        number, count = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= number <= count:
            raise UsageError(f"--shard takes I/N, part I of N from 1/N to N/N, not {text!r}")
        return cls(number, count)

    def has(self, kept: str) -> bool:
        """Whether a picture is in this part, by the path, with slashes, that its result keeps below the output folder.

        It is asked about each line of a manifest that may have millions, and so makes do with the text.
        """
        head, dot, suffix = kept.casefold().rpartition(".")
        name = head if dot and "/" not in suffix else kept.casefold()
        digest = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.number - 1
