"""Labels become columns of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets.attributes import column_values, tabulate
from zoo.errors import NotFoundError, UsageError

ROWS = [
    {"file": "a.png", "split": "train", "glasses": "1", "smile": "0.7", "hair": "red", "all-same": "3"},
    {"file": "b.png", "split": "train", "glasses": "0", "smile": "0.2", "hair": "black", "all-same": "3"},
    {"file": "c.png", "split": "train", "glasses": "0", "smile": "0.9", "hair": "gray", "all-same": "3"},
    {"file": "d.png", "split": "train", "glasses": "", "smile": "0.1", "hair": "red", "all-same": "3"},
]


def test_numbers_comparisons_and_texts() -> None:
    found = tabulate(ROWS[:3], ["glasses", "smile > 0.5", "hair"])
    assert found.names == ("glasses", "smile > 0.5", "hair == black", "hair == gray", "hair == red")
    np.testing.assert_array_equal(found.values, [[1, 1, 0, 0, 1], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0]])
    assert found.exclusive == ((2, 3, 4),)
    assert (found.kept, found.notes) == (found.names, ())


def test_one_text_alone_is_an_attribute_too() -> None:
    found = tabulate(ROWS, ["hair == red"])
    np.testing.assert_array_equal(found.values, [[1], [0], [0], [1]])
    assert found.exclusive == ()


def test_empty_labels_and_constant_columns_are_left_out() -> None:
    found = tabulate(ROWS, ["glasses", "all-same"])
    np.testing.assert_array_equal(found.rows, [0, 1, 2])
    assert found.kept == ("glasses",)
    assert found.notes == (
        "1 of 4 pictures have an empty label and were left out",
        "all-same is the same in all pictures and was left out",
    )
    with pytest.raises(UsageError, match="nothing is left"):
        tabulate(ROWS, ["all-same"])


def test_all_other_columns_can_be_controls() -> None:
    found = tabulate(ROWS, ["smile > 0.5"], ["all"])
    assert found.kept == ("smile > 0.5",)
    assert found.names == ("smile > 0.5", "hair == black", "hair == gray", "hair == red")
    assert len(found.rows) == 4  # a column with holes is no control: it would cost pictures
    assert tabulate(ROWS, ["glasses"], ["hair"]).names[0] == "glasses"


def test_what_can_not_be_numbers_is_refused() -> None:
    with pytest.raises(NotFoundError, match=r"no column 'hat'; there are: glasses, smile, hair, all-same"):
        tabulate(ROWS, ["hat"])
    with pytest.raises(UsageError, match="no labels"):
        tabulate([{}, {}], ["hat"])
    with pytest.raises(UsageError, match="25 different texts"):
        tabulate([{"who": f"person {k}"} for k in range(25)], ["who"])


def test_a_column_for_a_plot() -> None:
    assert column_values(ROWS, "glasses") == ["1", "0", "0", ""]
    with pytest.raises(NotFoundError, match="there are: glasses"):
        column_values(ROWS, "file")
