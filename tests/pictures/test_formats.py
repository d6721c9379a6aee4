"""One table says what can be read and written, and what each format holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import file_of, scene
from PIL import Image, ImageCms

from zoo.pictures.formats import BY_NAME, BY_SUFFIX, FORMATS, READ_SUFFIXES, WRITE_SUFFIXES, can_write
from zoo.pictures.images import from_pil, read_picture, writable_format, write_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WRITTEN = [row for row in FORMATS if can_write(row)]


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: row.name)
class TestWhatARowPromises:
    def test_each_suffix_writes_the_format(self, row, tmp_path):
        for suffix in row.suffixes:
            assert writable_format(f"a{suffix}") == row.name
            write_picture(tmp_path / f"a{suffix}", from_pil(scene()))
            assert read_picture(tmp_path / f"a{suffix}").format == row.name

    def test_alpha_profile_and_density_are_kept_or_not(self, row, tmp_path):
        alpha = np.tile(np.arange(40, dtype=np.uint8) * 6, (24, 1))
        path = tmp_path / f"a{row.suffixes[0]}"
        write_picture(path, replace(from_pil(scene()), alpha=alpha, icc=SRGB, dpi=(300.0, 300.0)))
        read = read_picture(path)
        assert (read.alpha is not None, read.icc is not None, read.dpi is not None) == (
            row.alpha,
            row.profile,
            row.density,
        )

    def test_its_largest_side(self, row, tmp_path):
        if row.max_side is None or row.max_side > 20_000:
            return
        write_picture(tmp_path / f"a{row.suffixes[0]}", from_pil(Image.new("L", (row.max_side, 1))))


def test_suffixes_and_names_are_in_one_row_only():
    suffixes = [suffix for row in FORMATS for suffix in (*row.suffixes, *row.also)]
    assert len(suffixes) == len(set(suffixes)) == len(READ_SUFFIXES)
    assert len(BY_NAME) == len(FORMATS)
    assert set(BY_SUFFIX) >= WRITE_SUFFIXES


@pytest.mark.parametrize(("kind", "options"), [("PPM", {}), ("QOI", {}), ("JPEG2000", {})])
def test_formats_that_are_only_read(kind, options):
    if kind not in Image.SAVE:
        Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow writes no {kind}")
    read = read_picture(file_of(scene(), kind, **options))
    assert read.format == kind
    np.testing.assert_array_equal(read.pixels, np.asarray(scene()))
