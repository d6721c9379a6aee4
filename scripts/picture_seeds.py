"""Small sound pictures of every format and kind that can be written here: what the fuzzer of picture files damages."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, features

from zoo.pictures.deep import eight_bits
from zoo.pictures.images import Picture, write_picture

SRGB: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDTH, HEIGHT = 40, 24


def scene() -> Image.Image:
    """A colour picture with smooth and noisy parts, (40, 24)."""
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(0).integers(0, 40, (HEIGHT, WIDTH))
    planes = (255 * down // HEIGHT, 255 * across // WIDTH, 40 + 2 * (down + across) + noise)
    return Image.fromarray(np.dstack(planes).astype(np.uint8))


def exif() -> bytes:
    """EXIF of three directories, with an orientation."""
    made = Image.Exif()
    made[ExifTags.Base.Orientation] = 6
    made[ExifTags.Base.Model] = "X100"
    made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "1999:12:31 23:59:59"
    made.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    data: bytes = made.tobytes()
    return data


def seeds() -> dict[str, bytes]:
    """Files by a name that tells their kind; those of formats that this Pillow can't write are left out."""
    made: dict[str, bytes] = {}
    for name, image, kind, options in _recipes():
        data = BytesIO()
        image.save(data, kind, **options)
        made[name] = data.getvalue()
    made["text.ppm"] = b"P3 2 2 255\n" + b"1 2 3 4 5 6 " * 2
    made["os2.bmp"] = b"BM" + struct.pack("<IHHI", 38, 0, 0, 26) + struct.pack("<IHHHH", 12, 2, 2, 1, 24) + bytes(16)
    made["ancillary.png"] = _ancillary()
    made["thumbnail-first.tif"] = _thumbnail_first()
    for bits in (16, 64):
        made[f"float{bits}.tif"] = _floats(bits)
    return made | _wide()


def _recipes() -> Iterator[tuple[str, Image.Image, str, dict[str, Any]]]:
    rgb = scene()
    gray, clear, palette = rgb.convert("L"), rgb.convert("RGBA"), rgb.quantize(16)
    clear.putalpha(Image.linear_gradient("L").resize(rgb.size))
    frames = {"save_all": True, "append_images": [rgb.rotate(9), rgb.rotate(20)]}
    levels = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    deep = Image.fromarray((levels * 68).astype(np.uint16))
    yield "rgb.jpg", rgb, "JPEG", {"exif": exif(), "icc_profile": SRGB, "dpi": (300, 300)}
    yield "progressive.jpg", rgb, "JPEG", {"progressive": True}
    yield "gray.jpg", gray, "JPEG", {"optimize": True}
    yield "cmyk.jpg", rgb.convert("CMYK"), "JPEG", {}
    yield "restarts.jpg", rgb, "JPEG", {"restart_marker_blocks": 2}
    yield "two.mpo", rgb, "MPO", {"save_all": True, "append_images": [gray]}
    yield "rgb.png", rgb, "PNG", {"exif": exif(), "icc_profile": SRGB, "dpi": (300, 300)}
    yield "palette.png", palette, "PNG", {"transparency": 3}
    yield "alpha.png", clear, "PNG", {}
    yield "deep.png", deep, "PNG", {}
    yield "bits.png", rgb.convert("1"), "PNG", {}
    yield "animated.png", rgb, "PNG", frames
    yield "lossy.webp", rgb, "WEBP", {"exif": exif(), "icc_profile": SRGB}
    yield "lossless.webp", clear, "WEBP", {"lossless": True}
    yield "animated.webp", rgb, "WEBP", frames
    yield "palette.gif", palette, "GIF", {"transparency": 2}
    yield "animated.gif", rgb, "GIF", frames
    yield "rgb.bmp", rgb, "BMP", {}
    yield "palette.bmp", palette, "BMP", {}
    yield "alpha.bmp", clear, "BMP", {}
    for mode, image in (("rgb", rgb), ("gray", gray), ("alpha", clear), ("palette", palette), ("deep", deep)):
        yield f"{mode}.tif", image, "TIFF", {"dpi": (300, 300)}
    yield "signed.tif", Image.fromarray((levels - 500).astype(np.int32)), "TIFF", {}
    yield "float.tif", Image.fromarray((levels / levels.max()).astype(np.float32)), "TIFF", {}
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd", "lzma"):
        yield f"{compression}.tif", rgb, "TIFF", {"compression": compression}
    yield "group4.tif", rgb.convert("1"), "TIFF", {"compression": "group4"}
    yield "cmyk.tif", rgb.convert("CMYK"), "TIFF", {"compression": "tiff_lzw"}
    yield "ycbcr.tif", rgb.convert("YCbCr"), "TIFF", {}
    yield "lab.tif", rgb.convert("LAB"), "TIFF", {}
    yield "tagged.tif", rgb, "TIFF", {"exif": exif(), "icc_profile": SRGB}
    yield "pages.tif", rgb, "TIFF", {**frames, "compression": "tiff_lzw"}
    yield "large.tif", gray, "TIFF", {"big_tiff": True}
    yield "rgb.ppm", rgb, "PPM", {}
    yield "deep.pgm", deep.convert("I"), "PPM", {}
    yield "bits.pbm", rgb.convert("1"), "PPM", {}
    yield "float.pfm", Image.fromarray((levels / levels.max()).astype(np.float32)), "PPM", {}
    yield "icon.ico", rgb, "ICO", {"sizes": [(16, 16), (32, 32)]}
    if "QOI" in Image.SAVE:
        yield "rgb.qoi", rgb, "QOI", {}
    if features.check("avif"):
        yield "rgb.avif", rgb, "AVIF", {"exif": exif(), "icc_profile": SRGB}
        yield "animated.avif", rgb, "AVIF", frames
    if features.check("jpg_2000"):
        yield "rgb.jp2", rgb, "JPEG2000", {}
        yield "gray.j2k", gray, "JPEG2000", {"irreversible": True, "no_jp2": True}


