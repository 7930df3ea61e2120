"""Frames of parts of the rows, merged in any order and in any groups, are the frame of all rows."""

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.mergeable_frame import LARGEST, LEAST, SUM, merged, of_measures, of_values

ENDPOINTS = st.sampled_from(["login", "dashboard", "search"])
ROWS = st.lists(st.tuples(ENDPOINTS, st.one_of(st.none(), st.integers(-5, 2**53))), min_size=1, max_size=60)
MEASURES = of_measures(
    "requests",
    ("endpoint",),
    {
        "number": (SUM, "count(*)"),
        "known": (SUM, "count(value_us)"),
        "total": (SUM, "sum(value_us)"),
        "least": (LEAST, "min(value_us)"),
        "largest": (LARGEST, "max(value_us)"),
    },
)
VALUES = of_values("requests", ("endpoint",), "value_us")


def frame_of(rows, frame):
    names, values = zip(*rows, strict=True)
    table = pa.table({"endpoint": pa.array(names, pa.string()), "value_us": pa.array(values, pa.int64())})
    connection = duckdb.connect()
    connection.register("requests", table)
    return connection.sql(frame.select).to_arrow_table()


def content(table):
    return sorted(table.to_pylist(), key=lambda row: row["endpoint"])


@settings(max_examples=40, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_merged_frame_is_that_of_all_rows(partitions, random):
    for frame in (MEASURES, VALUES):
        whole = content(frame_of([row for rows in partitions for row in rows], frame))
        frames = [frame_of(rows, frame) for rows in partitions]
        random.shuffle(frames)
        assert content(merged(frame, frames)) == whole
        first = random.randrange(len(frames))
        several = [part for part in (frames[:first], frames[first:]) if part]
        assert content(merged(frame, [merged(frame, part) for part in several])) == whole


def test_sums_are_exact_where_floats_are_not():
    """Beyond 2**53 a float no longer holds every integer."""
    rows = [("login", 2**53), ("login", 1), ("login", 1)]
    total = merged(MEASURES, [frame_of([row], MEASURES) for row in rows])["total"].to_pylist()
    assert total == [2**53 + 2]
    assert np.float64(2**53) + 1 + 1 == 2**53
