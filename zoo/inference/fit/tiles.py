"""The fit `tile`: large pictures in overlapping tiles, each translated alone, blended where they overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from zoo.arrays import Floats, Levels
from zoo.catalog.ports import ImageSpec
from zoo.inference.fit.arrays import (
    Run,
    answer_of,
    as_dtype,
    as_float,
    empty_result,
    require_scaled,
    round_up,
)
from zoo.inference.fit.padding import fit_pad
from zoo.pictures.color import with_channels

# The side of a tile where the model takes any size.
TILE_SIDE = 512
# Neighbours share at least this part of their side.
OVERLAP = 1 / 4


def fit_tile(images: Levels, run: Run, spec: ImageSpec, scale: int = 1) -> Levels:
    """Translate tile by tile; a picture no larger than one tile is padded. The answer is `scale` times as large.

    Beside the pictures and the result, memory holds one row of tiles. Where tiles overlap, the weight of one falls
    smoothly while that of the next rises, so that no border shows even if a tile's answer depends on all of it.
    """
    height, width = images.shape[2:]
    most = spec.size or round_up(TILE_SIDE, TILE_SIDE, spec.multiple)
    if height <= most[0] and width <= most[1]:
        return fit_pad(images, run, spec, scale)
    snug = spec.size or round_up(height, width, spec.multiple)
    tile = min(most[0], snug[0]), min(most[1], snug[1])
    given = with_channels(images, spec.channels)
    tops, lefts = _starts(height, tile[0]), _starts(width, tile[1])
    strips = (_strip(given, top, lefts, tile, run, scale) for top in tops)
    result: Levels | None = None
    done = 0
    for piece in _joined(strips, [scale * top for top in tops]):
        if result is None:
            result = empty_result(images, piece.shape[1], scale)
        rows = slice(done, min(done + piece.shape[2], result.shape[2]))
        result[:, :, rows] = as_dtype(piece[:, :, : rows.stop - rows.start, : result.shape[3]], images.dtype)
        done = rows.stop
    assert result is not None
    return result


def _strip(given: Levels, top: int, lefts: Sequence[int], tile: tuple[int, int], run: Run, scale: int) -> Floats:
    """One row of tiles, translated and joined: (N, C2, scale times the tile's height, that of the width or more)."""
    tiles = (_tile(given[:, :, top : top + tile[0], left : left + tile[1]], tile, run, scale) for left in lefts)
    turned = (piece.swapaxes(2, 3) for piece in tiles)
    starts = [scale * left for left in lefts]
    return np.concatenate([piece.swapaxes(2, 3) for piece in _joined(turned, starts)], axis=3)


def _tile(part: Levels, tile: tuple[int, int], run: Run, scale: int) -> Floats:
    """The answer to one tile, which is mirrored where the picture is smaller than it."""
    below, beside = tile[0] - part.shape[2], tile[1] - part.shape[3]
    given = as_float(np.pad(part, ((0, 0), (0, 0), (0, below), (0, beside)), mode="reflect"))
    answer = answer_of(run, given)
    require_scaled(answer, given, scale, "tile")
    return answer


def _joined(parts: Iterable[Floats], starts: Sequence[int]) -> Iterator[Floats]:
    """Parts (N, C, length, W) that begin at `starts`, blended where they overlap: pieces to put end to end."""
    kept: Floats | None = None
    steps = [after - before for before, after in pairwise(starts)]
    for part, step in zip(parts, [*steps, None], strict=True):
        blended = part
        if kept is not None:
            shared = kept.shape[2]
            share = _rise(shared)[:, None]
            blended = np.concatenate([kept + share * (part[:, :, :shared] - kept), part[:, :, shared:]], axis=2)
        yield blended[:, :, :step]
        kept = blended[:, :, step:] if step is not None else None


def _rise(length: int) -> Floats:
    """Weights from 0 to 1, level at both ends."""
    t = (np.arange(length) + 0.5) / length
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin along one side, evenly spaced, neighbours sharing at least `OVERLAP` of a tile."""
    if length <= tile:
        return [0]
    step = max(1, tile - round(tile * OVERLAP))
    count = -(-(length - tile) // step) + 1
    return [round(number * (length - tile) / (count - 1)) for number in range(count)]
