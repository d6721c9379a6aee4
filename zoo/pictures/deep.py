"""Pictures of 16 bits a channel: the half of their bits that Pillow leaves out, and arithmetic on both halves.

Pillow knows no colour image of more than 8 bits and keeps the upper byte of each value. Told that the bytes are in the
other order, it keeps the lower one: read twice, a file gives both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.arrays import Deep, Pixels
from zoo.pictures import color

WHITE = 65535
_ROWS_AT_A_TIME = 256
_PLANAR_CONFIGURATION = 284  # TIFF 6.0
# Pillow's names of the order of the bytes in a file (N is this machine's), and the name that gives the lower byte.
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_WIDE = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in _OTHER_ORDER.items()
}
_WIDE["LA;16B"] = "RGBA"  # four bytes a pixel: both of gray, both of alpha
_TURNED: dict[Image.Transpose, Callable[[NDArray[Any]], NDArray[Any]]] = {
    Image.Transpose.FLIP_LEFT_RIGHT: lambda pixels: pixels[:, ::-1],
    Image.Transpose.FLIP_TOP_BOTTOM: lambda pixels: pixels[::-1],
    Image.Transpose.ROTATE_90: lambda pixels: np.rot90(pixels, 1),
    Image.Transpose.ROTATE_180: lambda pixels: pixels[::-1, ::-1],
    Image.Transpose.ROTATE_270: lambda pixels: np.rot90(pixels, 3),
    Image.Transpose.TRANSPOSE: lambda pixels: pixels.swapaxes(0, 1),
    Image.Transpose.TRANSVERSE: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
}


def takes_lower_bytes(image: Image.Image) -> bool:
    """Make an image that is not yet decoded one of the lower bytes; False where it has none, or none that are known.

    Of gray with alpha it becomes RGBA of the upper and the lower byte of gray, then of alpha.
    """
    tiles = getattr(image, "tile", None) or []
    kinds = {tile.args if isinstance(tile.args, str) else tile.args[0] for tile in tiles}
    # The channels of a planar file are unpacked without a look at the name.
    if not kinds or not kinds <= _WIDE.keys() or getattr(image, "tag_v2", {}).get(_PLANAR_CONFIGURATION, 1) != 1:
        return False
    image.tile = [  # type: ignore[attr-defined]  # of all images from files
        tile._replace(args=_WIDE[tile.args] if isinstance(tile.args, str) else (_WIDE[tile.args[0]], *tile.args[1:]))
        for tile in tiles
    ]
    return True


def both_bytes(upper: Image.Image, lower: Image.Image, gray: bool, luma: bool) -> Deep:
    """(H, W, C) of an image and that of its lower bytes: C = 1 for gray with alpha and for the luma of RGB, else 3."""
    levels = np.empty((upper.height, upper.width, 1 if gray or luma else 3), np.uint16)
    for (rows, high), (_, low) in zip(strips(upper), strips(lower), strict=True):
        if gray:
            levels[rows] = low[:, :, :1] * np.uint16(256) + low[:, :, 1:2]
            continue
        colours = high[:, :, :3] * np.uint16(256) + low[:, :, :3]
        levels[rows] = _luma(colours) if luma else colours
    return levels


def with_channels(levels: Deep, channels: int) -> Deep:
    """Levels (H, W, 1 or 3) with so many channels: luma of RGB, gray repeated."""
    if levels.shape[2] == channels:
        return levels
    return _luma(levels) if channels == 1 else levels.repeat(3, axis=2)


def _luma(levels: Deep) -> Deep:
    luma: Deep = color.gray_of(levels.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
    return luma


def strips(image: Image.Image) -> Iterator[tuple[slice, Pixels]]:
    """The pixels of an image of bytes, some rows at a time, each (h, W, C): Pillow's own way holds them twice more."""
    width, height = image.size
    strip = Image.new(image.mode, (width, min(height, _ROWS_AT_A_TIME)))
    for top in range(0, height, _ROWS_AT_A_TIME):
        bottom = min(top + _ROWS_AT_A_TIME, height)
        strip.paste(image, (0, -top))  # not crop(), which has a limit of its own
        yield slice(top, bottom), np.asarray(strip).reshape(strip.height, width, -1)[: bottom - top]


def on_white(levels: Deep, alpha: Pixels) -> None:
    """Lay levels (H, W, C) on white, in place, where alpha (H, W) says that they are transparent."""
    for rows in _rows(levels):
        darkness = (WHITE - levels[rows]) * (alpha[rows, :, None] * np.uint32(1))
        darkness += 127
        darkness //= 255
        levels[rows] = WHITE - darkness


def off_white(levels: NDArray[Any], alpha: Pixels) -> NDArray[Any]:
    """The colours c that make the levels p = alpha c + (1 - alpha) white. White where nothing is to be seen.

    Levels (H, W, C) are of 8 or 16 bits, and so are the colours.
    """
    white, wide = (255, np.uint16) if levels.dtype == np.uint8 else (WHITE, np.uint32)
    opacity: NDArray[Any] = np.maximum(alpha, 1)[:, :, None].astype(wide)
    darkness: NDArray[Any] = (white - levels) * wide(255)
    darkness += opacity // 2
    darkness //= opacity
    darkness[alpha == 0] = 0
    colours: NDArray[Any] = white - np.minimum(darkness, white).astype(levels.dtype)
    return colours


def eight_bits(levels: Deep) -> Pixels:
    """The same levels, rounded to 8 bits."""
    pixels = np.empty(levels.shape, np.uint8)
    for rows in _rows(levels):
        pixels[rows] = (levels[rows] + np.uint32(128)) // 257
    return pixels


def turned(levels: Deep, turn: Image.Transpose | None) -> Deep:
    """Levels (H, W, C), turned as Pillow turns an image."""
    return levels if turn is None else np.ascontiguousarray(_TURNED[turn](levels))


def _rows(levels: Deep) -> Iterator[slice]:
    return (slice(top, top + _ROWS_AT_A_TIME) for top in range(0, len(levels), _ROWS_AT_A_TIME))
