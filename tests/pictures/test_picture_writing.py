"""A picture goes out whole, with all its format holds, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import threading
import warnings
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pictures import file_of, needs_avif, scene
from PIL import ExifTags, Image, ImageCms

from zoo import files
from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UsageError
from zoo.files import refuse_existing
from zoo.pictures import writing as picture_writing
from zoo.pictures.images import Picture, from_pil, read_picture, writable_format, write_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]


LOSSLESS = [".png", ".tif", ".tiff", ".bmp"]
LOSSY = [".jpg", ".jpeg", ".webp", needs_avif(".avif")]


class TestFiles:
    @pytest.mark.parametrize("suffix", LOSSLESS)
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_lossless_formats_come_back_exactly(self, tmp_path, suffix, mode):
        write_picture(tmp_path / f"a{suffix}", from_pil(scene().convert(mode)))
        read = read_picture(tmp_path / f"a{suffix}")
        np.testing.assert_array_equal(read.pixels, from_pil(scene().convert(mode)).pixels)

    @pytest.mark.parametrize("suffix", [*LOSSY, ".gif", ".JPG"])
    def test_lossy_formats_come_back_nearly(self, tmp_path, suffix):
        write_picture(tmp_path / f"a{suffix}", from_pil(scene()))
        read = read_picture(tmp_path / f"a{suffix}")
        assert np.abs(read.pixels.astype(int) - np.asarray(scene())).mean() < (6 if suffix == ".gif" else 3)

    def test_jpeg_keeps_full_colour_resolution_and_gray(self, tmp_path):
        stripes = np.zeros((16, 16, 3), np.uint8)
        stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 200
        write_picture(tmp_path / "a.jpg", Picture(stripes))
        assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - stripes).mean() < 6
        write_picture(tmp_path / "b.jpg", Picture(stripes[:, :, :1]))
        assert read_picture(tmp_path / "b.jpg").pixels.shape == (16, 16, 1)

    def test_a_stream_takes_the_named_format_or_the_pictures_own(self):
        for named, own, kind in (
            (None, "WEBP", "WEBP"),
            (None, "QOI", "PNG"),
            ("jpg", "PNG", "JPEG"),
            ("TIFF", "", "TIFF"),
        ):
            stream = BytesIO()
            write_picture(stream, replace(from_pil(scene()), format=own), format=named)
            assert Image.open(stream).format == kind

    @pytest.mark.parametrize("name", ["a.xyz", "a", ".png", "a.eps"])
    def test_an_unknown_suffix_lists_the_known(self, tmp_path, name):
        if name == ".png":
            assert writable_format(name) == "PNG"
            return
        with pytest.raises(UsageError, match=r"must end in one of \.jpg, \.jpeg, .*\.png"):
            write_picture(tmp_path / name, from_pil(scene()))

    def test_an_existing_file_is_replaced_only_with_force(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_text("precious")
        with pytest.raises(UsageError, match=r"a\.png exists: use --force, or -o"):
            write_picture(path, from_pil(scene()))
        assert path.read_text() == "precious"
        write_picture(path, from_pil(scene()), force=True)
        assert read_picture(path).pixels.shape == (24, 40, 3)
        assert names_in(tmp_path) == ["a.png"]

    @pytest.mark.parametrize("there", [True, False])
    def test_a_link_stays_and_what_it_points_to_is_replaced(self, tmp_path, there):
        (tmp_path / "real").mkdir()
        if there:
            (tmp_path / "real" / "b.png").write_bytes(b"mine")
        (tmp_path / "middle.png").symlink_to("real/b.png")
        (tmp_path / "a.png").symlink_to(tmp_path / "middle.png")
        with pytest.raises(UsageError, match="exists: use --force"):
            write_picture(tmp_path / "a.png", from_pil(scene()))
        write_picture(tmp_path / "a.png", from_pil(scene()), force=True)
        assert (tmp_path / "a.png").readlink() == tmp_path / "middle.png"
        assert read_picture(tmp_path / "real" / "b.png").format == "PNG"
        assert [path.name for path in (tmp_path / "real").iterdir()] == ["b.png"]

    def test_a_failed_write_through_a_link_leaves_everything(self, tmp_path, monkeypatch):
        (tmp_path / "b.png").write_bytes(b"mine")
        (tmp_path / "a.png").symlink_to("b.png")

        def full(handle):
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(picture_writing.os, "fsync", full)
        with pytest.raises(DiskError, match="the disk is full"):
            write_picture(tmp_path / "a.png", from_pil(scene()), force=True)
        assert ((tmp_path / "b.png").read_bytes(), (tmp_path / "a.png").is_symlink()) == (b"mine", True)
        assert len(list(tmp_path.iterdir())) == 2

    def test_links_that_lead_nowhere_are_refused(self, tmp_path):
        (tmp_path / "a.png").symlink_to("a.png")
        (tmp_path / "b.png").symlink_to("gone/b.png")
        with pytest.raises(UsageError, match="a link that leads to itself"):
            refuse_existing(tmp_path / "a.png", force=True)
        with pytest.raises(NotFoundError, match=r"there is no folder .*gone"):
            refuse_existing(tmp_path / "b.png", force=True)

    @pytest.mark.parametrize("links", [True, False])
    def test_a_file_that_appears_meanwhile_is_not_replaced(self, tmp_path, monkeypatch, links):
        monkeypatch.setattr(picture_writing, "refuse_existing", lambda *_: None)
        if not links:
            monkeypatch.setattr(Path, "hardlink_to", no_links)
        (tmp_path / "a.png").write_text("precious")
        with pytest.raises(UsageError, match="exists"):
            write_picture(tmp_path / "a.png", from_pil(scene()))
        assert (tmp_path / "a.png").read_text() == "precious"
        assert names_in(tmp_path) == ["a.png"]

    def test_a_file_system_without_hard_links_will_do(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Path, "hardlink_to", no_links)
        write_picture(tmp_path / "a.png", from_pil(scene()))
        assert names_in(tmp_path) == ["a.png"]
        np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels, np.asarray(scene()))

    def test_permissions_follow_the_umask(self, tmp_path):
        before = os.umask(0o027)
        try:
            write_picture(tmp_path / "a.png", from_pil(scene()))
        finally:
            os.umask(before)
        assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640

    @pytest.mark.parametrize("force", [True, False])
    def test_a_full_disk_leaves_no_file(self, tmp_path, force):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # the kernel itself then fails the write
        try:
            with pytest.raises(DiskError, match=r"a\.bmp can't be written: File too large"):
                write_picture(tmp_path / "a.bmp", from_pil(scene()), force=force)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert names_in(tmp_path) == []

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (errno.ENOSPC, "the disk is full"),
            (errno.EROFS, "the disk is read-only"),
            (errno.EACCES, "Permission denied"),
        ],
    )
    @pytest.mark.parametrize("step", ["open", "fsync"])
    def test_what_the_disk_refuses_is_said_and_leaves_no_file(self, tmp_path, monkeypatch, code, reason, step):
        def refuse(*_):
            raise OSError(code, os.strerror(code))

        with monkeypatch.context() as patch, pytest.raises(DiskError, match=rf"a\.png can't be written: {reason}"):
            patch.setattr(os, step, refuse)
            write_picture(tmp_path / "a.png", from_pil(scene()))
        assert names_in(tmp_path) == []

    def test_an_interrupt_leaves_no_file(self, tmp_path, monkeypatch):
        def interrupt(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(os, "fsync", interrupt)
            write_picture(tmp_path / "a.png", from_pil(scene()))
        assert names_in(tmp_path) == []

    def test_places_that_can_take_no_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        os.mkfifo(tmp_path / "pipe.png")
        for path, error, message in (
            (tmp_path, UsageError, "."),
            (tmp_path / "none" / "a.png", NotFoundError, "there is no folder"),
            (tmp_path / "file" / "a.png", NotFoundError, "there is no folder"),
            (tmp_path / "pipe.png", UsageError, "not an ordinary file"),
        ):
            with pytest.raises(error, match=message):
                write_picture(path, from_pil(scene()), force=True)
        (tmp_path / "folder.png").mkdir()
        with pytest.raises(UsageError, match="is a folder"):
            refuse_existing(tmp_path / "folder.png")

    @pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65501), (".webp", 16384), (".gif", 65536)])
    def test_a_picture_too_large_for_its_format(self, tmp_path, suffix, side):
        with pytest.raises(UsageError, match=rf"holds at most \d+ pixels a side, not {side} x 1: use PNG"):
            write_picture(tmp_path / f"a{suffix}", Picture(np.zeros((1, side, 3), np.uint8)))
        write_picture(tmp_path / f"b{suffix}", Picture(np.zeros((1, side - 1, 1), np.uint8)))

    def test_a_broken_encoder_is_an_error_that_leaves_no_file(self, tmp_path, monkeypatch):
        def fail(*_, **__):
            raise OSError("encoder error -2 when writing image file")

        monkeypatch.setattr(Image.Image, "save", fail)
        with pytest.raises(UnsafeFileError, match="can't be written as JPEG, encoder error -2"):
            write_picture(tmp_path / "a.jpg", from_pil(scene()))
        assert names_in(tmp_path) == []

    def test_a_stream_that_fails(self):
        class Full(BytesIO):
            def write(self, *_):
                raise OSError(errno.ENOSPC, "No space left on device")

        class Closed(BytesIO):
            def write(self, *_):
                raise BrokenPipeError

        with pytest.raises(DiskError, match="No space left"):
            write_picture(Full(), from_pil(scene()))
        with pytest.raises(BrokenPipeError):
            write_picture(Closed(), from_pil(scene()))

    def test_threads_can_read_and_write_at_once(self, tmp_path):
        data, errors = file_of(scene(), "JPEG", exif=b"Exif\0\0bad"), []

        def work(number):
            try:
                for turn in range(5):
                    write_picture(tmp_path / f"{number}-{turn}.png", read_picture(data))
            except Exception as error:
                errors.append(error)

        before = (Image.MAX_IMAGE_PIXELS, list(warnings.filters))
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(names_in(tmp_path)) == 20
        assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


class TestWhatIsKept:
    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", needs_avif(".avif")])
    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_profile_exif_and_density_are_kept(self, tmp_path, kind, suffix):
        exif = Image.Exif()
        exif[ExifTags.Base.Model] = "X100"
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "1999:12:31 23:59:59"
        exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
        read = read_picture(file_of(scene(), kind, exif=exif.tobytes(), icc_profile=SRGB, dpi=(300, 300)), 1)
        write_picture(tmp_path / f"a{suffix}", replace(read, pixels=np.asarray(scene())))
        with Image.open(tmp_path / f"a{suffix}") as written:
            assert written.size == (40, 24)
            kept = written.getexif()
            assert kept[ExifTags.Base.Model] == "X100"
            assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "1999:12:31 23:59:59"
            assert kept.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
            assert written.info["icc_profile"] == SRGB
            if suffix in (".jpg", ".png", ".tif"):
                assert written.info["dpi"] == pytest.approx((300, 300), abs=0.1)

    def test_a_gray_profile_never_comes_onto_rgb(self, tmp_path):
        rgb = Picture(np.asarray(scene()), icc=GRAY_PROFILE)
        write_picture(tmp_path / "rgb.jpg", rgb)
        write_picture(tmp_path / "gray.jpg", replace(rgb, pixels=rgb.pixels[:, :, :1]))
        with Image.open(tmp_path / "rgb.jpg") as colour, Image.open(tmp_path / "gray.jpg") as gray:
            assert "icc_profile" not in colour.info
            assert gray.info["icc_profile"] == GRAY_PROFILE

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp", ".webp"])
    @pytest.mark.parametrize("dpi", [(65535, 65535), (65536, 300), (99_000, 99_000), (2, 2)])
    def test_any_density_can_be_written(self, tmp_path, suffix, dpi):
        write_picture(tmp_path / f"a{suffix}", Picture(np.asarray(scene()), dpi=dpi))
        kept = read_picture(tmp_path / f"a{suffix}").dpi
        if suffix in (".png", ".tif") or (suffix == ".jpg" and max(dpi) <= 65535):
            assert kept == pytest.approx(dpi, rel=0.02)
        elif suffix == ".jpg":
            assert kept is None

    def test_an_rgb_profile_never_comes_onto_gray(self, tmp_path):
        write_picture(tmp_path / "a.png", Picture(np.zeros((4, 4, 1), np.uint8), icc=SRGB))
        assert read_picture(tmp_path / "a.png").icc is None

    def test_exif_too_long_for_jpeg_is_left_out_of_jpeg(self, tmp_path):
        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = "x" * 70000
        long = Picture(np.asarray(scene()), exif=exif.tobytes())
        write_picture(tmp_path / "a.jpg", long)
        write_picture(tmp_path / "a.png", long)
        assert read_picture(tmp_path / "a.jpg").exif is None
        assert len(read_picture(tmp_path / "a.png").exif) > 70000

    @pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
    def test_it_comes_back_with_its_colours(self, tmp_path, suffix):
        image = Image.new("RGBA", (40, 8), (200, 60, 20, 255))
        image.putalpha(Image.fromarray(np.tile(np.arange(16, 256, 6, np.uint8), (8, 1))))
        write_picture(tmp_path / f"a{suffix}", read_picture(file_of(image)), quality=100)
        with Image.open(tmp_path / f"a{suffix}") as written:
            assert written.mode == "RGBA"
            back = np.asarray(written).astype(int)
        np.testing.assert_array_equal(back[..., 3], np.asarray(image)[..., 3])
        if suffix != ".webp":
            assert np.abs(back - np.asarray(image))[:, 10:].max() <= 3  # rounding counts more where little is seen

    def test_gray_with_alpha_comes_back(self, tmp_path):
        image = Image.new("LA", (2, 1), (100, 128))
        write_picture(tmp_path / "a.png", read_picture(file_of(image)))
        with Image.open(tmp_path / "a.png") as written:
            assert np.asarray(written).tolist() == [[[100, 128]] * 2]

    @pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
    def test_a_format_without_it_shows_white_paper(self, tmp_path, suffix):
        write_picture(tmp_path / f"a{suffix}", read_picture(file_of(Image.new("RGBA", (16, 16), (0, 0, 0, 0)))))
        assert np.all(read_picture(tmp_path / f"a{suffix}").pixels == 255)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def no_links(*_):
    raise OSError(errno.EPERM, "Operation not permitted")


def test_files_left_by_killed_runs_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SWEPT", set())
    left, written = tmp_path / ".zoo-1.tmp", tmp_path / ".zoo-2.tmp"
    left.write_bytes(b"half of a picture")
    written.write_bytes(b"half of another")
    with written.open("rb+") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        files.write_whole(tmp_path / "a.png", BytesIO(b"whole"), force=False)
        assert sorted(path.name for path in tmp_path.iterdir()) == [".zoo-2.tmp", "a.png"]
