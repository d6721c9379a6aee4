"""Colour profiles of pictures: what the embedded one says, and the way through it to sRGB."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo.errors import UnsafeFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Metadata above this is not carried along: it is no profile and no EXIF that a camera writes.
MAX_METADATA = 16 * 2**20


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
def gray_curve(profile: bytes) -> NDArray[np.float32] | None:
    """The sRGB levels, float32 (256,) from 0 to 255, of a gray profile's levels; None if the profile is no good."""
    try:
        from PIL import ImageCms

        source, target = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
        exact = ImageCms.Flags.NOOPTIMIZE  # without it LittleCMS is ten levels off near black
        colours = np.asarray(ImageCms.buildTransform(source, target, "L", "RGB", flags=exact).apply(ramp))
    except Exception:  # ImageCms may be missing from Pillow, and raises its own error for any bad profile
        return None
    curve: NDArray[np.float32] = colours[0].mean(axis=1, dtype=np.float32)
    return curve


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
