"""Quantiles of counted values are those of SQL over the rows; between two values up to the rounding of SQL."""

import math

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.mergeable_frame import of_values
from workbench.value_counts import ValueCounts, Values

DURATIONS_US = st.lists(st.integers(0, 10**10), min_size=1, max_size=200)


def counts_of(rows):
    """The counts of rows (run, endpoint, value)."""
    connection = duckdb.connect()
    runs, names, values = zip(*rows, strict=True)
    table = {"run": runs, "endpoint": names, "value_us": pa.array(values, pa.int64())}
    connection.register("requests", pa.table(table))
    frame = of_values("requests", ("run", "endpoint"), "value_us")
    marks = pd.DataFrame({"run": sorted(set(runs)), "is_open": True})
    return ValueCounts.from_frame(connection.sql(frame.select).to_arrow_table(), marks)


@settings(max_examples=100, deadline=None)
@given(DURATIONS_US, st.floats(0, 1))
def test_a_quantile_is_that_of_sql(durations_us, quantile):
    values = counts_of([("a", "login", value) for value in durations_us]).all()
    connection = duckdb.connect()
    connection.register("rows", pa.table({"value_us": pa.array(durations_us, pa.int64())}))
    (expected,) = connection.execute("SELECT quantile_cont(value_us, ?) FROM rows", [quantile]).fetchone()
    assert values.quantile_us(quantile) == pytest.approx(expected, rel=1e-14, abs=0)
    is_at_a_value = ((len(durations_us) - 1) * quantile).is_integer()
    assert values.quantile_us(quantile) == expected or not is_at_a_value


def test_groups_together_have_the_quantiles_of_all_their_rows():
    random = np.random.default_rng(1)
    rows = [("ab"[n % 2], ["login", "search"][n // 2 % 2], int(random.integers(50))) for n in range(1000)]
    counts = counts_of(rows)
    of_a = np.array([value for run, _, value in rows if run == "a"])
    assert counts.where({"run": "a"}).all().quantile_us(0.95) == pytest.approx(np.quantile(of_a, 0.95))
    by_endpoint = counts.by("endpoint")
    assert sorted(by_endpoint) == ["login", "search"]
    of_search = np.array([value for _, endpoint, value in rows if endpoint == "search"])
    assert by_endpoint["search"].size == len(of_search)
    assert by_endpoint["search"].quantile_us(0.5) == pytest.approx(np.quantile(of_search, 0.5))


def test_rows_without_a_value_are_counted_apart():
    counts = counts_of([("a", "login", None), ("a", "login", 7), ("a", "search", None)])
    assert counts.where({"endpoint": "login"}).all()[2] == 1
    assert counts.all().unknown == 2
    nothing = counts.where({"endpoint": "search"}).all()
    assert nothing.size == 0
    assert math.isnan(nothing.quantile_us(0.5))
    assert math.isnan(Values().quantile_ms(0.5))
