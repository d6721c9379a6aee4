"""A picture in memory, made of whatever Pillow holds: 16 bits, palettes, CMYK, transparency, rotation by EXIF."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from zoo.errors import UnsafeFileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Bytes = NDArray[np.uint8]

# Metadata above this is not carried along: it is no profile and no EXIF that a camera writes.
_MAX_METADATA = 16 * 2**20
_ROWS_AT_A_TIME = 256
# What of EXIF's first directory speaks of the picture and not of how the old file stored its pixels.
_KEPT_TAGS = {0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x8298, *range(0x9C9B, 0x9CA0)}
# Offsets into the old file, and the size before rotation.
_DROPPED_TAGS = {0xA002, 0xA003, 0xA005}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_pillow_globals = threading.Lock()


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it looks on white paper, and what its file said beside the pixels.

    `pixels` is uint8 (H, W, C), C = 1 (gray) or 3 (RGB), upright, with transparent parts laid on white. `alpha` is
    uint8 (H, W) with 255 for opaque, or None. `icc` is the colour profile, `exif` EXIF with orientation 1, `dpi` the
    density (x, y), `format` Pillow's name of the file's format ("JPEG"), "" for none. `notes` say what reading changed.
    """

    pixels: Bytes
    alpha: Bytes | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    format: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse arrays that are no picture."""
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or shape[2] not in (1, 3) or 0 in shape or dtype != np.uint8:
            raise UsageError(f"a picture's pixels must be uint8 (H, W, 1 or 3), not {dtype} {shape}")
        if self.alpha is not None and (self.alpha.shape != shape[:2] or self.alpha.dtype != np.uint8):
            raise UsageError(f"a picture's alpha must be uint8 {shape[:2]}, not {self.alpha.dtype} {self.alpha.shape}")


def from_pil(image: Image.Image, channels: int | None = None) -> Picture:
    """The picture in a Pillow image of any mode: gray (channels=1, Pillow's mode L), RGB (3), or as it comes (None).

    Raises UsageError for other channels, UnsafeFileError for a mode that can't be turned into gray or RGB.
    """
    if channels not in (None, 1, 3):
        raise UsageError(f"a picture has 1 or 3 channels, not {channels}")
    image.load()
    notes: list[str] = []
    turn, exif = _exif(image, notes)
    profile = _profile(image, notes)
    plain, alpha = _plain(image, profile, notes)
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    if alpha is not None:
        paper = Image.new(plain.mode, plain.size, "white")
        paper.paste(plain, mask=alpha)
        plain = paper
    mode = {None: plain.mode, 1: "L", 3: "RGB"}[channels]
    if plain.mode != mode:
        plain = plain.convert(mode)
    if profile and _space(profile) not in ({b"RGB "} if mode == "RGB" else {b"RGB ", b"GRAY"}):
        if _space(profile) != b"CMYK":
            notes.append(f"its {_space(profile).decode('ascii', 'replace').strip()} colour profile was left out")
        profile = None
    return Picture(
        pixels=_pixels(plain, turn),
        alpha=None if alpha is None else _pixels(alpha, turn)[:, :, 0],
        icc=profile,
        exif=exif,
        dpi=_density(image),
        format="JPEG" if image.format == "MPO" else image.format or "",
        notes=tuple(notes),
    )


def fits_profile(icc: bytes, channels: int) -> bool:
    """Whether a file of 1 (gray) or 3 (RGB) channels may carry this colour profile."""
    return _space(icc) == (b"GRAY" if channels == 1 else b"RGB ")


@contextmanager
def quiet_pillow(max_pixels: int | None = None) -> Iterator[None]:
    """Pillow without its warnings and, if asked, with another pixel limit, which it raises as an error or warning.

    Both live in globals of the process, so one thread at a time, for short work only, and put back afterwards.
    """
    with _pillow_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = max_pixels if max_pixels is not None else before
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _pixels(image: Image.Image, turn: Image.Transpose | None) -> Bytes:
    """(H, W, C) of an L or RGB image, upright. Filled by strips: Pillow's own way holds the picture twice more."""
    if turn is not None:
        image = image.transpose(turn)
    width, height = image.size
    pixels = np.empty((height, width, len(image.getbands())), np.uint8)
    for top in range(0, height, _ROWS_AT_A_TIME):
        bottom = min(top + _ROWS_AT_A_TIME, height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, width, bottom))).reshape(bottom - top, width, -1)
    return pixels


