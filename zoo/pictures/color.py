"""Colour arithmetic: sRGB to CIE Lab and back, and joining a lightness with colours that may not fit into sRGB.

sRGB is IEC 61966-2-1 (white D65), Lab is CIE 15:2004. With `delta = 6/29`, a colour c of linear light l has

    l = c / 12.92                       if c <= 0.04045, else ((c + 0.055) / 1.055) ** 2.4
    (X, Y, Z) = RGB_TO_XYZ @ l
    f(t) = t ** (1/3)                   if t > delta ** 3, else t / (3 delta ** 2) + 4/29
    L = 116 f(Y/Yn) - 16,   a = 500 (f(X/Xn) - f(Y/Yn)),   b = 200 (f(Y/Yn) - f(Z/Zn))

The white (Xn, Yn, Zn) is what RGB (1, 1, 1) gives, so that a gray has a = b = 0 exactly.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.arrays import Deep, Floats, Levels, Mask, Pixels
from zoo.errors import UsageError

# uint8 (0 to 255), uint16 (0 to 65535) or float32 in [0, 1]

RGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = RGB_TO_XYZ.sum(axis=1)

_DELTA = 6 / 29
_SLOPE = 3 * _DELTA**2
# Linear RGB of X/Xn, Y/Yn, Z/Zn; each row sums to 1, since white is white.
_XYZ_TO_RGB = np.linalg.inv(RGB_TO_XYZ) * WHITE
_RED, _GREEN, _BLUE = (np.float32(weight / 65536) for weight in (19595, 38470, 7471))
_CHUNK = 1 << 16
# The finest index into a table; at black, where the curve is steepest, a step is a twentieth of an 8-bit level.
_GRID = 65535
# How far outside [0, 1] linear light may be and still count as inside: below half a level of 8 bits, or 16, at black.
_SLACK, _DEEP_SLACK = 1e-4, 5e-7
_HALVINGS = 9


def gray_of(images: Levels) -> Levels:
    """Luma (N, 1, H, W) of RGB (N, 3, H, W) as Pillow's mode L (ITU-R BT.601): (19595 R + 38470 G + 7471 B) / 65536."""
    gray = np.empty((images.shape[0], 1, *images.shape[2:]), images.dtype)
    step = max(1, _CHUNK // images.shape[3])
    for picture, target in zip(images, gray, strict=True):
        for top in range(0, images.shape[2], step):
            red, green, blue = picture[:, top : top + step]
            if images.dtype.kind == "u":
                total = red * np.uint32(19595)
                total += green * np.uint32(38470)
                total += blue * np.uint32(7471)
                total += np.uint32(0x8000)
                target[0, top : top + step] = total >> np.uint32(16)
            else:
                target[0, top : top + step] = red * _RED + green * _GREEN + blue * _BLUE
    return gray


def rgb_of(images: Levels) -> Levels:
    """Gray (N, 1, H, W) repeated to (N, 3, H, W): a view that can't be written to."""
    return np.broadcast_to(images, (images.shape[0], 3, *images.shape[2:]))


def with_channels(images: Levels, channels: int) -> Levels:
    """Pictures (N, C, H, W) of so many channels: luma for 1, gray repeated for 3. Raises UsageError for others."""
    if images.shape[1] == channels:
        return images
    if {images.shape[1], channels} != {1, 3}:
        raise UsageError(f"this model takes pictures of {channels} channels, not {images.shape[1]}")
    return gray_of(images) if channels == 1 else rgb_of(images)


def lightness(gray: Levels) -> Floats:
    """L* (0 to 100) of sRGB grays of any shape; floats are rounded to 1/65535 and clamped."""
    return _lightness_table(255)[gray] if gray.dtype == np.uint8 else _lightness_table(_GRID)[_index(gray)]


def rgb_to_lab(rgb: Levels) -> Floats:
    """Lab (..., 3) of sRGB (..., 3); floats are rounded to 1/65535 and clamped."""
    linear = _linear_table(255)[rgb] if rgb.dtype == np.uint8 else _linear_table(_GRID)[_index(rgb)]
    fx, fy, fz = np.moveaxis(_f(linear @ (RGB_TO_XYZ / WHITE[:, None]).T), -1, 0)
    return np.stack((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)), axis=-1).astype(np.float32)


def lab_to_rgb(lab: Floats) -> Floats:
    """sRGB (..., 3), float32 in [0, 1], of Lab (..., 3). Colours outside are clipped; `join` keeps their lightness."""
    light, a, b = np.moveaxis(lab, -1, 0)
    fy = (light + np.float32(16)) * np.float32(1 / 116)
    planes = _linear(fy, _inverse_f(fy), a * np.float32(1 / 500), b * np.float32(1 / 200))
    return np.stack([_float_levels()[_index(plane)] for plane in planes], axis=-1)


