"""A JPEG that lacks only its end is read; one that lacks pixels is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import file_of, scene
from PIL import Image

from zoo.errors import UnsafeFileError
from zoo.pictures.images import read_picture

NOTE = "the end of its file is missing"


def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))


def flat():
    """Below of one gray, so that missing pixels may look as those before them."""
    image = noise().convert("L").resize((64, 96))
    image.paste(128, (0, 32, 64, 96))
    return image


KINDS = {
    "rgb": (noise(), {}),
    "smooth": (scene(), {}),
    "gray": (noise().convert("L"), {"optimize": True}),
    "flat bottom": (flat(), {"optimize": True}),
    "cmyk": (noise().convert("CMYK"), {}),
    "best": (noise(), {"quality": 100, "subsampling": 0}),
    "progressive": (noise(), {"progressive": True}),
    "restarts": (noise(), {"restart_marker_blocks": 1}),
    "restart rows": (noise(), {"restart_marker_rows": 1}),
}


@pytest.fixture(params=KINDS)
def whole(request):
    image, options = KINDS[request.param]
    return file_of(image, "JPEG", **options)


class TestOnlyTheEndIsMissing:
    @pytest.mark.parametrize("end", [b"", b"\xff", b"\0\0", b"\xff\0", b"\0\xd9", bytes(600), b"junk"])
    def test_every_pixel_is_read_with_a_note(self, whole, end):
        read = read_picture(whole[:-2] + end)
        np.testing.assert_array_equal(read.pixels, read_picture(whole).pixels)
        assert (read.notes, read.format) == ((NOTE,), "JPEG")

    def test_pixels_that_end_in_zeros(self):
        data = file_of(Image.new("L", (64, 64), 128), "JPEG", optimize=True, restart_marker_rows=1)
        assert data[-4:-2] == bytes(2)  # for the test to mean anything
        for end in (bytes(2), bytes(3)):
            assert read_picture(data[:-2] + end).notes == (NOTE,)

    def test_metadata_is_kept_and_channels_are_as_asked(self, whole):
        read = read_picture(whole[:-2], 1)
        np.testing.assert_array_equal(read.pixels, read_picture(whole, 1).pixels)

    def test_a_whole_file_has_no_note(self, whole):
        assert read_picture(whole).notes == ()


class TestPixelsAreMissing:
    @pytest.mark.parametrize("part", [0.6, 0.8, 0.9, 0.97])
    @pytest.mark.parametrize("end", [b"", bytes(2), bytes(5000)])
    def test_a_file_cut_off_is_refused(self, whole, part, end):
        pixels = whole.index(b"\xff\xda") + 14
        cut = pixels + int((len(whole) - 2 - pixels) * part)
        with pytest.raises(UnsafeFileError, match="is cut off: not all of its pixels are there"):
            read_picture(whole[:cut] + end)

    @pytest.mark.parametrize("lost", range(5, 12))
    def test_a_few_bytes_are_too_many(self, lost):
        data = file_of(noise(), "JPEG", quality=100, subsampling=0)
        with pytest.raises(UnsafeFileError):
            read_picture(data[:-lost])

    def test_the_last_scans_of_a_progressive_file(self):
        data = file_of(noise(), "JPEG", progressive=True)
        places = [place for place in range(len(data) - 1) if data[place : place + 2] == b"\xff\xda"]
        assert len(places) == 10
        for place in places[1:]:  # each time a smooth picture of all rows
            tables = data.rfind(b"\xff\xc4", 0, place)
            for cut in (place, tables):
                with pytest.raises(UnsafeFileError, match="not all of its pixels"):
                    read_picture(data[:cut])

    def test_every_restart_interval_but_the_last(self):
        data = file_of(noise(), "JPEG", restart_marker_blocks=1)
        places = [p for p in range(len(data) - 1) if data[p] == 0xFF and 0xD0 <= data[p + 1] <= 0xD7]
        for place in places[-9:]:
            for cut in (place, place + 2, place + 5):
                with pytest.raises(UnsafeFileError):
                    read_picture(data[:cut])
