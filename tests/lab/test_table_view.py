"""Numbers of a table: the same decimals in a column, as many as its middle value needs."""

import math

import numpy as np
import pandas as pd
import pytest

from lab.table_view import MAX_ROWS, printable, table_widget


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([3522.4, 3449.6, 2881.0], [3522, 3450, 2881]),
        ([50.0, 153.0, None], [50, 153, None]),
        ([1871.0, 5.3461, 0.0167], [1871.0, 5.35, 0.02]),
        ([0.99321, 0.002838, 0.00001], [0.9932, 0.0028, 0.0]),
        ([math.inf, 1.25], [math.inf, 1.25]),
        ([1e300, 1e299], [1e300, 1e299]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([None, None], [None, None]),
    ],
)
def test_decimals_follow_the_middle_value(given, shown):
    printed = printable(pd.Series(given, dtype=float))
    assert [None if pd.isna(value) else value for value in printed] == shown


def test_whole_numbers_have_no_point():
    assert printable(pd.Series([6047.0, 5879.0])).dtype == "Int64"
    assert printable(pd.Series([1e300])).dtype == float


def test_texts_stay_on_one_line():
    assert "\n" not in printable(pd.Series(["a\nb"]))[0]


def test_a_long_table_says_that_it_is_cut():
    widget = table_widget(pd.DataFrame({"row": np.arange(MAX_ROWS + 1)}))
    assert f"the first {MAX_ROWS:,} of {MAX_ROWS + 1:,} rows" in widget.caption


def test_texts_and_names_of_columns_are_text():
    table = pd.DataFrame({"<b>error</b>": ["<img src=x onerror=alert(1)>"]})
    sent = str(table_widget(table).get_state())
    assert "<img" not in sent
    assert "<b>" not in sent
    assert "&lt;img src=x onerror=alert(1)&gt;" in sent
