"""Labels: columns and comparisons."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets.labels import parse_label, read_labels
from zoo.errors import NotFoundError, UsageError

ROW = {"smile": "0.5", "glasses": "1", "hair color": "dark brown", "age": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("glasses", 1.0), ("smile", 0.5), ("smile > 0.5", 0.0), ("smile>=0.5", 1.0), ("smile < 1e3", 1.0),
        ("smile <= 0.4", 0.0), ("glasses == 1.0", 1.0), ("hair color == dark brown", 1.0),
        ("hair color == 'blond'", 0.0),
    ],
)  # fmt: skip
def test_a_label_is_a_number_or_the_result_of_a_comparison(text, expected):
    assert parse_label(text).of(ROW) == expected


@pytest.mark.parametrize(
    "text", ["", "> 3", "smile >", "smile > big", "smile = 3", "0 < smile < 1", "smile != 3", "smile =< 3"]
)
def test_other_labels_are_refused(text):
    with pytest.raises(UsageError, match="write a column, or a comparison"):
        parse_label(text)


def test_errors_for_missing_columns_and_text_say_what_to_write():
    with pytest.raises(NotFoundError, match="no label 'beard'; known are: smile, glasses"):
        parse_label("beard").of(ROW)
    with pytest.raises(UsageError, match="write hair color == dark brown"):
        parse_label("hair color").of(ROW)
    with pytest.raises(UsageError, match="not a number"):
        parse_label("age > 3").of(ROW)


def test_labels_of_a_source_are_a_table():
    class Two:
        def __len__(self):
            return 2

        def labels(self, index):
            return {"x": str(index), "y": str(2 * index)}

    table = read_labels(Two(), ("y", "x > 0.5"))
    assert table.dtype == np.float32
    assert table.tolist() == [[0, 0], [2, 1]]
    assert read_labels(Two(), ()).shape == (2, 0)
