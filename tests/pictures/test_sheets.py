"""Sheets and animations: what lies where, how large, and that a file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.errors import DiskError, UnsafeFileError, UsageError
from zoo.pictures.images import from_array, read_picture
from zoo.pictures.sheets import (
    cross_fade,
    enlarged,
    is_folder,
    layout,
    sheet,
    write_animation,
    write_interpolation,
    write_sheet,
    write_singles,
)


def levels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, shape, np.uint8)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("n", "rows", "columns"),
    [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 2), (5, 1, 5), (7, 3, 3), (8, 2, 4), (9, 3, 3), (12, 3, 4), (64, 8, 8)],
)
def test_a_grid_is_about_as_wide_as_high(n: int, rows: int, columns: int) -> None:
    found = layout(n, 100, 100)
    assert (found.rows, found.columns) == (rows, columns)


def test_columns_can_be_said() -> None:
    assert (layout(10, 8, 8, columns=4).rows, layout(10, 8, 8, columns=4).columns) == (3, 4)
    assert layout(3, 8, 8, columns=8).columns == 3


@pytest.mark.parametrize(
    ("height", "width", "scale"),
    [(28, 28, 4), (32, 32, 3), (64, 64, 2), (95, 300, 2), (96, 96, 1), (512, 512, 1), (1, 1, 64)],
)
def test_small_pictures_are_enlarged_so_that_one_sees_them(height: int, width: int, scale: int) -> None:
    assert layout(4, height, width).scale == scale
    assert layout(4, height, width, scale=2).scale == 2


def test_a_sheet_too_large_is_refused_before_it_is_made() -> None:
    with pytest.raises(UsageError, match=r"a sheet of 10000 pictures .* pixels: write single files into FOLDER/"):
        layout(10_000, 512, 512)


def test_pictures_lie_row_by_row_on_white_with_thin_gaps() -> None:
    pictures = levels(5, 3, 10, 20)
    pixels = sheet(pictures, columns=3, scale=2).pixels
    assert pixels.shape == (2 * 20 + 2, 3 * 40 + 2 * 2, 3)
    for number, picture in enumerate(pictures):
        top, left = number // 3 * 22, number % 3 * 42
        cell = pixels[top : top + 20, left : left + 40]
        np.testing.assert_array_equal(cell[::2, ::2], picture.transpose(1, 2, 0))
        np.testing.assert_array_equal(cell[1::2, 1::2], cell[::2, ::2])
    assert (pixels[20:22] == 255).all()
    assert (pixels[:, 40:42] == 255).all()
    assert (pixels[22:, 84:] == 255).all()


def test_floats_and_gray_stay_what_they_are() -> None:
    assert sheet(np.zeros((2, 1, 4, 4), np.float32), scale=1).pixels.shape == (4, 10, 1)
    np.testing.assert_array_equal(sheet(levels(1, 1, 3, 3) / 255, scale=1).pixels[..., 0], levels(3, 3))


def test_a_single_picture_keeps_its_size_unless_asked() -> None:
    picture = levels(1, 1, 28, 28)
    write_sheet(Path("one.png"), picture)
    write_sheet(Path("large.png"), picture, scale=3)
    write_sheet(Path("two.png"), picture.repeat(2, 0))
    with Image.open("one.png") as one, Image.open("large.png") as large, Image.open("two.png") as two:
        assert (one.mode, one.size, large.size, two.size) == ("L", (28, 28), (84, 84), (226, 112))
        np.testing.assert_array_equal(np.asarray(one), picture[0, 0])


@pytest.mark.parametrize(
    ("text", "folder"), [("out/", True), ("out", True), ("there.png", True), ("a.png", False), ("out/a.png", False)]
)
def test_a_place_is_a_folder_or_a_file(text: str, folder: bool) -> None:
    Path("there.png").mkdir()
    assert is_folder(text) == folder


def test_single_files_are_written_as_they_come() -> None:
    pictures = levels(2, 3, 4, 5)
    paths = [Path("deep/er/a.png"), Path("b.webp")]
    assert list(write_singles(paths, iter(pictures))) == paths
    np.testing.assert_array_equal(read_picture(paths[0]).pixels, pictures[0].transpose(1, 2, 0))
    assert list(write_singles([Path("c.png")], pictures[:1], scale=2)) == [Path("c.png")]
    assert read_picture("c.png").pixels.shape == (8, 10, 3)


def test_nothing_is_made_or_written_if_one_file_exists() -> None:
    Path("b.png").write_bytes(b"mine")

    def pictures() -> object:
        pytest.fail("a picture was made in vain")
        yield

    with pytest.raises(UsageError, match=r"b\.png exists"):
        list(write_singles([Path("a.png"), Path("b.png")], pictures()))  # type: ignore[arg-type]
    assert [path.name for path in Path().iterdir()] == ["b.png"]
    assert Path("b.png").read_bytes() == b"mine"
    with pytest.raises(DiskError, match=r"can't make the folder b\.png"):
        list(write_singles([Path("b.png/a.png")], levels(1, 1, 2, 2)))
    assert len(list(write_singles([Path("a.png"), Path("b.png")], levels(2, 1, 2, 2), force=True))) == 2


def test_a_cross_fade_blends_its_ends_evenly() -> None:
    a, b = np.zeros((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32)
    np.testing.assert_allclose(cross_fade(a, b, 5)[:, 0, 0, 0], [0, 0.25, 0.5, 0.75, 1])


def frames_of(path: str) -> tuple[list[np.ndarray], list[float], Image.Image]:
    with Image.open(path) as image:
        pixels, durations = [], []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            pixels.append(np.asarray(image.convert("RGB")).astype(int))
            durations.append(image.info["duration"])
        return pixels, durations, image


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "A.GIF"])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_animation_goes_there_and_back_for_ever(name: str, channels: int) -> None:
    shades = np.array([0, 60, 120, 240], np.uint8)[:, None, None, None]
    way = np.broadcast_to(shades, (4, channels, 8, 8))
    write_interpolation(Path(name), [way], scale=1, fps=10)
    pixels, durations, image = frames_of(name)
    assert [frame.mean() for frame in pixels] == pytest.approx([0, 60, 120, 240, 120, 60], abs=3)
    assert durations == [800, 100, 100, 800, 100, 100]
    assert (image.size, image.info["loop"]) == ((8, 8), 0)


def test_an_animation_of_two_pictures_swings() -> None:
    write_animation(Path("a.gif"), [from_array(levels(1, 4, 4)), from_array(255 - levels(1, 4, 4))])
    assert frames_of("a.gif")[1] == [800, 800]


def test_rows_of_interpolations_are_stacked() -> None:
    above, below = np.zeros((5, 3, 10, 10), np.uint8), np.full((5, 3, 10, 10), 200, np.uint8)
    write_interpolation(Path("a.png"), [above, below], scale=1)
    strip = read_picture("a.png").pixels
    assert strip.shape == (22, 58, 3)
    assert (strip[:10, :10] == 0).all()
    assert (strip[12:, :10] == 200).all()
    write_interpolation(Path("a.gif"), [above, below])
    pixels, _, image = frames_of("a.gif")
    assert image.size == (260, 26 * 20 + 260 // 64)
    assert (pixels[0][:260].mean(), pixels[0][264:].mean()) == (0, 200)


def test_an_animation_is_whole_or_not_there() -> None:
    frames = [from_array(levels(1, 4, 4))] * 2
    Path("a.gif").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"a\.gif exists"):
        write_animation(Path("a.gif"), frames)
    assert Path("a.gif").read_bytes() == b"mine"
    with pytest.raises(UsageError, match=r"ends in \.gif or \.webp"):
        write_animation(Path("a.png"), frames)
    large = [from_array(np.zeros((1, 2, 17000), np.uint8))] * 2
    with pytest.raises(UnsafeFileError, match=r"a\.webp: the animation can't be written as WEBP"):
        write_animation(Path("a.webp"), large)
    assert [path.name for path in Path().iterdir()] == ["a.gif"]


def test_pixels_stay_squares_when_enlarged() -> None:
    picture = from_array(levels(3, 2, 3))
    assert enlarged(picture, 1) is picture
    np.testing.assert_array_equal(enlarged(picture, 3).pixels[1::3, 1::3], picture.pixels)
