"""What a PNG has beside its pixels never keeps it from being read; a damaged part that is needed is named."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
from pictures import chunk, chunks_of, file_of, png_with, scene
from PIL import ExifTags, Image, ImageCms

from zoo.errors import UnsafeFileError
from zoo.pictures.images import read_picture
from zoo.pictures.png_chunks import needed_chunks

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LARGE = zlib.compress(bytes(2_000_000), 9)
CHUNKS = {
    "tEXt": b"Comment\0a picture",
    "zTXt": b"Comment\0\0" + zlib.compress(b"a picture"),
    "iTXt": b"Comment\0\0\0en\0Comment\0a picture",
    "iCCP": b"sRGB\0\0" + zlib.compress(SRGB),
    "eXIf": b"II*\0\x08\0\0\0\0\0\0\0\0\0",
    "tIME": bytes([7, 207, 12, 31, 23, 59, 59]),
    "pHYs": struct.pack(">IIB", 1000, 1000, 1),
    "gAMA": struct.pack(">I", 45455),
    "cHRM": struct.pack(">8I", *range(8)),
    "sRGB": b"\0",
    "bKGD": bytes(6),
    "tRNS": bytes(6),
    "acTL": struct.pack(">II", 2, 0),
    "prIv": b"anything",
}
WHAT = {"tEXt": "text", "zTXt": "text", "iTXt": "text", "iCCP": "colour profile", "eXIf": "EXIF data", "tIME": "time"}
WHAT |= {"pHYs": "density", "gAMA": "gamma", "tRNS": "transparency", "acTL": "animation"}


def note(kind, why="damaged"):
    what = f"{WHAT[kind]} ({kind})" if kind in WHAT else "data beside the picture"
    return f"its {what} is {why} and was left out"


def shows_the_scene(picture):
    np.testing.assert_array_equal(picture.pixels, np.asarray(scene()))


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("kind", CHUNKS)
class TestChunksThatAreNotNeeded:
    def test_a_wrong_checksum(self, kind, before):
        read = read_picture(png_with(chunk(kind.encode(), CHUNKS[kind], checksum=1), before=before))
        shows_the_scene(read)
        assert read.notes == (note(kind),)
        assert (read.icc, read.exif, read.dpi, read.alpha) == (None, None, None, None)

    def test_any_content_of_any_length(self, kind, before):
        for data in (b"", b"\0", b"\xff" * 3, bytes(40), CHUNKS[kind] * 2, CHUNKS[kind][:-1]):
            shows_the_scene(read_picture(png_with(chunk(kind.encode(), data), before=before)))

    def test_a_sound_one_gives_no_note_but_of_frames(self, kind, before):
        read = read_picture(png_with(chunk(kind.encode(), CHUNKS[kind]), before=before))
        assert read.notes == (("animated: first of 3 taken",) if kind == "acTL" else ())


class TestLargeChunks:
    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("zTXt", b"workflow\0\0" + LARGE),
            ("iTXt", b"workflow\0\1\0\0\0" + LARGE),
            ("zTXt", b"Raw profile type exif\0\0" + LARGE),
            ("tEXt", b"workflow\0" + b"x" * 2_000_000),
            ("iCCP", b"large\0\0" + zlib.compress(bytes(17 << 20))),
            ("prIv", bytes(17 << 20)),
        ],
    )
    def test_text_and_other_data_too_large(self, kind, data):
        read = read_picture(png_with(chunk(kind.encode(), data)))
        shows_the_scene(read)
        assert read.notes == (note(kind, "too large"),)

    def test_text_is_never_unpacked_without_limit(self):
        bomb = chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(50_000_000), 9))
        data = png_with(bomb * 20)
        tracemalloc.start()
        try:
            read = read_picture(data)
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()
        assert read.notes == (note("zTXt", "too large"),)

    @pytest.mark.parametrize(("gamma", "noted"), [(100_000, True), (45_455, False), (50_000, False), (55_556, True)])
    def test_another_gamma_is_noted_unless_a_profile_is_there(self, gamma, noted):
        data = chunk(b"gAMA", struct.pack(">I", gamma))
        note = f"its gamma (gAMA) is {gamma / 1e5:g} and was left out"
        assert read_picture(png_with(data)).notes == ((note,) if noted else ())
        assert read_picture(png_with(data + chunk(b"sRGB", b"\0"))).notes == ()

    def test_a_profile_above_a_mebibyte_is_kept(self):
        profile = SRGB + np.random.default_rng(0).bytes(1_500_000)
        profile = struct.pack(">I", len(profile)) + profile[4:]
        assert read_picture(png_with(chunk(b"iCCP", b"p\0\0" + zlib.compress(profile)))).icc == profile

    def test_a_damaged_profile_costs_only_the_profile(self):
        for data in (b"p\0\0" + zlib.compress(SRGB)[:-30], b"p\0\1" + zlib.compress(SRGB), b"p\0\0garbage"):
            read = read_picture(png_with(chunk(b"iCCP", data)))
            shows_the_scene(read)
            assert (read.icc, read.notes) == (None, (note("iCCP"),))


class TestWhatIsKept:
    def test_profile_exif_density_and_transparency(self):
        exif = Image.Exif()
        exif[ExifTags.Base.Model] = "X100"
        palette = scene().quantize(8)
        options = {"exif": exif, "icc_profile": SRGB, "dpi": (300, 300), "transparency": 2}
        read = read_picture(file_of(palette, **options))
        assert (read.icc, read.notes) == (SRGB, ())
        assert read.dpi == pytest.approx((300, 300), abs=0.1)
        assert b"X100" in read.exif
        np.testing.assert_array_equal(read.alpha == 0, np.asarray(palette) == 2)

    @pytest.mark.parametrize("packed", [False, True])
    def test_text_that_says_how_the_picture_is_turned(self, packed):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        text = b"\nexif\n      99\n" + exif.tobytes().hex().encode() + b"\n"
        data = b"Raw profile type exif\0" + (b"\0" + zlib.compress(text) if packed else text)
        read = read_picture(png_with(chunk(b"zTXt" if packed else b"tEXt", data)))
        assert read.pixels.shape == (40, 24, 3)

    def test_only_needed_chunks_reach_pillow(self):
        every = b"".join(chunk(kind.encode(), data) for kind, data in CHUNKS.items() if kind != "tRNS")
        stream = needed_chunks(BytesIO(png_with(every)), "a.png").stream
        assert [kind for kind, _ in chunks_of(stream.getvalue())] == [b"IHDR", b"eXIf", b"pHYs", b"IDAT", b"IEND"]


class TestChunksThatAreNeeded:
    @pytest.mark.parametrize("kind", ["IHDR", "PLTE", "IDAT"])
    def test_a_wrong_checksum_is_refused_by_name(self, kind):
        parts = [chunk(k, d, 1 if k == kind.encode() else None) for k, d in chunks_of(file_of(scene().quantize(8)))]
        with pytest.raises(UnsafeFileError, match=rf"the picture is damaged: its part {kind} \(\w+\) is damaged"):
            read_picture(b"\x89PNG\r\n\x1a\n" + b"".join(parts))

    @pytest.mark.parametrize("kind", ["IHDR", "PLTE", "IDAT"])
    def test_a_missing_one_is_refused_by_name(self, kind):
        parts = [chunk(k, d) for k, d in chunks_of(file_of(scene().quantize(8))) if k != kind.encode()]
        with pytest.raises(UnsafeFileError, match=rf"its part {kind} \(\w+\) is missing"):
            read_picture(b"\x89PNG\r\n\x1a\n" + b"".join(parts))

    def test_no_sound_chunk_before_the_pixels(self):
        for added in (b"\0\0\0\4t??t" + bytes(8), b"\x7f\0\0\0tEXt" + bytes(8)):
            with pytest.raises(UnsafeFileError, match="no sound chunk begins at byte 33"):
                read_picture(png_with(added))

    def test_a_missing_end_is_noted(self):
        whole = file_of(scene())
        for lost in (1, 4, 8, 12, 14, 16):  # up to the checksum of the pixels
            read = read_picture(whole[:-lost])
            shows_the_scene(read)
            assert read.notes == ("the end of its file is missing",)

    def test_a_damaged_end_is_noted(self):
        whole = file_of(scene())
        for end, note in ((whole[-8:-4] + bytes(4), "damaged"), (bytes(8), "missing"), (bytes(500), "missing")):
            read = read_picture(whole[:-8] + end)
            shows_the_scene(read)
            assert read.notes == (f"the end of its file is {note}",)

    def test_missing_pixels_are_refused(self):
        noise = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
        whole = file_of(Image.fromarray(noise))
        for lost in (30, 200, 500):
            with pytest.raises(UnsafeFileError, match="damaged or cut off"):
                read_picture(whole[:-lost])

    def test_apples_own_kind_is_named(self):
        data = file_of(scene())
        with pytest.raises(UnsafeFileError, match=r"a PNG of a kind of Apple's own \(CgBI\)"):
            read_picture(data[:8] + chunk(b"CgBI", bytes(4)) + data[8:])


def test_frames_are_counted_as_the_animation_says():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    data = file_of(frames[0], save_all=True, append_images=frames[1:], default_image=True)
    assert read_picture(data).notes == ("animated: first of 3 taken",)
    data = file_of(frames[0], save_all=True, append_images=frames[1:])
    assert read_picture(data).notes == ("animated: first of 3 taken",)
