"""Colour profiles of pictures: what the embedded one says, and the way through it to sRGB."""

from __future__ import annotations

import struct
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from zoo.arrays import Doubles, Floats
from zoo.errors import UnsafeFileError
from zoo.pictures import color

# Metadata above this is not carried along: it is no profile and no EXIF that a camera writes.
MAX_METADATA = 16 * 2**20
_PARAMETERS = (1, 3, 4, 5, 7)  # how many numbers each type of parametric curve has (ICC.1, table 68)


def fits_profile(icc: bytes, channels: int) -> bool:
    """Whether a file of 1 (gray) or 3 (RGB) channels may carry this colour profile."""
    return space_of(icc) == (b"GRAY" if channels == 1 else b"RGB ")


def space_of(profile: bytes) -> bytes:
    """The colour space of a profile's pixels, as its header says (ICC.1, section 7.2): b"RGB ", b"GRAY", b"CMYK"."""
    return profile[16:20]


def embedded_profile(image: Image.Image, notes: list[str]) -> bytes | None:
    """The embedded colour profile, if it is one."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= MAX_METADATA or profile[36:40] != b"acsp":
        notes.append("its colour profile is damaged and was left out")
        return None
    return profile


@lru_cache(maxsize=8)
def gray_curve(profile: bytes) -> Floats | None:
    """The sRGB levels of a gray profile's 65,536 levels, float32 from 0 to 255; None if the profile is no good."""
    try:
        from PIL import ImageCms

        source, target = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
        exact = ImageCms.Flags.NOOPTIMIZE  # without it LittleCMS is ten levels off near black
        colours = np.asarray(ImageCms.buildTransform(source, target, "L", "RGB", flags=exact).apply(ramp))
    except Exception:  # ImageCms may be missing from Pillow, and raises its own error for any bad profile
        return None
    coarse = colours[0].mean(axis=1, dtype=np.float32)
    fine = _tone_curve(profile)
    if fine is None or not np.abs(fine[::257] - coarse).max() <= 1:  # a profile that says more than one curve
        fine = np.interp(np.linspace(0, 255, 65536), np.arange(256), coarse)
    return fine.astype(np.float32)


def _tone_curve(profile: bytes) -> Doubles | None:
    """The same by the profile's one curve (tag kTRC), without rounding: LittleCMS gives Pillow 8 bits.

    ICC.1, sections 7.3 (tags), 10.6 (curv) and 10.18 (para); None where there is no such curve.
    """
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        tags = {struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(min(count, 100))}
        start = next(start for name, start, _ in tags if name == b"kTRC")
        with np.errstate(all="ignore"):
            light = _tones(profile[start:], np.linspace(0, 1, 65536)).clip(0, 1)
    except (struct.error, StopIteration):
        return None
    if profile[20:24] == b"Lab ":  # the curve gives L* / 100
        light = np.where(light > 0.08, ((light + 0.16) / 1.16) ** 3, light * (27 / 24389 * 100))
    return color.encoded(light) * 255


def _tones(curve: bytes, levels: Doubles) -> Doubles:
    """What a curve of a profile makes of levels in [0, 1]. Raises struct.error for what is none."""
    kind, number = struct.unpack_from(">4s4xI", curve)
    if kind == b"curv" and number > 1:
        table = np.array(struct.unpack_from(f">{min(number, 65536)}H", curve, 12)) / 65535
        return np.interp(levels, np.linspace(0, 1, len(table)), table)
    if kind == b"curv":
        return np.power(levels, struct.unpack_from(">H", curve, 12)[0] / 256) if number else levels
    if kind != b"para" or number >> 16 >= len(_PARAMETERS):
        raise struct.error("no curve")
    given = [value / 65536 for value in struct.unpack_from(f">{_PARAMETERS[number >> 16]}i", curve, 12)]
    g, a, b, c, d, e, f = np.array([*given, *(0, 1, 0, 0, 0, 0, 0)[len(given) :]], np.float64)
    if len(given) < 5:  # the straight part is a constant, below where the power begins
        c, d, e, f = np.float64(0), -b / a, c, c
    curved: Doubles = np.where(levels >= d, np.maximum(a * levels + b, 0) ** g + e, c * levels + f)
    return curved


def through_profiles(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK or Lab as sRGB, by the embedded profile if it is good, else by Pillow's plain arithmetic (CMYK only)."""
    try:
        from PIL import ImageCms

        if image.mode == "LAB":
            source: Any = ImageCms.createProfile("LAB")
        elif profile:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
        else:
            return image.convert("RGB")
        target = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(source, target, image.mode, "RGB").apply(image)
    except Exception as error:  # ImageCms may be missing from Pillow, and raises its own error for any bad profile
        if image.mode == "LAB":
            raise UnsafeFileError(f"this Pillow can't convert Lab pictures to RGB: {error}") from error
        return image.convert("RGB")
