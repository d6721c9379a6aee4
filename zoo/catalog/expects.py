"""Which pictures a model expects: `expects.json` of a checkpoint, words and what tells other pictures apart.

The file is a hint beside config.json, which does not name it: a checkpoint is whole without it.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

import msgspec
from msgspec import Meta

from zoo.catalog.ports import Strict
from zoo.catalog.spec import MAX_REASON, Count, Line, refuse_obeyed
from zoo.errors import UnsafeFileError

MAX_EXPECTS_BYTES = 16 * 1024

Words = Annotated[str, Meta(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Figure = Annotated[float, Meta(gt=0, le=1e9)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Limits(Strict, frozen=True, kw_only=True):
    """The most that each figure of `zoo.inference.expected` reaches on pictures of the model's own kind."""

    error: Figure
    detail: Figure
    shape: Figure
    latent: Figure


class Noted(Strict, frozen=True, kw_only=True):
    """The share of `n` pictures of a set that are over a limit."""

    pictures: Line
    n: Count
    share: Share


class Expects(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """What a model was trained on, in words that follow "was trained on", and the limits, where it has any.

    `limits` were measured on the first set of `noted` by `command`.
    """

    words: Annotated[Words, Meta(min_length=1)]
    limits: Limits | None = None
    noted: Annotated[tuple[Noted, ...], Meta(max_length=32)] = ()
    command: Line = ""

    def remark(self, model: str, names: tuple[str, ...], count: int) -> str:
        """What is said of the pictures `names`, of `count` that were looked at."""
        which = f"{names[0]} does" if len(names) == 1 else f"{len(names)} of {count} pictures, as {names[0]}, do"
        return f"{model} was trained on {self.words}; {which} not look like one"


def parse_expects(data: bytes, name: str | PurePath) -> Expects:
    """Read the bytes of an `expects.json`; `name` is the file's name in messages. Raises UnsafeFileError."""
    if len(data) > MAX_EXPECTS_BYTES:
        raise UnsafeFileError(f"{name} has more than {MAX_EXPECTS_BYTES} bytes")
    try:
        expects = msgspec.json.decode(data, type=Expects)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UnsafeFileError(
            f"{name} does not say which pictures a model expects: {str(error)[:MAX_REASON]}"
        ) from error
    refuse_obeyed(data, name)
    return expects


def format_expects(expects: Expects) -> bytes:
    """The bytes of an `expects.json`, indented for people, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(expects), indent=2) + b"\n"
