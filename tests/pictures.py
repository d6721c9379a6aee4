"""Pictures that the tests of picture files share."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, features


def needs_avif(value):
    return pytest.param(value, marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF"))


def scene(height=24, width=40):
    """A smooth colour picture, which lossy formats keep, with four different corners."""
    down, across = np.mgrid[:height, :width]
    planes = (255 * down / height, 255 * across / width, 40 + 150 * (down + across) / (height + width))
    return Image.fromarray(np.dstack(planes).astype(np.uint8))


def file_of(image, kind="PNG", **options):
    data = BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def chunk(kind, data=b"", checksum=None):
    """A chunk of a PNG, with its own checksum or another."""
    sound = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sound if checksum is None else checksum)


def chunks_of(png):
    """The chunks of a PNG: pairs of name and data."""
    at, found = 8, []
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_with(added, image=None, before=b"IDAT", **options):
    """A PNG with more chunks, as bytes, put before the first of another kind."""
    data = file_of(image or scene(), **options)
    at = data.index(before) - 4
    return data[:at] + added + data[at:]


def profile(tag, device, space, connection):
    """An ICC profile of one tag (name, data) and the white point of D50."""
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    table, body, start = struct.pack(">I", 2), b"", 128 + 4 + 24
    for name, data in (tag, (b"wtpt", white)):
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s6H4s", start + len(body), b"lcms", 0x02400000, device, space, connection, *[1] * 6, b"acsp"
    )
    return head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + table + body


def gray_profile(gamma=1.0, curve=None):
    """An ICC profile of grays: linear light, another gamma, or another curve."""
    plain = b"curv" + bytes(4) + (struct.pack(">I", 0) if gamma == 1 else struct.pack(">IH", 1, round(gamma * 256)))
    curve = plain if curve is None else curve
    return profile((b"kTRC", curve), b"mntr", b"GRAY", b"XYZ ")


def tiff(*pages, below=(), order="<"):
    """A TIFF of pages, (pixels, other tags), the first with directories below it; tags are numbers or tuples.

    The tag "raw" is a page's pixels as they are stored.
    """
    data = bytearray(b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    under = [_directory(data, order, page, {}, 0) for page in below]
    following = 0
    for number, page in reversed(list(enumerate(pages))):
        more = {330: tuple(under)} if under and number == 0 else {}
        following = _directory(data, order, page, more, following)
    struct.pack_into(f"{order}I", data, 4, following)
    return bytes(data)


def _directory(data, order, page, more, following):
    """Append a page's pixels and its directory; returns where that is."""
    pixels, tags = page
    height, width = pixels.shape[:2]
    raw = tags.get("raw", pixels.astype(pixels.dtype.newbyteorder(order)).tobytes())
    tags = {tag: value for tag, value in tags.items() if tag != "raw"}
    bands = pixels.shape[2] if pixels.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags = {
        256: width, 257: height, 258: (pixels.dtype.itemsize * 8,) * bands, 259: 1, 262: 2 if bands == 3 else 1,
        273: len(data), 277: bands, 278: height, 279: len(raw), 339: (kind,) * bands, **tags, **more,
    }  # fmt: skip
    data += raw
    entries = bytearray()
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"{order}{len(values)}I", *values)
        where = struct.pack(f"{order}I", len(data)) if len(packed) > 4 else packed
        data += packed if len(packed) > 4 else b""
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + where
    start = len(data)
    data += struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", following)
    return start
