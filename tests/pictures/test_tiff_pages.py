"""The picture of a TIFF is read, never its thumbnail; raw files and kinds that can't be read are named."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from pictures import tiff

from zoo.errors import UnsafeFileError
from zoo.pictures import tiff_pages
from zoo.pictures.images import read_picture
from zoo.pictures.tiff_pages import read_pages

SMALL = np.full((8, 12), 200, np.uint8)
LARGE = np.arange(48 * 32, dtype=np.uint16).reshape(32, 48).astype(np.uint8)
REDUCED = {254: 1}
RAW = "is a camera's raw file: develop it first, for example with darktable or RawTherapee"

STRETCHED = "its values, 0 to 2.14748e+09, were stretched to black and white"


def is_large(picture):
    np.testing.assert_array_equal(picture.pixels[:, :, 0], LARGE)


@pytest.mark.parametrize("order", ["<", ">"])
class TestThumbnails:
    def test_the_picture_below_the_first_page(self, order, tmp_path):
        data = tiff((SMALL, REDUCED), below=[(SMALL, REDUCED), (LARGE, {254: 0})], order=order)
        is_large(read_picture(data))
        (tmp_path / "a.tif").write_bytes(data)
        is_large(read_picture(tmp_path / "a.tif"))
        assert read_picture(data).notes == ()

    @pytest.mark.parametrize("flag", [{254: 1}, {255: 2}])
    def test_the_picture_on_a_later_page(self, order, flag):
        read = read_picture(tiff((SMALL, flag), (LARGE, {}), (SMALL, flag), order=order))
        is_large(read)
        assert read.notes == ()

    def test_a_picture_below_that_is_larger_and_unmarked(self, order):
        is_large(read_picture(tiff((SMALL, {}), below=[(LARGE, {})], order=order)))

    def test_a_small_copy_below_or_behind_the_picture(self, order):
        is_large(read_picture(tiff((LARGE, {}), below=[(SMALL, {})], order=order)))
        read = read_picture(tiff((LARGE, {}), (SMALL, REDUCED), (SMALL, {254: 4}), order=order))
        is_large(read)
        assert read.notes == ()

    def test_a_small_copy_alone_is_read_with_a_note(self, order):
        read = read_picture(tiff((LARGE, REDUCED), order=order))
        is_large(read)
        assert read.notes == ("it says of itself that it is a small copy of another picture",)

    def test_compressed_by_libtiff(self, order, tmp_path):
        packed = b"".join(bytes([47]) + row.tobytes() for row in LARGE)  # PackBits, each row a literal
        data = tiff((SMALL, REDUCED), below=[(LARGE, {259: 32773, "raw": packed})], order=order)
        is_large(read_picture(data))
        (tmp_path / "a.tif").write_bytes(data)
        is_large(read_picture(tmp_path / "a.tif"))

    def test_the_first_page_says_how_the_picture_is_turned(self, order):
        turned = tiff((SMALL, {**REDUCED, 274: 6}), below=[(LARGE, {})], order=order)
        np.testing.assert_array_equal(read_picture(turned).pixels[:, :, 0], np.rot90(LARGE, -1))
        upright = tiff((SMALL, {**REDUCED, 274: 6}), below=[(LARGE, {274: 1})], order=order)
        is_large(read_picture(upright))


class TestRawFiles:
    @pytest.mark.parametrize(
        "data",
        [
            tiff((SMALL, REDUCED), below=[(LARGE, {262: 32803})]),
            tiff((SMALL, REDUCED), below=[(LARGE, {262: 34892, 254: 0})], order=">"),
            tiff((SMALL, REDUCED), below=[(SMALL, REDUCED), (LARGE, {259: 34713})]),
            tiff((SMALL, REDUCED), (LARGE, {259: 32767})),
            tiff((LARGE, {262: 32803, 50706: 4})),
            tiff((SMALL, {**REDUCED, 50706: 4})),
            b"II*\0" + struct.pack("<I", 16) + b"CR\2\0" + bytes(4) + struct.pack("<H", 0) + bytes(4),
            b"II*\0" + struct.pack("<I", 16) + b"CR\2\0" + bytes(99),
            b"FUJIFILMCCD-RAW 0201" + bytes(99),
            b"IIU\0" + bytes(99),
            b"IIRO\x08\0\0\0" + bytes(99),
            b"\0\0\0\x18ftypcrx " + bytes(99),
            b"II\x1a\0\0\0HEAPCCDR" + bytes(99),
        ],
    )
    def test_they_are_refused_by_name(self, data):
        with pytest.raises(UnsafeFileError, match=RAW):
            read_picture(data)


class TestLevels:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_signed_16_bits_end_at_32767(self, order):
        values = np.array([[0, 64, 128, 16384, 32767]], np.int16)
        read = read_picture(tiff((values, {}), order=order))
        assert read.pixels[0, :, 0].tolist() == [0, 0, 1, 128, 255]
        assert read.notes == ()

    @pytest.mark.parametrize(("kind", "most"), [(np.int16, 32767), (np.int8, 127)])
    def test_negative_values_are_black_with_a_note(self, kind, most):
        read = read_picture(tiff((np.array([[-most, -1, 0, most]], kind), {})))
        assert read.pixels[0, :, 0].tolist() == [0, 0, 0, 255]
        assert read.notes == ("its negative values were set to black",)

    def test_unsigned_32_bits_are_not_taken_for_signed(self):
        read = read_picture(tiff((np.array([[0, 2**30, 2**31, 2**32 - 1]], np.uint32), {})))
        assert read.pixels[0, :, 0].tolist() == [0, 64, 128, 255]

    @pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32])
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_compressed_levels_in_either_order_of_bytes(self, kind, order):
        most = 1 if kind == np.float32 else np.iinfo(kind).max
        levels = (np.array([[0, 0.25, 0.5, 1]]) * most).astype(kind)
        packed = zlib.compress(levels.astype(levels.dtype.newbyteorder(order)).tobytes())
        read = read_picture(tiff((levels, {259: 8, "raw": packed}), order=order))
        np.testing.assert_allclose(read.pixels[0, :, 0], [0, 64, 128, 255], atol=1)
        assert read.notes == (() if kind != np.int32 else (STRETCHED,))

    def test_32_bit_floats_up_to_1(self):
        assert read_picture(tiff((np.float32([[0, 0.5, 1]]), {}))).pixels[0, :, 0].tolist() == [0, 128, 255]

    @pytest.mark.parametrize("kind", [np.float16, np.float64])
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("predictor", [None, 1, 2, 3])
    def test_floats_of_16_and_64_bits_are_those_of_32(self, kind, order, predictor):
        levels = np.linspace(0, 1, 60).reshape(5, 12).astype(kind)
        size = levels.dtype.itemsize
        stored = levels.astype(f"{order}f{size}").view(f"{order}u{size}").copy()
        if predictor == 2:
            stored[:, 1:] -= levels.astype(f"{order}f{size}").view(f"{order}u{size}")[:, :-1]
        if predictor == 3:
            upper_first = levels.astype(f">f{size}").view(np.uint8).reshape(5, 12, size).swapaxes(1, 2).reshape(5, -1)
            stored = upper_first.copy()
            stored[:, 1:] -= upper_first[:, :-1]
        tags = {317: predictor, 259: 8, "raw": zlib.compress(stored.tobytes())} if predictor else {}
        read = read_picture(tiff((levels, tags), order=order), deep=True)
        np.testing.assert_array_equal(read.deep[:, :, 0], np.rint(levels.astype(np.float32) * 65535))
        assert read.notes == ()

    def test_64_bit_floats_beyond_those_of_32(self):
        read = read_picture(tiff((np.array([[0, 0.5, np.nan, 1e300]]), {})))
        assert read.pixels[0, :, 0].tolist() == [0, 128, 0, 255]

    def test_floats_in_tiles_with_a_predictor_are_named(self):
        tags = {322: 16, 323: 16, 324: 8, 325: 512, 317: 2, 259: 8}
        with pytest.raises(UnsafeFileError, match="a TIFF of floats in tiles with a predictor, which is not supp"):
            read_picture(tiff((np.zeros((16, 16), np.float16), tags)))

    def test_floats_without_their_pixels_are_damaged(self):
        with pytest.raises(UnsafeFileError, match="damaged"):
            read_picture(tiff((np.zeros((8, 8)), {273: 10**6})))


class TestKindsThatCannotBeRead:
    @pytest.mark.parametrize(
        ("page", "kind"),
        [
            ((np.zeros((4, 4, 3), np.float16), {}), "16-bit floating-point RGB"),
            ((np.zeros((4, 4, 3), np.float32), {}), "32-bit floating-point RGB"),
            ((np.zeros((4, 4, 2), np.uint16), {338: 2}), "16-bit gray with alpha"),
            ((np.zeros((4, 4, 3), np.uint16), {262: 6}), "16-bit YCbCr"),
            ((np.zeros((4, 4), np.uint16), {258: 14}), "14-bit gray"),
            ((np.zeros((4, 4), np.uint64), {}), "64-bit gray"),
        ],
    )
    def test_they_are_named_with_what_to_do(self, page, kind):
        with pytest.raises(
            UnsafeFileError, match=f"is a TIFF of {kind} pixels, which is not supported: save it as 8-bit or 16-bit"
        ):
            read_picture(tiff(page))

    def test_12_bits_where_pillow_has_no_decoder(self):
        with pytest.raises(UnsafeFileError, match="a TIFF of 12-bit gray pixels, which is not supported"):
            read_picture(tiff((np.zeros((4, 4), np.uint16), {258: 12}), order=">"))

    def test_an_unknown_compression(self):
        with pytest.raises(UnsafeFileError, match="a TIFF of compression 34712, which is not supported"):
            read_picture(tiff((SMALL, {259: 34712})))

    def test_a_tiff_without_its_directory_is_called_cut_off(self):
        with pytest.raises(
            UnsafeFileError, match="is a TIFF that is damaged or cut off: what says where its pixels are"
        ):
            read_picture(tiff((LARGE, {}))[:1000])

    def test_a_damaged_tiff_is_called_damaged(self):
        with pytest.raises(UnsafeFileError, match="damaged"):
            read_picture(tiff((SMALL, {273: 10**6})))


class TestPages:
    def test_pages_are_counted(self):
        assert read_picture(tiff(*[(SMALL, {})] * 4)).notes == ("pages: first of 4 taken",)

    def test_a_loop_of_pages_ends(self):
        data = bytearray(tiff((SMALL, {}), (SMALL, {})))
        last = read_pages(BytesIO(data)).chain[1].offset
        struct.pack_into("<I", data, last + 2 + 12 * 10, struct.unpack_from("<I", data, 4)[0])
        assert read_picture(bytes(data)).notes == ("pages: first of 2 taken",)

    def test_too_many_pages_are_not_all_counted(self, monkeypatch):
        monkeypatch.setattr(tiff_pages, "MAX_PAGES", 3)
        assert read_picture(tiff(*[(SMALL, {})] * 4)).notes == ("pages: first of 3 or more taken",)

    def test_directories_that_overlap_are_read_in_linear_time(self):
        """Each of a million places is a directory of 65,535 entries that ends in a pointer to the next place."""

        class Counting(BytesIO):
            total = 0

            def read(self, size=-1):
                data = super().read(size)
                self.total += len(data)
                return data

        body = bytearray(b"\xff" * 2_000_000)
        for page in range(500):
            start = 8 + page * 2
            end = start + 2 + 12 * 0xFFFF
            struct.pack_into("<I", body, end, 8 + (page + 1) * 2)
        stream = Counting(b"II*\0" + struct.pack("<I", 8) + bytes(body)[8:])
        read_pages(stream)
        assert stream.total < 2 * len(body)