def _ancillary() -> bytes:
    """A PNG with each kind of text and other chunks that are not needed to show it."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "a picture", zip=False)
    notes.add_text("Description", "a picture " * 30, zip=True)
    notes.add_itxt("Title", "Bild", "de", "Titel", zip=True)
    notes.add(b"tIME", bytes([7, 207, 12, 31, 23, 59, 59]))
    notes.add(b"gAMA", struct.pack(">I", 45455))
    notes.add(b"sBIT", bytes([8, 8, 8]))
    notes.add(b"prIv", zlib.compress(b"private"))
    data = BytesIO()
    scene().save(data, "PNG", pnginfo=notes)
    return data.getvalue()


def _wide() -> dict[str, bytes]:
    """Colours of 16 bits, with alpha and without, as the zoo writes them, and gray with alpha."""
    levels = np.asarray(scene()).astype(np.uint16) * np.uint16(257) + np.arange(WIDTH, dtype=np.uint16)[:, None]
    alpha = np.broadcast_to(np.arange(WIDTH, dtype=np.uint8) * 6, (HEIGHT, WIDTH))
    plain = Picture(eight_bits(levels), deep=levels, icc=SRGB, exif=exif(), dpi=(300, 300))
    clear = replace(plain, alpha=alpha, exif=None)
    gray = Picture(plain.pixels[:, :, :1], deep=levels[:, :, :1], alpha=alpha)
    made = {}
    for name, picture in (("wide", plain), ("wide-alpha", clear), ("wide-gray-alpha", gray)):
        for kind in ("png", "tif"):
            data = BytesIO()
            write_picture(data, picture, format=kind)
            made[f"{name}.{kind}"] = data.getvalue()
    return made


def _floats(bits: int) -> bytes:
    """A TIFF of gray floats, compressed, as differences to the left."""
    levels = np.linspace(0, 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(f"<f{bits // 8}")
    rows = levels.view(f"<u{bits // 8}").copy()
    rows[:, 1:] -= levels.view(rows.dtype)[:, :-1]
    pixels = zlib.compress(rows.tobytes())
    tags = [(256, WIDTH), (257, HEIGHT), (258, bits), (259, 8), (262, 1), (273, 8), (277, 1), (278, HEIGHT)]
    tags += [(279, len(pixels)), (317, 2), (339, 3)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


def _thumbnail_first() -> bytes:
    """A TIFF as cameras write it: the first page a thumbnail, the picture in a directory below."""

    def directory(width: int, height: int, reduced: int, pixels: int, more: list[tuple[int, int]]) -> bytes:
        tags = [(254, reduced), (256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, pixels), (277, 1)]
        tags += [(278, height), (279, width * height), *more]
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags))
        return struct.pack("<H", len(tags)) + entries + bytes(4)

    small, large = bytes(range(96)), bytes(range(192)) * 8
    first = 8 + len(small) + len(large)
    top = directory(12, 8, 1, 8, [(330, first + 2 + 11 * 12 + 4)])
    return b"II*\0" + struct.pack("<I", first) + small + large + top + directory(48, 32, 0, 8 + len(small), [])
