"""A picture in memory, made of whatever Pillow holds: 16 bits, palettes, CMYK, transparency, rotation by EXIF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image

from zoo.arrays import Deep, Pixels
from zoo.errors import UsageError
from zoo.pictures.deep import both_bytes, on_white, strips, turned, with_channels
from zoo.pictures.levels import by_curve, is_deep, plain_levels, words_by_curve
from zoo.pictures.profiles import MAX_METADATA, embedded_profile, gray_curve, space_of, through_profiles
from zoo.pictures.quiet import quiet_libtiff, quiet_pillow

# What of EXIF's first directory speaks of the picture and not of how the old file stored its pixels.
_KEPT_TAGS = {0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x8298, *range(0x9C9B, 0x9CA0)}
# Offsets into the old file, and the size before rotation.
_DROPPED_TAGS = {0xA002, 0xA003, 0xA005}
_NATIVE = {
    "I;16BS": "I;16NS", "I;16S": "I;16NS", "I;32BS": "I;32NS", "I;32S": "I;32NS", "F;32BF": "F;32NF", "F;32F": "F;32NF",
}  # fmt: skip
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it looks on white paper, and what its file said beside the pixels.

    `pixels` is uint8 (H, W, C), C = 1 (gray) or 3 (RGB), upright, with transparent parts laid on white. `alpha` is
    uint8 (H, W) with 255 for opaque, or None. `icc` is the colour profile, `exif` EXIF with orientation 1, `dpi` the
    density (x, y), `format` Pillow's name of the file's format ("JPEG"), "" for none. `notes` say what reading changed.
    `deep` is the same picture in uint16, of the shape of `pixels` and with 65535 for white, if its file has more than
    8 bits and they were asked for: who gives it other pixels gives it another `deep`, too.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    format: str = ""
    notes: tuple[str, ...] = ()
    deep: Deep | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that are no picture."""
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or shape[2] not in (1, 3) or 0 in shape or dtype != np.uint8:
            raise UsageError(f"a picture's pixels must be uint8 (H, W, 1 or 3), not {dtype} {shape}")
        if self.alpha is not None and (self.alpha.shape != shape[:2] or self.alpha.dtype != np.uint8):
            raise UsageError(f"a picture's alpha must be uint8 {shape[:2]}, not {self.alpha.dtype} {self.alpha.shape}")
        if self.deep is not None and (self.deep.shape != shape or self.deep.dtype != np.uint16):
            raise UsageError(f"a picture's 16 bits must be uint16 {shape}, not {self.deep.dtype} {self.deep.shape}")


def from_pil(
    image: Image.Image, channels: int | None = None, *, deep: bool = False, lower: Image.Image | None = None
) -> Picture:
    """The picture in a Pillow image of any mode: gray (channels=1, Pillow's mode L), RGB (3), or as it comes (None).

    With `deep` it keeps more than 8 bits, if there are more: of gray and, where `lower` has the lower bytes, of colour.
    Raises UsageError for other channels, UnsafeFileError for a mode that can't be turned into gray or RGB.
    """
    if channels not in (None, 1, 3):
        raise UsageError(f"a picture has 1 or 3 channels, not {channels}")
    gray = _is_gray(image)
    load_pixels(image)
    notes: list[str] = []
    turn, exif = _exif(image, notes)
    levels = both_bytes(image, lower, gray, luma=channels == 1) if lower else None
    plain, alpha, profile, levels = _plain(image, gray, embedded_profile(image, notes), notes, deep, levels)
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    if alpha is not None:
        paper = Image.new(plain.mode, plain.size, "white")
        paper.paste(plain, mask=alpha)
        plain = paper
        if levels is not None:
            on_white(levels, np.asarray(alpha))
    mode = {None: plain.mode, 1: "L", 3: "RGB"}[channels]
    if plain.mode != mode:
        plain = plain.convert(mode)
    return Picture(
        pixels=_pixels(plain, turn),
        alpha=None if alpha is None else _pixels(alpha, turn)[:, :, 0],
        icc=_left_out(profile, notes),
        exif=exif,
        dpi=_density(image),
        format="JPEG" if image.format == "MPO" else image.format or "",
        notes=tuple(notes),
        deep=None if levels is None else turned(with_channels(levels, len(mode)), turn),
    )


def _is_gray(image: Image.Image) -> bool:
    """Whether the file is gray, asked before it is decoded: Pillow makes RGBA of a PNG's 16-bit gray with alpha."""
    tiles = getattr(image, "tile", None)
    return image.mode in ("1", "L", "LA", "La") or is_deep(image) or bool(tiles and tiles[0][3] == "LA;16B")


def load_pixels(image: Image.Image) -> None:
    """Decode the pixels. A TIFF's warn, print and have a limit of their own, and so are decoded one at a time."""
    if image.format != "TIFF":
        image.load()
        return
    # What libtiff unpacks has this machine's order of bytes; Pillow knows that of unsigned 16 bits only.
    image.tile = [  # type: ignore[attr-defined]  # of all images from files
        tile._replace(args=(_NATIVE.get(tile.args[0], tile.args[0]), *tile.args[1:]))
        if tile.codec_name == "libtiff"
        else tile
        for tile in getattr(image, "tile", [])
    ]
    limit = Image.MAX_IMAGE_PIXELS
    with quiet_pillow(limit and max(limit, image.width * image.height)), quiet_libtiff():
        image.load()


def _pixels(image: Image.Image, turn: Image.Transpose | None) -> Pixels:
    """(H, W, C) of an L or RGB image, upright."""
    if turn is not None:
        image = image.transpose(turn)
    pixels = np.empty((image.height, image.width, len(image.getbands())), np.uint8)
    for rows, values in strips(image):
        pixels[rows] = values
    return pixels


def _plain(
    image: Image.Image, gray: bool, profile: bytes | None, notes: list[str], deep: bool, levels: Deep | None
) -> tuple[Image.Image, Image.Image | None, bytes | None, Deep | None]:
    """An L or RGB image of any mode, in sRGB or in the profile that is returned, its alpha (L) and 16 bits if any."""
    mode = image.mode
    curve = gray_curve(profile) if profile and gray and space_of(profile) == b"GRAY" else None
    if curve is not None:
        profile = None
    alpha = None
    if is_deep(image):
        image, alpha, levels = plain_levels(image, curve, notes, deep)
        return image, alpha, profile, levels
    if image.has_transparency_data and mode != "RGBX":
        image = image.convert("LA" if gray else "RGBA")
        alpha = image.getchannel("A")
    if mode in ("CMYK", "LAB"):
        return through_profiles(image, profile), None, None, None
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if gray else "RGB")
    if curve is not None:
        image = by_curve(image, curve)
        levels = None if levels is None else words_by_curve(levels, curve)
    return image, alpha, profile, levels


def _left_out(profile: bytes | None, notes: list[str]) -> bytes | None:
    """The profile, unless it is of another colour space than a result's, RGB."""
    if profile and space_of(profile) != b"RGB ":
        notes.append(f"its {space_of(profile).decode('ascii', 'replace').strip()} colour profile was left out")
        return None
    return profile


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
    return turn, data if len(data) <= MAX_METADATA else None


def _density(image: Image.Image) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    return (x, y) if 1 <= x <= 1e5 and 1 <= y <= 1e5 else None
