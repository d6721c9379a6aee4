"""Pictures of 16 bits: read whole, coloured without loss of lightness, written with all that goes with them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
from pictures import chunk, file_of, gray_profile, scene, tiff
from PIL import ExifTags, Image, ImageCms

from zoo.errors import UnsafeFileError, UsageError
from zoo.pictures.deep import eight_bits
from zoo.pictures.images import Picture, read_picture, write_picture

RNG = np.random.default_rng(5)
COLOURS = RNG.integers(0, 65536, (300, 17, 3), dtype=np.uint16)
GRAYS = COLOURS[:, :, :1]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def luma(colours):
    """ITU-R BT.601, as Pillow rounds it."""
    return ((colours.astype(np.int64) * [19595, 38470, 7471]).sum(axis=2, keepdims=True) + 0x8000) >> 16


def by_opencv(suffix, levels, *options):
    """The file of another program: OpenCV has the channels in another order."""
    ok, data = cv2.imencode(suffix, levels[:, :, ::-1] if levels.shape[2] == 3 else levels, options)
    assert ok
    return data.tobytes()


def seen_by_opencv(data):
    levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    levels = levels[:, :, None] if levels.ndim == 2 else levels
    return levels[:, :, [2, 1, 0, 3][: levels.shape[2]]] if levels.shape[2] > 2 else levels


def written(picture, kind):
    data = BytesIO()
    write_picture(data, picture, format=kind)
    return data.getvalue()


def interlaced(levels):
    """A PNG in the seven passes of Adam7 (PNG specification, 8.2)."""
    height, width, _ = levels.shape
    rows = b""
    for top, left, down, across in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
    ):  # fmt: skip
        rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels[top::down, left::across])
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 1)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


class TestReading:
    @pytest.mark.parametrize(
        "data",
        [
            by_opencv(".png", COLOURS),
            interlaced(COLOURS),
            by_opencv(".tif", COLOURS, cv2.IMWRITE_TIFF_COMPRESSION, 1),
            by_opencv(".tif", COLOURS, cv2.IMWRITE_TIFF_COMPRESSION, 5),
            tiff((COLOURS, {}), order=">"),
            tiff((COLOURS, {259: 8, "raw": zlib.compress(COLOURS.astype(">u2").tobytes())}), order=">"),
        ],
        ids=["png", "interlaced", "plain", "lzw", "big-endian", "deflate-big-endian"],
    )
    def test_colours_have_both_bytes(self, data):
        read = read_picture(data, deep=True)
        np.testing.assert_array_equal(read.deep, COLOURS)
        np.testing.assert_array_equal(read.pixels, COLOURS >> 8)
        np.testing.assert_array_equal(read_picture(data, 1, deep=True).deep, luma(COLOURS))
        assert read_picture(data).deep is None

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_grays(self, suffix):
        data = by_opencv(suffix, GRAYS)
        np.testing.assert_array_equal(read_picture(data, deep=True).deep, GRAYS)
        np.testing.assert_array_equal(read_picture(data, 3, deep=True).deep, GRAYS.repeat(3, axis=2))

    @pytest.mark.parametrize(
        ("values", "tags", "levels"),
        [
            (np.array([[0, 1, 4095]], np.uint16), {258: 12, "raw": bytes([0, 0, 1, 0xFF, 0xF0])}, [0, 16, 65535]),
            (np.array([[0, 1, 32767]], np.int16), {}, [0, 2, 65535]),
            (np.array([[0, 1, 65535]], np.uint16), {262: 0}, [65535, 65534, 0]),
            (np.array([[0, 0.1, 1]], np.float32), {}, [0, 6554, 65535]),
            (np.array([[0, 0.1, 1]], np.float64), {}, [0, 6554, 65535]),
        ],
        ids=["12-bit", "signed", "white-is-0", "float32", "float64"],
    )
    def test_other_levels_are_brought_to_16_bits(self, values, tags, levels):
        read = read_picture(tiff((values, tags)), deep=True)
        assert read.deep[0, :, 0].tolist() == levels
        np.testing.assert_array_equal(read.pixels, eight_bits(read.deep))

    def test_gray_with_alpha_of_a_png(self):
        pixels = zlib.compress(b"\0" + struct.pack(">6H", 32897, 65535, 32897, 0, 1, 0x8080))
        parts = ((b"IHDR", struct.pack(">IIBBBBB", 3, 1, 16, 4, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b""))
        read = read_picture(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts), deep=True)
        assert read.alpha.tolist() == [[255, 0, 128]]
        assert read.deep[0, :, 0].tolist() == [32897, 65535, 32640]

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_they_are_turned_like_8_bits(self, orientation):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        plain = Picture(eight_bits(COLOURS), deep=COLOURS, exif=exif.tobytes())
        read = read_picture(written(plain, "png"), deep=True)
        np.testing.assert_array_equal(read.deep >> 8, read.pixels)
        assert read.deep.shape == ((300, 17, 3) if orientation < 5 else (17, 300, 3))

    @pytest.mark.parametrize("data", [file_of(scene()), file_of(scene().convert("LA")), file_of(scene(), "JPEG")])
    def test_8_bits_stay_8(self, data):
        assert read_picture(data, deep=True).deep is None

    def test_planes_one_after_another_are_read_as_8_bits(self):
        planes = zlib.compress(COLOURS.transpose(2, 0, 1)[0].tobytes())
        data = tiff((COLOURS, {259: 8, 284: 2, 273: (8,) * 3, 279: (len(planes),) * 3, "raw": planes}))
        read = read_picture(data, deep=True)
        assert read.deep is None
        np.testing.assert_array_equal(read.pixels, (COLOURS[:, :, :1] >> 8).repeat(3, axis=2))

    def test_too_many_pixels_are_refused_before_decoding(self):
        for data in (by_opencv(".png", COLOURS), tiff((np.zeros((300, 17)), {}))):
            with pytest.raises(UnsafeFileError, match="--max-pixels"):
                read_picture(data, max_pixels=5000, deep=True)

    def test_a_gray_profile_keeps_levels_apart(self):
        levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
        read = read_picture(file_of(Image.fromarray(levels), icc_profile=gray_profile()), deep=True)
        light = levels / 65535
        expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 65535
        assert np.abs(read.deep[:, :, 0] - expected).max() < 1
        coarse = read_picture(file_of(Image.fromarray(levels), icc_profile=gray_profile())).pixels
        assert np.abs(coarse[:, :, 0] - expected / 257).max() <= 0.51

    @pytest.mark.parametrize(
        ("curve", "level"),
        [
            (struct.pack(">4s4xIH", b"curv", 1, 563), lambda x: x**2.2),
            (struct.pack(">4s4xI3H", b"curv", 3, 0, 16384, 65535), lambda x: np.interp(x, [0, 0.5, 1], [0, 0.25, 1])),
            (struct.pack(">4s4xIi", b"para", 0, 2 * 65536), lambda x: x**2),
            (
                struct.pack(">4s4xI3i", b"para", 1 << 16, 131072, 98304, -32768),
                lambda x: np.maximum(1.5 * x - 0.5, 0) ** 2,
            ),
            (
                struct.pack(">4s4xI5i", b"para", 3 << 16, 131072, 65536, 0, 16384, 16384),
                lambda x: np.where(x < 0.25, x / 4, x**2),
            ),
            (struct.pack(">4s4xI3i", b"para", 1 << 16, -(2**31), 0, 0), None),
            (struct.pack(">4s4xIi", b"para", 0, -65536), None),
            (struct.pack(">4s4xIi", b"para", 9 << 16, 65536), None),
            (b"curv", None),
        ],
        ids=["gamma", "table", "power", "offset", "straight", "zero", "negative", "unknown", "cut-off"],
    )
    def test_curves_of_gray_profiles(self, curve, level, capfd):
        levels = np.linspace(0, 65535, 40 * 50).round().astype(np.uint16).reshape(40, 50)
        read = read_picture(file_of(Image.fromarray(levels), icc_profile=gray_profile(curve=curve)), deep=True)
        assert np.abs(read.deep[:, :, 0] / 257 - read.pixels[:, :, 0]).max() <= 0.51
        if level is not None:
            light = level(levels / 65535)
            expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 65535
            assert np.abs(read.deep[:, :, 0] - expected).max() < 20
        assert capfd.readouterr().err == ""


class TestWriting:
    @pytest.mark.parametrize("kind", ["png", "tif"])
    @pytest.mark.parametrize("levels", [COLOURS, GRAYS], ids=["colours", "grays"])
    def test_other_programs_read_the_same(self, kind, levels):
        data = written(Picture(eight_bits(levels), deep=levels), kind)
        np.testing.assert_array_equal(seen_by_opencv(data), levels)
        with Image.open(BytesIO(data)) as image:
            image.verify()

    @pytest.mark.parametrize("kind", ["png", "tif"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_transparency_comes_back(self, kind, channels):
        alpha = np.full((300, 17), 255, np.uint8)
        alpha[10:20], alpha[20:30] = 0, 100
        levels = 65535 - (COLOURS[:, :, :channels].astype(np.uint32) * alpha[:, :, None] // 255).astype(np.uint16)
        plain = Picture(eight_bits(levels), alpha, deep=levels)
        read = read_picture(written(plain, kind), channels, deep=True)
        np.testing.assert_array_equal(read.alpha, alpha)
        assert np.abs(read.deep.astype(int) - levels).max() <= 1
        assert seen_by_opencv(written(plain, kind)).dtype == np.uint16

    @pytest.mark.parametrize("kind", ["png", "tif"])
    def test_profile_exif_and_density_are_kept(self, kind):
        exif = Image.Exif()
        exif[ExifTags.Base.Model] = "X100"
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "1999:12:31 23:59:59"
        exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
        plain = Picture(eight_bits(COLOURS), icc=SRGB, exif=exif.tobytes(), dpi=(300, 240), deep=COLOURS)
        data = written(plain, kind)
        np.testing.assert_array_equal(seen_by_opencv(data), COLOURS)
        with Image.open(BytesIO(data)) as image:
            kept = image.getexif()
            assert kept[ExifTags.Base.Model] == "X100"
            assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "1999:12:31 23:59:59"
            assert kept.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
            assert image.info["icc_profile"] == SRGB
            assert image.info["dpi"] == pytest.approx((300, 240), abs=0.1)

    def test_a_gray_profile_never_comes_onto_rgb(self):
        plain = Picture(eight_bits(COLOURS), icc=gray_profile(), deep=COLOURS)
        assert gray_profile() not in written(plain, "tif")
        assert b"iCCP" not in written(plain, "png")

    @pytest.mark.parametrize("kind", ["jpg", "webp", "bmp"])
    def test_other_formats_have_the_8_bits(self, kind):
        plain = Picture(eight_bits(COLOURS), deep=COLOURS)
        assert written(plain, kind) == written(replace(plain, deep=None), kind)

    def test_16_bits_of_another_shape_are_refused(self):
        with pytest.raises(UsageError, match=r"must be uint16 \(300, 17, 3\)"):
            Picture(eight_bits(COLOURS), deep=GRAYS)
