"""What goes in and out of a graph: named arrays, and among them images."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Kind = Literal["image", "latent", "noise", "step", "condition", "number"]
Shape = tuple[int, ...]
FreeShape = tuple[int | None, ...]

Side = Annotated[int, Meta(ge=1, le=16384)]
Channels = Annotated[int, Meta(ge=1, le=4)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen struct that refuses unknown fields."""


class Port(Strict, frozen=True, kw_only=True):
    """What goes into a graph or comes out under a name: float32 (N, *shape).

    An axis of None is free: of any length, for images of any that is a multiple of `multiple`.
    """

    name: str
    kind: Kind
    shape: FreeShape
    multiple: int = 1
    optional: bool = False


def agrees(promised: FreeShape, shape: Shape) -> bool:
    """Whether a shape is what is promised, any length where that is free."""
    return len(promised) == len(shape) and all(map(lambda want, have: want in (None, have), promised, shape))


class ImageSpec(Strict, frozen=True, kw_only=True):
    """The images a graph takes or gives: (N, channels, height, width), float32 in [0, 1].

    `size` is (height, width), or None for any height and width that are multiples of `multiple`.
    """

    channels: Channels
    size: tuple[Side, Side] | None = None
    multiple: Annotated[int, Meta(ge=1, le=1024)] = 1