def _plain(image: Image.Image, profile: bytes | None, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """An L or RGB image of any mode, and its alpha (L) if it has one."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _plain_levels(image, notes)
    if image.has_transparency_data and mode != "RGBX":
        gray = mode in ("1", "L", "LA", "La")
        image = image.convert("LA" if gray else "RGBA")
        return image.convert("L" if gray else "RGB"), image.getchannel("A")
    if mode in ("CMYK", "LAB"):
        return _through_profiles(image, profile), None
    if mode not in ("L", "RGB"):
        image = image.convert("L" if mode == "1" else "RGB")
    return image, None


def _plain_levels(image: Image.Image, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """Modes of more than 8 bits as L. Pillow's own conversion cuts off all above 255: a 16-bit scan would be white."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    alpha = None
    if values.dtype.kind == "u":
        white = 4095 if tags.get(258) == (12,) else 65535
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            alpha = Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))
        table = (np.arange(65536) * 255 + white // 2) // white
        levels = table.clip(0, 255).astype(np.uint8)[values]
    else:
        finite = values[np.isfinite(values)] if image.mode == "F" else values
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        black, top = _range(image, low, high)
        if black or top not in (1, 255, 65535):
            notes.append(f"its values, {low:g} to {high:g}, were stretched to black and white")
        with np.errstate(all="ignore"):  # infinity is white, NaN black
            shade = (values.astype(np.float32) - np.float32(black)) * np.float32(255 / (top - black))
            levels = np.rint(np.nan_to_num(shade).clip(0, 255)).astype(np.uint8)
    # 262 is the TIFF tag PhotometricInterpretation; Pillow inverts pictures where 0 is white up to 8 bits only.
    return Image.fromarray(255 - levels if tags.get(262) == 0 else levels), alpha


def _range(image: Image.Image, low: float, high: float) -> tuple[float, float]:
    """The values that mean black and white in a picture of 32-bit integers or floats with these extremes."""
    if low >= 0:
        if image.mode == "F" and high <= 1:
            return 0, 1
        if high <= 255 and image.format != "PPM":  # Pillow scales the levels of a deep PGM to 16 bits
            return 0, 255
        if high <= 65535:
            return 0, 65535
    return low, high if high > low else low + 1


def _through_profiles(image: Image.Image, profile: bytes | None) -> Image.Image:
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


def _profile(image: Image.Image, notes: list[str]) -> bytes | None:
    """The embedded colour profile, if it is one."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= _MAX_METADATA or profile[36:40] != b"acsp":
        notes.append("its colour profile is damaged and was left out")
        return None
    return profile


def _space(profile: bytes) -> bytes:
    """The colour space of a profile's pixels, as its header says (ICC.1, section 7.2): b"RGB ", b"GRAY", b"CMYK"."""
    return profile[16:20]


def _exif(image: Image.Image, notes: list[str]) -> tuple[Image.Transpose | None, bytes | None]:
    """How to turn the picture upright, and its EXIF without what is then no longer true (also its thumbnail)."""
    turn = None
    try:
        with quiet_pillow():
            old = image.getexif()
            turn = _TURNS.get(old.get(ExifTags.Base.Orientation, 1))
            new = Image.Exif()
            for tag in _KEPT_TAGS & set(old):
                new[tag] = old[tag]
            for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
                kept = {tag: value for tag, value in old.get_ifd(directory).items() if tag not in _DROPPED_TAGS}
                if kept:
                    new[directory] = kept
            if not len(new):
                return turn, None
            new[ExifTags.Base.Orientation] = 1
            data = new.tobytes()
    except Exception:  # damaged EXIF raises whatever its parser stumbles over; the picture is still good
        notes.append("its EXIF data is damaged and was left out")
        return turn, None
    return turn, data if len(data) <= _MAX_METADATA else None


def _density(image: Image.Image) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    return (x, y) if 1 <= x <= 1e5 and 1 <= y <= 1e5 else None
