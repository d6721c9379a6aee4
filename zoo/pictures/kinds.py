"""What to say of a file that is no picture which can be read here: what it is, where that can be told."""

from __future__ import annotations

import contextlib
import re
from typing import BinaryIO

from PIL import features

from zoo.pictures.formats import heif_ready
from zoo.pictures.png_chunks import SIGNATURE
from zoo.pictures.quiet import quiet_libtiff, quiet_pillow
from zoo.pictures.tiff_pages import RAW_FILE, is_tiff, read_pages

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_EXPORT = "export it as PNG or TIFF first"
# By how their files begin: raw files that are no TIFFs, and formats that others read.
_OTHERS = {
    **dict.fromkeys((b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb", b"\0MRM"), RAW_FILE),
    b"II\x1a\0\0\0HEAPCCDR": RAW_FILE,
    b"8BPS": f"a Photoshop document: {_EXPORT}",
    b"gimp xcf": f"a GIMP document: {_EXPORT}",
    b"%PDF": f"a PDF: {_EXPORT}",
    b"\xff\x0a": f"a JPEG XL picture, which is not supported: {_EXPORT}",
    b"\0\0\0\x0cJXL ": f"a JPEG XL picture, which is not supported: {_EXPORT}",
    b"II\xbc": f"a JPEG XR picture, which is not supported: {_EXPORT}",
    b"v/1\x01": f"an OpenEXR picture, which is not supported: {_EXPORT}",
    b"#?RADIANCE": f"a Radiance HDR picture, which is not supported: {_EXPORT}",
    b"\0\0\1\0": f"an icon (ICO), which is not supported: {_EXPORT}",
    b"PF\n": f"a PFM of floating-point RGB, which is not supported: {_EXPORT}",
    b"SIMPLE  =": f"a FITS picture, which is not supported: {_EXPORT}",
    b"\x93NUMPY": "an array of NumPy and no picture",
    b"PK\3\4": "a zip archive and no picture: take it apart first",
    b"version https://git-lfs": "a pointer of Git LFS and not the picture itself: git lfs pull fetches that",
    **dict.fromkeys(
        (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML"), "a web page: download the picture itself"
    ),
    **dict.fromkeys((b"<svg", b"<?xml"), f"an XML or SVG document, which is not supported: {_EXPORT}"),
}
_BMP_COMPRESSIONS = {"4": "a JPEG inside", "5": "a PNG inside", "6": "bitfields with alpha", "11": "CMYK"}


def is_iso_media(head: bytes) -> bool:
    """Whether a file begins as HEIC and AVIF do: with an `ftyp` box (ISO 14496-12)."""
    return head[4:8] == b"ftyp"


def kind_refused(name: str, said: str) -> str:
    """The message for an error by which Pillow means a kind that it can't read; empty for all others."""
    if "nsupported" not in said and "not yet supported" not in said and "annot handle" not in said:
        return ""
    compression = re.fullmatch(r"Unsupported BMP compression \((\d+)\)", said)
    if compression and compression[1] in _BMP_COMPRESSIONS:
        said = f"a BMP with {_BMP_COMPRESSIONS[compression[1]]}"
    return f"{name} is of a kind that is not supported, or its beginning is damaged ({said}): save it as PNG or TIFF"


def why_unidentified(stream: BinaryIO, name: str) -> str:
    """The message for a file that Pillow takes for no picture."""
    with contextlib.suppress(OSError, ValueError):
        stream.seek(0)
        head = stream.read(32)
        known = next((what for begin, what in _OTHERS.items() if head.startswith(begin)), "")
        known = known or (_iso_media(head[8:12]) if is_iso_media(head) else "")
        if known:
            return f"{name} is {known}" if not known.startswith(":") else f"{name}{known}"
        if head.startswith(SIGNATURE):
            return f"{name} is damaged: its part IHDR (header) says what no PNG is"
        said = _jpeg(stream) if head.startswith(b"\xff\xd8") else _tiff(stream) if is_tiff(head) else ""
        if said:
            return f"{name} is {said}, which is not supported: save it as 8-bit or 16-bit gray or RGB"
    return f"{name} is not a picture of a known format, or its beginning is damaged"


def _iso_media(brand: bytes) -> str:
    if brand in _HEIC:
        return "a damaged HEIC picture" if heif_ready() else ": Pillow here cannot read HEIC: pip install pillow-heif"
    if brand in (b"avif", b"avis"):
        upgrade = ": Pillow here cannot read AVIF: pip install --upgrade pillow"
        return "a damaged AVIF picture" if features.check("avif") else upgrade
    return RAW_FILE if brand == b"crx " else ""


def _jpeg(stream: BinaryIO) -> str:
    """The kind of a JPEG that Pillow can't read, if that is why."""
    from PIL import JpegImagePlugin

    stream.seek(0)
    try:
        with quiet_pillow():
            JpegImagePlugin.JpegImageFile(stream).close()
    except SyntaxError as error:
        found = re.match(r"cannot handle (\d+)-(bit|layer)", str(error))
        if found:
            return f"a JPEG of {found[1]} {'bits' if found[2] == 'bit' else 'channels'}"
    return ""


def _tiff(stream: BinaryIO) -> str:
    """The kind of a TIFF that Pillow can't read, if that is why."""
    from PIL import TiffImagePlugin

    pages = read_pages(stream).chain
    if not pages or not pages[0].area:
        return ""
    stream.seek(0)
    try:
        with quiet_pillow(), quiet_libtiff():
            TiffImagePlugin.TiffImageFile(stream).close()
    except SyntaxError as error:
        if str(error) == "unknown pixel mode" or "samples per pixel" in str(error):
            return f"a TIFF of {pages[0].kind} pixels"
        compression = pages[0].value(259, 1)
        if compression not in TiffImagePlugin.COMPRESSION_INFO:
            return f"a TIFF of compression {compression}"
    return ""
