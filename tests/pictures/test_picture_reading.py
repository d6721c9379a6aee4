"""Files that are damaged, too large or no picture are refused in one line."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pictures import file_of, needs_avif, scene
from PIL import Image, ImageCms

from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UsageError
from zoo.pictures import kinds as picture_kinds
from zoo.pictures import reading as picture_reading
from zoo.pictures.images import read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


class TestBadFiles:
    def test_a_path_that_is_not_there(self, tmp_path):
        with pytest.raises(NotFoundError, match=r"none\.png: no such file"):
            read_picture(tmp_path / "none.png")
        with pytest.raises(NotFoundError):
            read_picture(tmp_path / ("n" * 400))
        with pytest.raises(NotFoundError):
            read_picture("nul\0byte.png")

    def test_a_folder(self, tmp_path):
        with pytest.raises(UsageError, match="is a folder, not a picture"):
            read_picture(tmp_path)

    def test_a_file_that_may_not_be_read(self, tmp_path, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(DiskError, match=r"a\.png can't be read: Permission denied"):
            read_picture(tmp_path / "a.png")

    def test_a_disk_that_fails_while_reading(self):
        class Failing(BytesIO):
            name = "slow.png"

            def read(self, *_):
                raise OSError(errno.EIO, "Input/output error")

        with pytest.raises(DiskError, match=r"slow\.png can't be read: Input/output error"):
            read_picture(Failing())

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "a.png is empty"),
            (b"just some text, no picture at all", "a.png is not a picture of a known format"),
            (b"\x89PNG\r\n\x1a\n", "a.png is damaged or cut off: no sound chunk begins at byte 8"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.png is not a picture of a known format"),
            (b"\0\0\0\x18ftypheic" + bytes(99), "pip install pillow-heif"),
        ],
    )
    def test_a_file_that_is_no_picture(self, tmp_path, data, message, monkeypatch):
        monkeypatch.setattr(picture_reading, "heif_ready", lambda: False)
        monkeypatch.setattr(picture_kinds, "heif_ready", lambda: False)
        (tmp_path / "a.png").write_bytes(data)
        with pytest.raises(UnsafeFileError, match=message):
            read_picture(tmp_path / "a.png")

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", needs_avif("AVIF")])
    @pytest.mark.parametrize("part", [0.5, 0.9])
    def test_a_file_that_is_cut_off(self, kind, part):
        noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
        data = file_of(Image.fromarray(noise), kind)
        with pytest.raises(UnsafeFileError, match="the picture is"):
            read_picture(data[: int(len(data) * part)])

    @pytest.mark.parametrize("pixels", [(20000, 20000), (2**31 - 1, 2**31 - 1), (14143, 14143)])
    def test_a_bomb_is_refused_by_its_header(self, pixels):
        with pytest.raises(UnsafeFileError, match=r"has \d+\.\d megapixels, over the limit of 200: .*--max-pixels \d+"):
            read_picture(png(*pixels, b"never decoded"))

    def test_the_pixel_limit_is_ours_not_pillows(self, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000)  # Pillow warns above, and refuses twice as many
        for width in (250, 500):
            picture = file_of(Image.new("L", (width, 100)))
            assert read_picture(picture).pixels.shape == (100, width, 1)
        with pytest.raises(
            UnsafeFileError, match=r"has 0\.1 megapixels, over the limit of 0\.049999: .*--max-pixels 1 "
        ):
            read_picture(picture, max_pixels=49_999)

    @pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
    def test_a_tiff_has_no_other_pixel_limit(self, monkeypatch, tmp_path, compression):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        (tmp_path / "a.tif").write_bytes(file_of(scene(), "TIFF", compression=compression))
        for source in (tmp_path / "a.tif", (tmp_path / "a.tif").read_bytes()):
            np.testing.assert_array_equal(read_picture(source, max_pixels=24 * 40).pixels, np.asarray(scene()))
            with pytest.raises(UnsafeFileError, match="over the limit of"):
                read_picture(source, max_pixels=24 * 40 - 1)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", needs_avif("AVIF")])
    def test_a_wide_picture_meets_no_limit_of_pillows(self, monkeypatch, kind):
        data = file_of(Image.new("RGB", (2000, 3)), kind)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        assert read_picture(data, max_pixels=6000).pixels.shape == (3, 2000, 3)

    def test_a_stream_without_an_end(self, monkeypatch):
        monkeypatch.setattr(picture_reading, "_MAX_STREAM_BYTES", 1000)
        with pytest.raises(UnsafeFileError, match="save it to a file first"), piped(bytes(2000)) as stream:
            read_picture(stream)

    def test_a_pipe_is_read(self):
        with piped(file_of(scene())) as stream:
            np.testing.assert_array_equal(read_picture(stream).pixels, np.asarray(scene()))

    def test_nothing_in_pillow_or_python_stays_changed(self):
        before = (Image.MAX_IMAGE_PIXELS, list(warnings.filters))
        for data in (png(20000, 20000, b""), file_of(scene()), b"text"):
            with contextlib.suppress(UnsafeFileError):
                read_picture(data)
        assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before

    def test_random_damage_never_raises_anything_else(self, capfd):
        rng = random.Random(0)
        whole = [
            file_of(scene(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", icc_profile=SRGB),
            file_of(scene().quantize(16), "PNG", transparency=3),
            file_of(scene(), "GIF", save_all=True, append_images=[scene().rotate(9)]),
            file_of(scene(), "WEBP"),
            file_of(scene(), "TIFF", compression="tiff_lzw"),
            file_of(scene(), "TIFF"),
            file_of(scene(), "BMP"),
            file_of(scene().convert("CMYK"), "JPEG"),
        ]
        refused = 0
        for round_number in range(400):
            data = bytearray(whole[round_number % len(whole)])
            for _ in range(rng.choice((1, 2, 8))):
                place = rng.randrange(min(len(data), rng.choice((60, 10**6))))
                data[place : place + rng.choice((0, 1, 4))] = rng.choice(
                    (b"", b"\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")
                )
            try:
                read_picture(bytes(data), rng.choice((None, 1, 3)), max_pixels=10**6)
            except UnsafeFileError as error:
                refused += 1
                assert "\n" not in str(error)
        assert 100 < refused < 390
        assert capfd.readouterr().err == ""


def png(width, height, pixels, extra=b""):
    """A gray PNG with these compressed pixels, and another chunk (type and data) before them."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [header, extra, b"IDAT" + pixels, b"IEND"]
    framed = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks if c]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def piped(data):
    receiver, sender = os.pipe()
    with os.fdopen(sender, "wb") as stream:
        stream.write(data)
    return os.fdopen(receiver, "rb")
