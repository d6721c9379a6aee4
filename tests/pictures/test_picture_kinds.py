"""A file of a kind that can't be read is told what it is, not that it is damaged."""

from __future__ import annotations

import struct

import pytest
from pictures import file_of, scene

from zoo.errors import UnsafeFileError
from zoo.pictures.images import read_picture


def bmp(bits=24, compression=0, header=40, masks=b""):
    info = struct.pack("<IiiHHIIiiII", header, 2, 2, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 99, 0, 0, 14 + len(info) + len(masks)) + info + masks + bytes(99)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bmp(compression=4), "a BMP with a JPEG inside"),
        (bmp(compression=5), "a BMP with a PNG inside"),
        (bmp(compression=11, bits=32), "a BMP with CMYK"),
        (bmp(compression=77), r"Unsupported BMP compression \(77\)"),
        (bmp(bits=64), r"Unsupported BMP pixel depth \(64\)"),
        (bmp(bits=2), r"Unsupported BMP pixel depth \(2\)"),
        (bmp(bits=32, compression=3, masks=struct.pack("<3I", 7, 56, 448)), "Unsupported BMP bitfields layout"),
        (bmp(header=16), r"Unsupported BMP header type \(16\)"),
    ],
)
def test_a_bmp_of_an_unsupported_kind(data, message):
    with pytest.raises(
        UnsafeFileError,
        match=rf"the picture is of a kind that is not supported, .*\({message}\): save it as PNG or TIFF",
    ):
        read_picture(data)


@pytest.mark.parametrize(("change", "message"), [((4, 12), "12 bits"), ((9, 2), "2 channels")])
def test_a_jpeg_of_an_unsupported_kind(change, message):
    data = bytearray(file_of(scene(), "JPEG"))
    data[data.index(b"\xff\xc0") + change[0]] = change[1]
    with pytest.raises(UnsafeFileError, match=f"is a JPEG of {message}, which is not supported: save it as 8-bit"):
        read_picture(bytes(data))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"8BPS\0\1", "a Photoshop document: export it as PNG or TIFF first"),
        (b"%PDF-1.7", "a PDF: export it as PNG or TIFF first"),
        (b"\xff\x0a\0\0", "a JPEG XL picture, which is not supported"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture, which is not supported"),
        (b"\0\0\1\0\1\0", r"an icon \(ICO\), which is not supported"),
        (b"v/1\x01", "an OpenEXR picture, which is not supported"),
        (b"PF\n4 4\n-1.0\n", "a PFM of floating-point RGB, which is not supported"),
        (b"SIMPLE  =   ", "a FITS picture, which is not supported"),
        (b"\x93NUMPY\1\0", "an array of NumPy and no picture"),
        (b"PK\3\4", "a zip archive and no picture"),
        (b"<!DOCTYPE html>", "a web page: download the picture itself"),
        (b"<html>", "a web page: download the picture itself"),
        (b'<svg xmlns="', "an XML or SVG document, which is not supported"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS and not the picture itself"),
    ],
)
def test_formats_that_others_read_are_named(head, message):
    with pytest.raises(UnsafeFileError, match=f"the picture is {message}"):
        read_picture(head + bytes(99))
