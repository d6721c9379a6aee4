"""Fitting pictures of any size: what a model sees, what comes back, and that blocks don't show."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zoo.catalog.ports import ImageSpec
from zoo.errors import UnsafeFileError, UsageError, ZooError
from zoo.inference.fit import fit_encode, fit_translate, resampling
from zoo.pictures import color

SIZES = [(1, 1), (1, 7), (7, 1), (2, 3), (40, 30), (64, 64), (65, 200), (3, 5000)]
COLOR = ImageSpec(channels=3, size=(32, 24))
GRAY = ImageSpec(channels=1, size=(32, 24))


def pictures(height, width, channels=3, count=2, dtype=np.uint8, seed=0):
    """A batch seen through a view of channels-last pictures, as they come from a file."""
    levels = np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    scaled = {np.uint8: 1, np.uint16: np.uint16(257), np.float32: np.float32(1 / 255)}[dtype]
    return (levels * scaled).astype(dtype).transpose(0, 3, 1, 2)


def smooth(height, width):
    down, across = np.mgrid[:height, :width]
    planes = (127 + 90 * np.sin(down / 9), 127 + 90 * np.cos(across / 11), (down * 3 + across) % 200)
    return np.dstack(planes).astype(np.uint8).transpose(2, 0, 1)[None]


class Seen:
    """A model that keeps what it was given and answers by a function, or with the same pictures."""

    def __init__(self, answer=lambda batch: batch):
        self.answer, self.batches = answer, []

    def __call__(self, batch):
        self.batches.append(batch)
        return self.answer(batch)


def colours(seed=0, shape=(3, 32, 24)):
    """A model that answers the same random strong colours to every picture."""
    answer = np.random.default_rng(seed).random(shape, dtype=np.float32)
    return Seen(lambda batch: np.stack([answer] * len(batch)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("strategy", ["resize", "pad", "chroma"])
def test_any_size_comes_back_in_its_size_dtype_and_layout(strategy, height, width, dtype):
    spec = ImageSpec(channels=3, multiple=16) if strategy == "pad" else COLOR
    run = Seen()
    images = pictures(height, width, dtype=dtype)
    result = fit_translate(strategy, images, run, spec)
    assert result.shape == images.shape
    assert result.dtype == dtype
    assert result.transpose(0, 2, 3, 1).flags.c_contiguous
    (batch,) = run.batches
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    assert 0 <= batch.min() <= batch.max() <= 1
    padded = (-(-height // 16) * 16, -(-width // 16) * 16)
    assert batch.shape == (2, 3, *(padded if strategy == "pad" else (32, 24)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_pad_gives_the_very_same_pixels_back(height, width, dtype):
    images = pictures(height, width, dtype=dtype)
    result = fit_translate("pad", images, Seen(), ImageSpec(channels=3, multiple=16))
    np.testing.assert_allclose(result, images, atol=1e-6)


def test_pad_mirrors_at_the_bottom_and_the_right():
    run = Seen()
    images = pictures(5, 6, channels=1, count=1)
    fit_translate("pad", images, run, ImageSpec(channels=1, size=(8, 8)))
    seen = np.rint(run.batches[0][0, 0] * 255)
    np.testing.assert_array_equal(seen[5:, :6], images[0, 0, [3, 2, 1]])
    np.testing.assert_array_equal(seen[:5, 6:], images[0, 0][:, [4, 3]])


def test_pad_refuses_larger_images_and_reports_both_sizes():
    with pytest.raises(UsageError, match=r"at most 24 x 32 pixels, not 25 x 32"):
        fit_translate("pad", pictures(32, 25), Seen(), COLOR)


def test_pad_refuses_an_answer_of_another_size():
    with pytest.raises(ZooError, match="answered 8 x 16 to a picture of 16 x 16"):
        fit_translate("pad", pictures(16, 16), Seen(lambda batch: batch[..., ::2]), ImageSpec(channels=3))


def test_resize_to_the_same_size_changes_nothing():
    images = pictures(32, 24)
    np.testing.assert_array_equal(fit_translate("resize", images, Seen(), COLOR), images)


def test_resize_without_a_size_rounds_up_to_the_multiple():
    run = Seen()
    fit_translate("resize", pictures(33, 40), run, ImageSpec(channels=3, multiple=16))
    assert run.batches[0].shape == (2, 3, 48, 48)


def test_resize_there_and_back_keeps_a_smooth_picture():
    images = smooth(100, 90)
    result = fit_translate("resize", images, Seen(), ImageSpec(channels=3, size=(64, 64)))
    assert np.abs(result.astype(int) - images)[:, :2].mean() < 2


def test_a_large_picture_is_averaged_not_skipped():
    run = Seen()
    stripes = np.zeros((1, 1, 640, 480), np.uint8)
    stripes[..., ::2] = 255
    fit_translate("resize", stripes, run, GRAY)
    np.testing.assert_allclose(run.batches[0], 0.5, atol=0.02)


def test_models_get_the_channels_they_take():
    images = pictures(32, 24)
    one = Seen()
    fit_translate("resize", images, one, GRAY)
    expected = [np.asarray(Image.fromarray(picture.transpose(1, 2, 0)).convert("L")) for picture in images]
    np.testing.assert_array_equal(np.rint(one.batches[0][:, 0] * 255), expected)
    three = Seen()
    fit_translate("resize", images[:, :1], three, COLOR)
    np.testing.assert_array_equal(three.batches[0][:, 2], three.batches[0][:, 0])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("height", "width"), [(200, 150), (20, 500), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_chroma_keeps_lightness_under_any_colours(height, width, channels, dtype):
    images = pictures(height, width, channels, dtype=dtype)
    result = fit_translate("chroma", images, colours(), GRAY)
    assert result.shape == (2, 3, height, width)
    asked = color.lightness(images[:, 0] if channels == 1 else color.gray_of(images)[:, 0])
    given = color.rgb_to_lab(result.transpose(0, 2, 3, 1))
    assert np.abs(given[..., 0] - asked).mean() * 2.55 < 0.3
    assert height * width == 1 or np.hypot(given[..., 1], given[..., 2]).mean() > 10


def test_chroma_shows_the_model_the_small_gray():
    run = colours()
    images = smooth(96, 72)
    fit_translate("chroma", images, run, GRAY)
    gray = Image.fromarray(images[0].transpose(1, 2, 0)).convert("L")
    expected = np.asarray(gray.resize((24, 32), Image.Resampling.LANCZOS))
    np.testing.assert_allclose(run.batches[0][0, 0] * 255, expected, atol=1)


def test_chroma_at_the_models_size_keeps_its_colours():
    true = smooth(32, 24)
    result = fit_translate("chroma", true, Seen(lambda _: true / np.float32(255)), GRAY)
    asked, given = (color.rgb_to_lab(image[0].transpose(1, 2, 0)) for image in (true, result))
    fits = np.abs(given[..., 0] - color.lightness(color.gray_of(true))[0, 0]) < 0.5
    assert fits.mean() > 0.99
    chroma = np.hypot(given[..., 1], given[..., 2])
    assert np.all(chroma <= np.hypot(asked[..., 1], asked[..., 2]) + 2)
    assert np.median(np.abs(given[..., 1:] - asked[..., 1:])) < 1


def test_chroma_does_not_ring_at_an_edge():
    edge = np.zeros((3, 32, 24), np.float32)
    edge[0, :, 12:] = 0.6
    edge[1:] = 0.3
    images = np.full((1, 1, 640, 480), 128, np.uint8)
    result = fit_translate("chroma", images, Seen(lambda _: edge[None]), GRAY)
    a = color.rgb_to_lab(result[0].transpose(1, 2, 0))[..., 1]
    left, right = color.rgb_to_lab(edge[:, 0, [0, -1]].T)[:, 1]
    assert a.min() > left - 0.06 * (right - left)
    assert a.max() < right + 0.06 * (right - left)


def test_chroma_without_a_size_shows_a_bounded_picture():
    run = Seen(lambda batch: np.repeat(batch, 3, axis=1))
    fit_translate("chroma", pictures(100, 2000, 1, count=1), run, ImageSpec(channels=1, multiple=8))
    assert run.batches[0].shape == (1, 1, 32, 512)


@pytest.mark.parametrize("strategy", ["resize", "chroma"])
@pytest.mark.parametrize(("height", "width"), [(61, 83), (20, 83), (200, 10)])
def test_results_do_not_depend_on_the_size_of_blocks(monkeypatch, strategy, height, width):
    images = pictures(height, width, dtype=np.float32, count=1)
    whole = fit_translate(strategy, images, colours(), COLOR)
    monkeypatch.setattr(resampling, "_BLOCK_PIXELS", 1)
    monkeypatch.setattr(resampling, "_BLOCK_WIDTH", 7)
    monkeypatch.setattr(color, "_CHUNK", 50)
    np.testing.assert_array_equal(fit_translate(strategy, images, colours(), COLOR), whole)


def test_uint8_and_float_pictures_give_the_same_colours():
    images = smooth(80, 60)[:, :1]
    answer = Seen(lambda _: smooth(32, 24) / np.float32(255))
    bytes_result = fit_translate("chroma", images, answer, GRAY)
    float_result = fit_translate("chroma", images / np.float32(255), answer, GRAY)
    assert np.abs(bytes_result - float_result * 255).max() < 1.1
    assert np.abs(bytes_result - float_result * 255).mean() < 0.3


def test_a_picture_does_not_depend_on_its_batch():
    images = pictures(50, 70, count=3)
    whole = fit_translate("chroma", images, colours(), GRAY)
    for number in range(3):
        np.testing.assert_array_equal(
            fit_translate("chroma", images[number : number + 1], colours(), GRAY)[0], whole[number]
        )


def test_answers_are_clamped():
    result = fit_translate("resize", pictures(32, 24), Seen(lambda batch: batch * 40 - 20), COLOR)
    assert set(np.unique(result)) <= set(range(256))
    assert {0, 255} <= set(np.unique(result))


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("strategy", ["resize", "pad", "chroma"])
def test_an_answer_that_is_no_number_is_an_error(strategy, value, word):
    def answer(batch):
        broken = batch.copy()
        broken[1, 0, 0, 0] = value
        return broken

    with pytest.raises(UnsafeFileError, match=f"answered {word} to picture 2 of 2"):
        fit_translate(strategy, pictures(32, 24), answer, COLOR)


@pytest.mark.parametrize("answer", [lambda batch: batch[0], lambda batch: batch[:1], lambda batch: batch[..., :0]])
def test_an_answer_of_a_wrong_shape_is_an_error(answer):
    with pytest.raises(ZooError, match="answered an array of shape"):
        fit_translate("resize", pictures(32, 24), answer, COLOR)


def test_a_gray_answer_to_chroma_is_an_error():
    with pytest.raises(ZooError, match="1 channels; 'chroma' needs RGB"):
        fit_translate("chroma", pictures(9, 9), Seen(), GRAY)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 3, 4, 4), np.float32), "no picture"),
        (np.zeros((1, 3, 0, 4), np.uint8), "no picture"),
        (np.zeros((3, 4, 4), np.float32), r"must be \(N, C, H, W\)"),
        (np.zeros((1, 3, 4, 4), np.float64), "uint8, uint16 or float32, not"),
        (np.zeros((1, 4, 4, 3), np.uint8), "1 or 3 channels, not 4"),
        (np.full((1, 3, 4, 4), 200, np.float32), "divide levels"),
        (np.full((1, 3, 4, 4), np.nan, np.float32), "no NaN"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(images, message):
    for call in (fit_translate, fit_encode):
        with pytest.raises(UsageError, match=message):
            call("resize", images, Seen(), COLOR)


def test_a_model_of_four_channels_is_refused():
    with pytest.raises(UsageError, match="takes pictures of 4 channels, not 3"):
        fit_translate("resize", pictures(4, 4), Seen(), ImageSpec(channels=4))


@pytest.mark.parametrize("strategy", ["tile", "drawing", "shaded-drawing"])
def test_encoders_have_no_tiles_and_no_drawings(strategy):
    with pytest.raises(UsageError, match=f"'{strategy}' is for models that translate"):
        fit_encode(strategy, pictures(4, 4), Seen(), COLOR)


@pytest.mark.parametrize("strategy", ["resize", "pad", "chroma"])
def test_encoding_brings_pictures_in_and_nothing_back(strategy):
    answer = (np.zeros(3), np.ones(2))
    run = Seen(lambda _: answer)
    assert fit_encode(strategy, pictures(20, 20), run, COLOR) is answer
    assert run.batches[0].shape == (2, 3, 32, 24)
