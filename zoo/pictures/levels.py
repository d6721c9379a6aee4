"""Gray levels of any depth as 8 bits, and as 16."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.arrays import Deep, Floats, Pixels

Curve = Floats | None

# TIFF 6.0: BitsPerSample, PhotometricInterpretation, SampleFormat
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339


def is_deep(image: Image.Image) -> bool:
    """Whether the levels are no plain bytes: more than 8 bits, floats, or signed."""
    return image.mode[0] in "IF" or (image.mode == "L" and _tags(image).get(_SAMPLE_FORMAT) == (2,))


def plain_levels(
    image: Image.Image, curve: Curve, notes: list[str], deep: bool = False
) -> tuple[Image.Image, Image.Image | None, Deep | None]:
    """Such levels as Pillow's mode L, brought through a curve (65536,) if there is one, and their alpha.

    Pillow's own conversion cuts off all above 255: a 16-bit scan would be white. With `deep` they come as uint16
    (H, W, 1) too, 65535 being white.
    """
    values, tags, alpha = np.asarray(image), _tags(image), None
    if values.dtype == np.uint16:
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            alpha = Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))
        most = 4095 if tags.get(_BITS) == (12,) else 65535
        table = np.arange(65536, dtype=np.float32).clip(0, most) * np.float32(255 / most)
        if tags.get(_PHOTOMETRIC) == 0:
            table = 255 - table
        table = through(table, curve)
        return Image.fromarray(_bytes(table)[values]), alpha, _words(table)[values][:, :, None] if deep else None
    black, white, values = _range(image, values, notes)
    with np.errstate(all="ignore"):  # infinity is white, NaN black
        shade = (values.astype(np.float32) - np.float32(black)) * np.float32(255 / (white - black))
        shade = np.nan_to_num(shade, copy=False).clip(0, 255, out=shade)
    # Pillow inverts pictures where 0 is white up to 8 bits only.
    shade = through(255 - shade if tags.get(_PHOTOMETRIC) == 0 else shade, curve)
    return Image.fromarray(_bytes(shade)), alpha, _words(shade)[:, :, None] if deep else None


def by_curve(image: Image.Image, curve: Floats) -> Image.Image:
    """An image of mode L brought through a curve (65536,)."""
    return image.point([int(level) for level in np.rint(curve[::257])])


def words_by_curve(levels: Deep, curve: Floats) -> Deep:
    """Levels of 16 bits brought through a curve (65536,)."""
    return _words(curve)[levels]


def through(levels: Floats, curve: Curve) -> Floats:
    """Levels from 0 to 255 brought through a curve (65536,), if there is one."""
    if curve is None:
        return levels
    return np.interp(levels, np.linspace(0, 255, len(curve)), curve).astype(np.float32)


def _bytes(levels: Floats) -> Pixels:
    return np.rint(levels).astype(np.uint8)


def _words(levels: Floats) -> Deep:
    rounded: Deep = np.rint(levels * np.float32(257)).astype(np.uint16)
    return rounded


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})


def _range(image: Image.Image, values: NDArray[Any], notes: list[str]) -> tuple[float, float, NDArray[Any]]:
    """What means black and white in a picture of signed or 32-bit integers or floats, and its values."""
    tags = _tags(image)
    bits = (tags.get(_BITS) or (0,))[0]
    if tags.get(_SAMPLE_FORMAT) == (2,) and bits in (8, 16):
        values = values.view(np.int8) if bits == 8 else values
        if values.min() < 0:
            notes.append("its negative values were set to black")
        return 0, 2 ** (bits - 1) - 1, values
    if bits == 32 and image.mode == "I" and tags.get(_SAMPLE_FORMAT, (1,)) == (1,):  # Pillow takes them for signed
        values = values.view(np.uint32)
    finite = values[np.isfinite(values)] if image.mode == "F" else values
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    black, white = _guessed(image, low, high)
    if black or white not in (1, 255, 65535):
        notes.append(f"its values, {low:g} to {high:g}, were stretched to black and white")
    return black, white, values


def _guessed(image: Image.Image, low: float, high: float) -> tuple[float, float]:
    if low >= 0:
        if image.mode == "F" and high <= 1:
            return 0, 1
        if high <= 255 and image.format != "PPM":  # Pillow scales the levels of a deep PGM to 16 bits
            return 0, 255
        if high <= 65535:
            return 0, 65535
    return low, high if high > low else low + 1
