"""What a request may hold: bodies of JSON as checked structs, pictures and latents as bytes, all of bounded size."""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from zoo.catalog.ports import Strict
from zoo.errors import UsageError, ZooError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from starlette.requests import Request

    from zoo.inference.model import Model

MAX_JSON_BYTES = 24 * 2**20
MAX_UPLOAD_BYTES = 64 * 2**20
MAX_PIXELS = 50_000_000
# Pictures of one answer, and the pixels of all of them.
MAX_COUNT, MAX_TOTAL_PIXELS = 256, 2**24
RAW = "application/octet-stream"
# How long a body may take to come: who sends none keeps others from a place in the queue.
BODY_SECONDS = 120.0

# As large as a number of JavaScript holds exactly.
Seed = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Weight = Annotated[float, Meta(ge=-100, le=100)]
Prior = Literal["default", "normal"]
T = TypeVar("T")


class TooLargeError(ZooError):
    """A body of more bytes than are taken."""


class SlowError(ZooError):
    """A body that does not come."""


class Draw(Strict, frozen=True, kw_only=True):
    """`n` draws from the prior; the first k of them are those of n = k."""

    n: Count = 1
    seed: Seed = 0
    prior: Prior = "default"


class Decode(Strict, frozen=True, kw_only=True):
    """Latents (N, *latent_shape) as nested lists."""

    latents: Annotated[list[Any], Meta(min_length=1, max_length=MAX_COUNT)]


class Point(Strict, frozen=True, kw_only=True):
    """One place in the latent space, said in one way: a seed (its first draw, or the one of `draw`), a latent as nested
    lists, or a picture's file as base64, which is encoded.
    """

    seed: Seed | None = None
    draw: Annotated[int, Meta(ge=0, lt=MAX_COUNT)] = 0
    latent: list[Any] | None = None
    image: str | None = None


class Interpolate(Strict, frozen=True, kw_only=True):
    """Pictures from `a` to `b`, both included."""

    a: Point
    b: Point
    steps: Annotated[int, Meta(ge=2, le=MAX_COUNT)] = 12
    path: Literal["spherical", "linear"] = "spherical"


class Vary(Strict, frozen=True, kw_only=True):
    """`n` pictures like one."""

    of: Point
    strength: Annotated[float, Meta(ge=0, le=1)] = 0.3
    n: Count = 8
    seed: Seed = 0


class Add(Strict, frozen=True, kw_only=True):
    """The picture of the sum of two latents."""

    a: Point
    b: Point
    weights: tuple[Weight, Weight] = (1.0, 1.0)
    plain: bool = False


class Run(Strict, frozen=True, kw_only=True):
    """A picture to translate: its file as base64."""

    image: str


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises TooLargeError as soon as it is clear that it has more than `limit` bytes, SlowError where
    it takes longer than BODY_SECONDS.
    """
    refusal = TooLargeError(f"the body has more than {limit / 2**20:g} MiB, which is all this server takes")
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > limit:
        raise refusal
    parts, total = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                total += len(part)
                if total > limit:
                    raise refusal
                parts.append(part)
    except TimeoutError as error:
        raise SlowError(f"the body did not come within {BODY_SECONDS:g} seconds") from error
    return b"".join(parts)


def conditions_of(texts: Sequence[str]) -> dict[str, str]:
    """What NAME=VALUE say, each name once. Raises UsageError for another form."""
    told: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or name in told:
            raise UsageError(f"set={text[:40]}: write NAME=VALUE, each name once")
        told[name] = value
    return told


def is_json(request: Request) -> bool:
    """Whether the body is JSON, by its content type."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def parsed(body: bytes, kind: type[T]) -> T:
    """JSON as a checked struct. Raises UsageError with the first thing that is wrong."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(f"the request's JSON is not as it should be: {str(error)[:300]}; see /openapi.json") from error


def picture_bytes(text: str) -> bytes:
    """The bytes of a picture's file in base64; a data URL's beginning is left out."""
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("the image must be a picture's file in base64") from error


def latents_of(model: Model, body: bytes, json: bool, shape: str = "") -> NDArray[np.float32]:
    """Latents (N, *latent_shape) of a request, JSON or float32 in little-endian order, one after another.

    `shape` says, as C,H,W, what a model whose latents follow the picture leaves free.
    """
    import numpy as np

    if json:
        try:
            return np.asarray(parsed(body, Decode).latents, np.float32)
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError("latents must be lists of numbers, all of one shape") from error
    each = _shape_of(model, shape)
    size = 4 * math.prod(each)
    if not body or len(body) % size:
        raise UsageError(f"latents in bytes are float32, {size} bytes for each of {model.id}, not {len(body)}")
    return np.frombuffer(body, "<f4").reshape(-1, *each)


def _shape_of(model: Model, said: str) -> tuple[int, ...]:
    """The shape of each latent. Raises UsageError where a model leaves lengths free and they are not said."""
    wanted = model.latent_shape or ()
    if None not in wanted:
        return tuple(length or 1 for length in wanted)
    lengths = tuple(int(word) if word.isascii() and word.isdigit() and len(word) < 6 else 0 for word in said.split(","))
    if len(lengths) != len(wanted) or any(w not in (None, n) or not n for w, n in zip(wanted, lengths, strict=True)):
        words = ",".join("N" if length is None else str(length) for length in wanted)
        raise UsageError(f"latents of {model.id} follow the picture's size: say shape={words} in the query")
    return lengths


def require_few(model: Model, count: int) -> None:
    """Raise UsageError for more pictures than one answer holds."""
    height, width = model.interface.gives("decode").size or (64, 64)
    most = min(MAX_COUNT, max(1, MAX_TOTAL_PIXELS // (height * width)))
    if count > most:
        raise UsageError(f"{count} pictures at once are too many: ask for at most {most}")


def latent_at(model: Model, point: Point, max_pixels: int) -> NDArray[np.float32]:
    """The latent (1, *latent_shape) of a place. Raises UsageError unless it is said in exactly one way."""
    import numpy as np

    from zoo.pictures.images import read_picture

    ways = [point.seed is not None, point.latent is not None, point.image is not None]
    if sum(ways) != 1:
        raise UsageError("a place is one of: seed, latent, image")
    if point.seed is not None:
        return model.draw(point.draw + 1, point.seed)[point.draw :]
    if point.image is not None:
        pixels = read_picture(picture_bytes(point.image), max_pixels=max_pixels).pixels
        return model.encode(pixels.transpose(2, 0, 1)[None])
    try:
        return np.asarray([point.latent], np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError("a latent must be lists of numbers, all of one shape") from error
