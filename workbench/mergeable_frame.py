"""Frames of request rows that can be merged: of any part of the rows, and then of frames of parts.

A frame has a row for each value of its keys, and integers: numbers, sums, least and largest values, and how often each
value occurs. Merged in any order and in any groups, frames of parts are the frame of all rows, to the last digit.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

import duckdb
import pandas as pd
import pyarrow as pa

SUM, LEAST, LARGEST = "sum", "min", "max"  # how a measure of two parts becomes that of both
VALUES, COUNTS, UNKNOWN = "value_list", "count_list", "unknown"  # the columns of counted values


class Frame(NamedTuple):
    """A frame as SQL: `select` makes it of the views of `request_rows`, `merge` of `parts`, frames below each other."""

    select: str
    merge: str


def of_measures(source: str, keys: Iterable[str], measures: Mapping[str, tuple[str, str]]) -> Frame:
    """A frame with these measures by key: for each name how parts are merged, and an SQL aggregate of integers.

    `source` is the rest of the statement after FROM, such as `requests_us WHERE ok`.
    """
    names = ", ".join(keys)
    aggregates = ", ".join(f"({aggregate})::BIGINT AS {name}" for name, (_, aggregate) in measures.items())
    merges = ", ".join(f"{how}({name})::BIGINT AS {name}" for name, (how, _) in measures.items())
    return Frame(
        f"SELECT {names}, {aggregates} FROM {source} GROUP BY {names}",
        f"SELECT {names}, {merges} FROM parts GROUP BY {names}",
    )


def of_values(source: str, keys: Iterable[str], value: str) -> Frame:
    """A frame with two lists by key: the values of an integer in ascending order, and how often each occurs.

    `unknown` is the number of rows in which it is null.
    """
    names = ", ".join(keys)
    lists = (
        f"list(value ORDER BY value) FILTER (value IS NOT NULL) AS {VALUES}, "
        f"list(number ORDER BY value) FILTER (value IS NOT NULL) AS {COUNTS}, "
        f"coalesce(sum(number) FILTER (value IS NULL), 0)::BIGINT AS {UNKNOWN}"
    )
    counted = f"SELECT {names}, ({value})::BIGINT AS value, count(*) AS number FROM {source} GROUP BY ALL"
    pairs = (
        f"SELECT {names}, unnest({VALUES}) AS value, unnest({COUNTS}) AS number FROM parts "
        f"UNION ALL SELECT {names}, NULL, {UNKNOWN} FROM parts"
    )
    summed = f"SELECT {names}, value, sum(number)::BIGINT AS number FROM ({pairs}) GROUP BY {names}, value"
    return Frame(
        f"SELECT {names}, {lists} FROM ({counted}) GROUP BY {names}",
        f"SELECT {names}, {lists} FROM ({summed}) GROUP BY {names}",
    )


def merged(frame: Frame, parts: Iterable[pa.Table]) -> pa.Table:
    """The frame of all rows, of the frames of some parts of them; at least one."""
    several = list(parts)
    if len(several) == 1:
        return several[0]
    return _with_tables({"parts": pa.concat_tables(several)}).sql(frame.merge).to_arrow_table()


def answer(sql: str, tables: Mapping[str, pa.Table | pd.DataFrame]) -> pd.DataFrame:
    """The result of a query of small tables."""
    return _with_tables(tables).execute(sql).df()


def _with_tables(tables: Mapping[str, pa.Table | pd.DataFrame]) -> duckdb.DuckDBPyConnection:
    connection = _database().cursor()
    for name, table in tables.items():
        connection.register(name, table)
    return connection


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """A database for tables in memory; one thread gives the rows of a result the same order each time."""
    return duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
