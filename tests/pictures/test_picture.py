"""Whatever a file holds becomes gray or RGB, upright, on white, with what must be kept."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from pictures import chunk, file_of, gray_profile, needs_avif, profile, scene, tiff
from PIL import ExifTags, Image

from zoo.pictures.images import from_pil, read_picture


def luma(image):
    return np.asarray(image.convert("L"))


class TestModes:
    def test_gray_is_pillows_mode_l_and_rgb_is_rgb(self):
        data = file_of(scene(), "JPEG")
        image = Image.open(BytesIO(data))
        np.testing.assert_array_equal(read_picture(data, 1).pixels[:, :, 0], luma(image))
        np.testing.assert_array_equal(read_picture(data, 3).pixels, np.asarray(image))
        assert read_picture(data).pixels.shape == (24, 40, 3)

    def test_gray_files_stay_gray_unless_rgb_is_asked_for(self):
        data = file_of(scene().convert("L"), "JPEG")
        assert read_picture(data).pixels.shape == (24, 40, 1)
        rgb = read_picture(data, 3).pixels
        np.testing.assert_array_equal(rgb, np.dstack([read_picture(data, 1).pixels] * 3))

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    @pytest.mark.parametrize("big_endian", [False, True])
    def test_16_bits_are_scaled_not_cut_off(self, kind, big_endian):
        values = np.array([[0, 128, 129, 257, 32896, 65407, 65535]], ">u2" if big_endian else "<u2")
        image = Image.frombytes("I;16B" if big_endian else "I;16", (7, 1), values.tobytes())
        read = read_picture(file_of(image, kind)).pixels
        assert read[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255, 255]  # round(v / 257)

    def test_12_bits_of_a_tiff_are_scaled_by_their_own_white(self):
        image = from_tiff(np.array([[0, 2048, 4095]], np.uint16), {})
        image.tag_v2 = {258: (12,)}
        assert from_pil(image).pixels[0, :, 0].tolist() == [0, 128, 255]

    def test_a_deep_tiff_where_0_is_white_is_inverted(self):
        image = from_tiff(np.array([[0, 65535]], np.uint16), {262: 0})
        assert from_pil(image).pixels[0, :, 0].tolist() == [255, 0]

    @pytest.mark.parametrize(
        ("values", "levels", "stretched"),
        [
            (np.int32([[0, 100, 255]]), [0, 100, 255], None),
            (np.int32([[0, 257, 65535]]), [0, 1, 255], None),
            (
                np.int32([[-100, 0, 100]]),
                [0, 128, 255],
                "-100 to 100",
            ),
            (np.int32([[0, 0, 10**6]]), [0, 0, 255], "0 to 1e+06"),
            (np.float32([[0, 0.5, 1]]), [0, 128, 255], None),
            (np.float32([[0, 100, 255]]), [0, 100, 255], None),
            (np.float32([[0, np.nan, np.inf]]), [0, 0, 255], None),
            (
                np.float32([[-3e38, 0, 3e38]]),
                [0, 128, 255],
                "-3e+38 to 3e+38",
            ),
        ],
    )
    def test_32_bits_and_floats_are_scaled_by_their_range(self, values, levels, stretched):
        read = read_picture(file_of(Image.fromarray(values), "TIFF"))
        assert read.pixels[0, :, 0].tolist() == levels
        note = f"its values, {stretched}, were stretched to black and white"
        assert read.notes == ((note,) if stretched else ())

    def test_a_dark_16_bit_pgm_stays_dark(self):
        assert read_picture(b"P5 2 1 65535\n" + struct.pack(">2H", 0, 255)).pixels[0, :, 0].tolist() == [0, 1]

    def test_one_bit_and_palette(self):
        read = read_picture(file_of(scene().convert("1")))
        assert set(np.unique(read.pixels)) == {0, 255}
        palette = scene().quantize(8)
        np.testing.assert_array_equal(read_picture(file_of(palette, "GIF")).pixels, np.asarray(palette.convert("RGB")))

    def test_cmyk_without_a_profile_is_pillows_arithmetic(self):
        data = file_of(scene().convert("CMYK"), "TIFF")
        np.testing.assert_array_equal(read_picture(data).pixels, np.asarray(scene()))

    def test_cmyk_goes_through_its_profile_which_is_then_dropped(self):
        read = read_picture(file_of(Image.new("CMYK", (2, 2), (255, 0, 0, 0)), "TIFF", icc_profile=cmyk_profile()))
        assert np.ptp(read.pixels) <= 1  # by that profile cyan ink is gray
        assert 100 < read.pixels.mean() < 140
        assert read.icc is None

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
    @pytest.mark.parametrize("channels", [1, 3, None])
    def test_gray_goes_through_its_profile_to_srgb(self, kind, channels):
        image = Image.new("L", (16, 16), 128)
        read = read_picture(file_of(image, kind, icc_profile=gray_profile()), channels)
        assert set(np.unique(read.pixels)) == {188}  # linear light 128 / 255 in sRGB
        assert (read.icc, read.notes) == (None, ())
        read = read_picture(file_of(image, kind, icc_profile=gray_profile(1.8)), channels)
        assert abs(int(read.pixels.max()) - 147) <= 1  # (128 / 255) ** 1.8 in sRGB

    def test_a_gray_profile_keeps_black_white_and_alpha(self):
        image = Image.merge("LA", [Image.linear_gradient("L"), Image.new("L", (256, 256), 255)])
        image.putpixel((0, 128), (128, 100))
        read = read_picture(file_of(image, icc_profile=gray_profile()))
        assert [int(read.pixels[y, 5, 0]) for y in (0, 128, 255)] == [0, 188, 255]
        assert int(read.alpha[128, 0]) == 100
        assert abs(int(read.pixels[128, 0, 0]) - round(255 - (255 - 188) * 100 / 255)) <= 1

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_a_gray_profile_of_16_bits(self, kind):
        values = np.array([[0, 16, 100, 257, 32896, 65535]], np.uint16)
        read = read_picture(file_of(Image.fromarray(values), kind, icc_profile=gray_profile()))
        np.testing.assert_allclose(read.pixels[0, :, 0], [0, 1, 5, 13, 188, 255], atol=1)

    @pytest.mark.parametrize("profile", [None, gray_profile()])
    def test_a_png_of_16_bit_gray_with_alpha_is_gray(self, profile):
        pixels = zlib.compress(b"\0" + struct.pack(">4H", 32896, 65535, 32896, 0))
        parts = [(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 4, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
        if profile:
            parts.insert(1, (b"iCCP", b"gray\0\0" + zlib.compress(profile)))
        read = read_picture(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
        assert read.pixels.tolist() == [[[188 if profile else 128], [255]]]
        assert read.alpha.tolist() == [[255, 0]]

    def test_a_gray_profile_where_0_is_white(self):
        data = tiff((np.array([[0, 32639, 65535]], np.uint16), {262: 0}))
        image = Image.open(BytesIO(data))
        image.info["icc_profile"] = gray_profile()
        assert from_pil(image).pixels[0, :, 0].tolist() == [255, 188, 0]

    def test_a_gray_profile_that_is_no_good_is_left_out(self):
        broken = gray_profile()[:132] + bytes(60)
        image = Image.new("L", (2, 2), 128)
        for data in (file_of(image, icc_profile=broken), file_of(scene(), icc_profile=gray_profile())):
            read = read_picture(data, 1)
            assert (read.icc, read.notes) == (None, ("its GRAY colour profile was left out",))
        assert read_picture(file_of(image, icc_profile=broken)).pixels[0, 0, 0] == 128

    def test_cmyk_with_a_broken_profile_is_read_without_it(self):
        broken = cmyk_profile()[:200]
        read = read_picture(file_of(Image.new("CMYK", (2, 2), (255, 0, 0, 0)), "TIFF", icc_profile=broken))
        assert read.pixels[0, 0].tolist() == [0, 255, 255]

    def test_lab_and_ycbcr_become_rgb(self):
        lab = Image.frombytes("LAB", (1, 1), bytes([137, 80, 67]))  # L 53.7, a 80, b 67: nearly pure red
        red = read_picture(file_of(lab, "TIFF")).pixels[0, 0]
        assert red[0] > 230
        assert red[1:].max() < 60
        data = file_of(scene().convert("YCbCr"), "TIFF")
        assert np.abs(read_picture(data).pixels.astype(int) - np.asarray(scene())).max() <= 3


def from_tiff(values, tags):
    image = Image.fromarray(values)
    image.tag_v2 = tags
    return image


def cmyk_profile():
    """A CMYK profile where every mix of inks is middle gray, but black where there is black ink: unlike real inks."""
    mixes = bytes(value for mix in range(16) for value in (0 if mix % 2 else 128 if mix else 255, 128, 128))
    ramp = bytes(range(256))
    identity = b"".join(struct.pack(">i", 65536 if number % 4 == 0 else 0) for number in range(9))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + mixes + ramp * 3
    return profile((b"A2B0", lut), b"prtr", b"CMYK", b"Lab ")


class TestTransparency:
    def test_it_is_composited_on_white_and_kept_beside(self):
        image = scene().convert("RGBA")
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        read = read_picture(file_of(image))
        paper = Image.new("RGBA", image.size, "white")
        expected = np.asarray(Image.alpha_composite(paper, image).convert("RGB")).astype(int)
        assert np.abs(read.pixels - expected).max() <= 1
        np.testing.assert_array_equal(read.alpha, np.asarray(image)[:, :, 3])
        np.testing.assert_array_equal(
            read_picture(file_of(image), 1).pixels[:, :, 0], luma(Image.fromarray(read.pixels))
        )

    @pytest.mark.parametrize(
        ("image", "options"),
        [
            (Image.new("LA", (2, 1), (9, 0)), {}),
            (Image.new("L", (2, 1), 9), {"transparency": 9}),
            (Image.new("1", (2, 1), 1), {"transparency": 255}),
            (Image.new("RGB", (2, 1), (1, 2, 3)), {"transparency": (1, 2, 3)}),
            (Image.new("P", (2, 1)), {"transparency": 0}),
            (Image.new("P", (2, 1)), {"transparency": b"\0"}),
            (Image.fromarray(np.full((1, 2), 999, np.uint16)), {"transparency": 999}),
        ],
    )
    def test_every_way_a_png_says_it(self, image, options):
        read = read_picture(file_of(image, **options))
        assert read.alpha.tolist() == [[0, 0]]
        assert np.all(read.pixels == 255)

    def test_an_opaque_alpha_is_no_alpha(self):
        assert read_picture(file_of(scene().convert("RGBA"))).alpha is None


class TestMetadata:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", needs_avif("AVIF")])
    def test_pictures_are_upright_in_every_format(self, kind, orientation):
        image = Image.fromarray(
            np.kron(np.array([[0, 80, 160], [40, 120, 240]], np.uint8), np.ones((16, 16), np.uint8))
        )
        upright = np.array([[0, 80, 160], [40, 120, 240]])
        expected = {
            1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
            5: upright.T, 6: upright[::-1].T, 7: upright[::-1, ::-1].T, 8: upright[:, ::-1].T,
        }[orientation]  # fmt: skip
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        exif[ExifTags.Base.Make] = "Camera"
        read = read_picture(file_of(image, kind, exif=exif), 1)
        assert np.abs(read.pixels[8::16, 8::16, 0].astype(int) - expected).max() <= 4
        kept = Image.Exif()
        kept.load(read.exif)
        assert (kept[ExifTags.Base.Orientation], kept[ExifTags.Base.Make]) == (1, "Camera")

    def test_the_layout_of_the_old_file_is_not_kept(self):
        read = read_picture(file_of(scene(), "TIFF", description="a scene", compression="tiff_lzw"))
        kept = Image.Exif()
        kept.load(read.exif)
        assert set(kept) == {ExifTags.Base.ImageDescription, ExifTags.Base.Orientation}

    def test_damaged_exif_costs_only_the_exif(self):
        assert read_picture(file_of(scene(), "JPEG", exif=b"Exif\0\0garbage that is no TIFF header")).exif is None
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
        data = exif.tobytes().replace(b"\0\1\0\2\0\0\0\2N", b"\0\1\0\3\0\0\0\2N")  # text becomes a number
        read = read_picture(file_of(scene(), "JPEG", exif=data))
        assert read.exif is None
        assert read.pixels.shape == (40, 24, 3)
        assert read.notes == ("its EXIF data is damaged and was left out",)

    def test_a_damaged_profile_costs_only_the_profile(self):
        read = read_picture(file_of(scene(), "JPEG", icc_profile=b"no profile"))
        assert read.icc is None
        assert read.notes == ("its colour profile is damaged and was left out",)

    @pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
    def test_the_first_of_many_pictures_is_taken_with_a_note(self, kind):
        frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
        read = read_picture(file_of(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert read.notes == (f"{'pages' if kind == 'TIFF' else 'animated'}: first of 3 taken",)
        assert read.pixels[0, 0, 0] > 240
        assert read.pixels[0, 0, 1:].max() < 10

    def test_a_cameras_jpeg_with_a_second_picture_is_a_jpeg(self):
        read = read_picture(file_of(scene(), "MPO", save_all=True, append_images=[scene()]))
        assert (read.format, read.notes) == ("JPEG", ())
