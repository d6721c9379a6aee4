"""Pictures and arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import file_of, scene

from zoo.errors import DiskError, UsageError
from zoo.pictures import formats
from zoo.pictures.images import (
    Picture,
    from_array,
    from_pil,
    read_images,
    read_picture,
    side_by_side,
    to_array,
    writable_format,
    write_images,
)


class TestArrays:
    def test_arrays_and_back(self):
        picture = from_pil(scene())
        array = to_array(picture)
        assert (array.shape, array.dtype) == ((3, 24, 40), np.float32)
        np.testing.assert_array_equal(from_array(array).pixels, picture.pixels)
        np.testing.assert_array_equal(from_array(picture.pixels.transpose(2, 0, 1)).pixels, picture.pixels)

    def test_a_batch_of_paths_and_images(self, tmp_path):
        scene().save(tmp_path / "a.png")
        batch = read_images(tmp_path / "a.png", scene().convert("L"))
        assert (batch.shape, batch.dtype) == ((2, 3, 24, 40), np.float32)
        np.testing.assert_array_equal(np.rint(batch[0] * 255), np.asarray(scene()).transpose(2, 0, 1))
        gray = read_images(tmp_path / "a.png", channels=1)
        np.testing.assert_array_equal(np.rint(gray[0, 0] * 255), np.asarray(scene().convert("L")))

    def test_two_sizes_are_no_batch(self, tmp_path):
        scene().save(tmp_path / "a.png")
        scene(9, 8).save(tmp_path / "b.png")
        with pytest.raises(UsageError, match=r"a\.png is 40 x 24, .*b\.png is 8 x 9"):
            read_images(tmp_path / "a.png", tmp_path / "b.png")
        with pytest.raises(UsageError, match="at least one"):
            read_images()

    def test_a_batch_is_written_to_a_folder_or_to_paths(self, tmp_path):
        batch = np.random.default_rng(0).random((2, 3, 8, 9), dtype=np.float32)
        paths = write_images(batch, tmp_path / "new" / "out")
        assert [path.name for path in paths] == ["0000.png", "0001.png"]
        np.testing.assert_allclose(read_images(*paths), batch, atol=0.5 / 255 + 1e-6)
        named = [tmp_path / "x.png", tmp_path / "y.tif"]
        assert write_images(batch, named) == named
        np.testing.assert_array_equal(read_images(*named), read_images(*paths))
        with pytest.raises(UsageError, match="exists"):
            write_images(batch, named)
        with pytest.raises(UsageError, match="1 paths for 2 pictures"):
            write_images(batch, [tmp_path / "z.png"])

    def test_a_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(DiskError, match="can't make the folder"):
            write_images(np.zeros((1, 3, 4, 4), np.uint8), tmp_path / "file")

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros((4, 4)),
            np.full((3, 4, 4), np.nan),
            np.zeros((4, 4, 4)),
            np.zeros((3, 4, 4), int),
            np.zeros((3, 0, 4)),
        ],
    )
    def test_arrays_that_are_no_picture(self, array):
        with pytest.raises(UsageError):
            from_array(array)

    def test_alpha_of_another_size_is_no_alpha(self):
        with pytest.raises(UsageError, match="alpha must be"):
            Picture(np.zeros((4, 4, 3), np.uint8), alpha=np.zeros((4, 5), np.uint8))

    def test_other_channels_are_refused(self):
        with pytest.raises(UsageError, match="1 or 3 channels, not 4"):
            read_picture(file_of(scene()), 4)

    def test_before_and_after_stand_side_by_side(self):
        before = from_pil(scene().convert("L"))
        after = replace(before, pixels=np.asarray(scene()), alpha=np.zeros((24, 40), np.uint8), exif=b"kept")
        sheet = side_by_side(before, after)
        assert sheet.pixels.shape == (24, 82, 3)
        np.testing.assert_array_equal(sheet.pixels[:, :40], np.dstack([before.pixels] * 3))
        assert np.all(sheet.pixels[:, 40:42] == 255)
        np.testing.assert_array_equal(sheet.pixels[:, 42:], after.pixels)
        assert (sheet.alpha, sheet.exif) == (None, b"kept")


def test_suffixes_are_those_that_can_be_read_and_written():
    assert formats.WRITE_SUFFIXES <= formats.READ_SUFFIXES
    for suffix in formats.WRITE_SUFFIXES:
        assert writable_format(f"a{suffix}") in {"JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF"}
