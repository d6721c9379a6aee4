"""The fits of drawings: the model sees thin lines at its size, and its answer comes back where they lie, on white."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from zoo.catalog.ports import ImageSpec
from zoo.errors import UsageError
from zoo.inference.fit import fit_translate
from zoo.pictures.drawings import find_drawing
from zoo.pictures.outlines import shaded

SPEC = ImageSpec(channels=1, size=(64, 64), multiple=32)


def painted(batch):
    """Red within the lines' bounding box, white elsewhere, shifted by nothing."""
    answer = np.ones((len(batch), 3, *batch.shape[2:]), np.float32)
    for picture, lines in zip(answer, batch[:, 0], strict=True):
        rows, columns = np.nonzero(lines < 0.5)
        if len(rows):
            picture[1:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 0
    return answer


def page(height, width, box, dtype=np.uint8, channels=1):
    drawn = np.full((height, width), 255, np.uint8)
    top, left, bottom, right = box
    cv2.rectangle(drawn, (left, top), (right, bottom), 20, 3, cv2.LINE_AA)
    levels = np.repeat(drawn[None, None], channels, axis=1)
    return levels if dtype == np.uint8 else levels / np.float32(255)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(
    ("height", "width", "box"),
    [
        (700, 1000, (150, 200, 600, 900)),
        (100, 80, (10, 10, 90, 70)),
        (300, 900, (20, 20, 150, 120)),
        (64, 64, (5, 9, 50, 50)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_answer_lies_where_the_drawing_is(height, width, box, dtype, channels):
    images = page(height, width, box, dtype, channels)
    result = fit_translate("drawing", images, painted, SPEC)
    assert result.shape == (1, 3, height, width)
    assert result.dtype == dtype
    assert result.transpose(0, 2, 3, 1).flags.c_contiguous
    white = 255 if dtype == np.uint8 else 1
    green = result[0, 1] / white
    top, left, bottom, right = box
    slack = max(3, (max(bottom - top, right - left)) // 20)
    assert (green[top + slack : bottom - slack, left + slack : right - slack] < 0.1).all()
    green[max(0, top - slack) : bottom + slack, max(0, left - slack) : right + slack] = 1
    assert (green > 0.95).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("fit", "as_seen"), [("drawing", np.asarray), ("shaded-drawing", shaded)])
def test_the_model_gets_thin_lines_at_its_size_shaded_or_not(fit, as_seen, dtype):
    seen, pages = [], page(200, 300, (40, 50, 150, 250), dtype)
    fit_translate(fit, pages, lambda batch: seen.append(batch) or painted(batch), SPEC)
    (batch,) = seen
    assert batch.shape == (1, 1, 64, 64)
    assert batch.dtype == np.float32
    lines = find_drawing(page(200, 300, (40, 50, 150, 250))[0, 0], 64).lines
    assert 0.5 < lines.mean() / 255 < 1
    np.testing.assert_array_equal(np.rint(batch[0, 0] * 255), as_seen(lines))


def test_a_drawing_of_the_models_size_gets_the_whole_answer():
    lines = np.full((1, 1, 64, 64), 255, np.uint8)
    lines[:, :, 20, 10:50] = 0
    answer = np.random.default_rng(0).random((1, 3, 64, 64), dtype=np.float32)
    result = fit_translate("drawing", lines, lambda batch: answer, SPEC)
    np.testing.assert_array_equal(result, np.rint(answer * 255))


def test_a_dark_answer_leaves_no_border_on_the_page():
    result = fit_translate(
        "drawing",
        page(400, 400, (100, 100, 300, 300), np.float32),
        lambda batch: np.full((1, 3, 64, 64), 0.3, np.float32),
        SPEC,
    )
    steps = np.abs(np.diff(result[0, 0], axis=1)).max()
    assert result[0, 0].min() == pytest.approx(0.3, abs=0.04)
    assert steps < 0.2


def test_each_page_of_a_batch_has_its_own_place():
    pages = np.concatenate([page(150, 200, (20, 20, 70, 80)), page(150, 200, (60, 100, 140, 190))])
    whole = fit_translate("drawing", pages, painted, SPEC)
    for number in range(2):
        alone = fit_translate("drawing", pages[number : number + 1], painted, SPEC)
        np.testing.assert_array_equal(alone[0], whole[number])
    assert not np.array_equal(whole[0], whole[1])


@pytest.mark.parametrize(
    "spec", [ImageSpec(channels=3, size=(64, 64)), ImageSpec(channels=1), ImageSpec(channels=1, size=(64, 32))]
)
def test_a_model_of_another_kind_is_refused(spec):
    with pytest.raises(UsageError, match="one channel and a fixed square size"):
        fit_translate("drawing", page(90, 90, (10, 10, 80, 80)), painted, spec)