def join(light: Floats, a: Floats, b: Floats, out: Levels) -> None:
    """Write the sRGB picture of lightness L* and colours a, b (each (h, w)) to `out`, (3, h, w), of any `Levels`.

    Where sRGB has no such colour, a and b are multiplied by the largest s in [0, 1] (to 1/512) that fits: clipping RGB
    would change the lightness and the hue. `out` may have any strides. Each pixel depends on nothing but itself.
    """
    fy = (light + np.float32(16)) * np.float32(1 / 116)
    y = _inverse_f(fy)
    da, db = a * np.float32(1 / 500), b * np.float32(1 / 200)
    planes = _linear(fy, y, da, db)
    slack = _DEEP_SLACK if out.dtype == np.uint16 else _SLACK
    outside = np.flatnonzero(_outside(planes, slack))
    if outside.size:
        fitted = _lower_chroma(slack, *(np.take(plane, outside) for plane in (fy, y, da, db)))
        for plane, values in zip(planes, fitted, strict=True):
            np.put(plane, outside, values)
    table = _byte_levels() if out.dtype == np.uint8 else _float_levels()
    for channel, plane in enumerate(planes):
        out[channel] = _deep_levels(plane) if out.dtype == np.uint16 else table[_index(plane)]


def _lower_chroma(slack: float, fy: Floats, y: Floats, da: Floats, db: Floats) -> tuple[Floats, Floats, Floats]:
    """Linear RGB of colours outside sRGB, their chroma halved towards the border; s = 0, the gray, always fits."""
    low = np.zeros_like(fy)
    step = np.float32(1)
    for _ in range(_HALVINGS):
        step *= np.float32(0.5)
        scale = low + step
        fits = ~_outside(_linear(fy, y, da * scale, db * scale), slack)
        np.copyto(low, scale, where=fits)
    return _linear(fy, y, da * low, db * low)


def _linear(fy: Floats, y: Floats, da: Floats, db: Floats) -> tuple[Floats, Floats, Floats]:
    """Linear R, G, B of f(Y), Y, a/500 and b/200. A matrix row sums to 1, so R = Y + m0 (X - Y) + m2 (Z - Y)."""
    x = _inverse_f(fy + da)
    x -= y
    z = _inverse_f(fy - db)
    z -= y
    planes = []
    for row in _XYZ_TO_RGB.astype(np.float32):
        plane = x * row[0]
        plane += z * row[2]
        plane += y
        planes.append(plane)
    return planes[0], planes[1], planes[2]


def _outside(planes: tuple[Floats, Floats, Floats], slack: float) -> Mask:
    red, green, blue = planes
    smallest = np.minimum(np.minimum(red, green), blue)
    largest = np.maximum(np.maximum(red, green), blue)
    return (smallest < -slack) | (largest > 1 + slack)


def _inverse_f(t: Floats) -> Floats:
    """Y of f(Y): t ** 3 above delta, its tangent below. Both at once: one of the two terms is constant."""
    above = np.maximum(t, np.float32(_DELTA))
    cube = above * above
    cube *= above
    below = np.minimum(t, np.float32(_DELTA))
    below -= np.float32(_DELTA)
    below *= np.float32(_SLOPE)
    cube += below
    return cube


def _f(t: NDArray[Any]) -> NDArray[Any]:
    return np.where(t > _DELTA**3, np.cbrt(t), t / _SLOPE + 4 / 29)


def _index(values: NDArray[Any]) -> Deep:
    """Values of [0, 1], clamped, as an index into a table of 65,536; levels of 16 bits are one already."""
    if values.dtype == np.uint16:
        return values
    index = values * np.float32(_GRID)
    index += np.float32(0.5)
    np.clip(index, 0, _GRID, out=index)
    return index.astype(np.uint16)


@cache
def _linear_table(white: int) -> Floats:
    """Linear light of the sRGB levels 0, 1, ... `white`."""
    level = np.arange(white + 1) / white
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _lightness_table(white: int) -> Floats:
    return (116 * _f(_linear_table(white).astype(np.float64)) - 16).astype(np.float32)


@cache
def _float_levels() -> Floats:
    """sRGB levels, 0 to 1, of linear light 0, 1/65535, ... 1."""
    return encoded(np.arange(_GRID + 1) / _GRID).astype(np.float32)


def encoded(light: NDArray[Any]) -> NDArray[Any]:
    """sRGB levels, 0 to 1, of linear light in [0, 1], both floats."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _deep_levels(light: Floats) -> Deep:
    """sRGB levels of 16 bits: a table of linear light is too coarse for them near black."""
    return np.rint(encoded(light.clip(0, 1)) * np.float32(_GRID)).astype(np.uint16)


@cache
def _byte_levels() -> Pixels:
    return np.rint(_float_levels() * 255).astype(np.uint8)
