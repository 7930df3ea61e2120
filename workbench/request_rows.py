"""The request rows of runs as one table for SQL: DuckDB reads from the files what a question needs, and no more.

Two views: `requests` (every row, with the `run`, `deployment`, `scenario`, `block` and `replicate` that it belongs to) and
`measured`, those of the measured phase. Times are float milliseconds (`*_ms`), with `rest_ms` (the application's time
less its parts, where the run has columns of all of them) and `residual_ms` (latency less queue and application). Null
is not measured.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd
import pyarrow as pa

from .errors import RecordingError
from .request_schema import SCHEMA, STORED, STREAMS, read_stream

PARTS = ("pool", "db", "hash", "cache", "session")
PARTS_US = tuple(f"{part}_us" for part in PARTS)
MEMORY_LIMIT = "4GB"  # beyond it DuckDB works on the disk, but a percentile keeps all values of its group in memory
WHOLE = ("latency_us", "response_us")  # also as they are stored, which takes half as much there
MOST_NAMED = 3  # directories in a message
FILE, STREAMED = "file", "streamed"
MARKS = ("run", "deployment", "scenario", "block", "replicate")


class Source(NamedTuple):
    """A run's rows: its directory, the columns that can be read, and what each row is marked with."""

    directory: Path
    columns: tuple[str, ...]
    run: str
    deployment: str
    scenario: str
    block: int
    replicate: bool


class Rows:
    """The rows of some runs. A run that was cut off gives what its streams hold, up to the last whole batch."""

    def __init__(self, sources: Iterable[Source]):
        self._sources = list(sources)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """The answer to a question about `requests` or `measured`; `?` stands for a parameter.

        Raises `RecordingError` where a file has changed or is damaged inside.
        """
        try:
            return self._connection.execute(sql, list(parameters)).df()
        except duckdb.Error as error:
            places = ", ".join(str(source.directory) for source in self._sources[:MOST_NAMED])
            raise RecordingError(f"the rows in {places} cannot be read: {str(error).splitlines()[0]}") from None

    @cached_property
    def _connection(self):
        connection = _database().cursor()
        connection.register(STREAMED, self._streamed())
        connection.register("runs", pd.DataFrame([(_file(s), *s[2:]) for s in self._sources], columns=[FILE, *MARKS]))
        connection.execute(f"CREATE TEMP VIEW requests AS {self._requests()}")
        connection.execute("CREATE TEMP VIEW measured AS SELECT * FROM requests WHERE phase = 'measure'")
        return connection

    def _requests(self):
        files = defaultdict(list)
        for source in self._sources:
            if (source.directory / STORED).exists():
                files[source.columns].append(_quoted(_file(source)))
        stored = [
            f"SELECT {', '.join(columns)}, {FILE}, {str(set(PARTS_US) <= set(columns)).lower()} AS has_parts "
            f"FROM read_parquet([{', '.join(paths)}], filename = '{FILE}')"
            for columns, paths in files.items()
        ]
        parts = " - ".join(f"coalesce({part}, 0)" for part in PARTS_US)
        every = " UNION ALL BY NAME ".join([f"SELECT *, true AS has_parts FROM {STREAMED}", *stored])
        return f"""
            SELECT {", ".join(f"runs.{name}" for name in MARKS)}, {", ".join(map(_column, SCHEMA.names))},
                   {", ".join(WHOLE)},
                   CASE WHEN has_parts THEN (app_us - {parts}) / 1000.0 END AS rest_ms,
                   (latency_us - queue_us - app_us) / 1000.0 AS residual_ms
            FROM ({every}) AS stored JOIN runs USING ({FILE})
        """

    def _streamed(self):
        """What has not become Parquet; empty where all has, but with all columns."""
        tables = [pa.table({FILE: pa.array([], pa.string()), **{f.name: pa.array([], f.type) for f in SCHEMA}})]
        for source in self._sources:
            if (source.directory / STORED).exists():
                continue
            for path in sorted(source.directory.glob(STREAMS)):
                for batch in read_stream(path):
                    table = pa.Table.from_batches([batch])
                    tables.append(table.add_column(0, FILE, pa.array([_file(source)] * len(table), pa.string())))
        return pa.concat_tables(tables)


@cache
def _database():
    """One for the process, as it takes longer to begin than to answer; what is temporary stays with its cursor."""
    return duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": os.path.join(tempfile.gettempdir(), f"tracetrack-rows-{os.getpid()}"),
            "autoinstall_known_extensions": False,  # nothing is fetched from anywhere
            "preserve_insertion_order": False,
        }
    )


def _quoted(path):
    return "'" + path.replace("'", "''") + "'"


def _file(source):
    return str(source.directory / STORED)


def _column(name):
    return f"{name} / 1000.0 AS {name.removesuffix('_us')}_ms" if name.endswith("_us") else f'"{name}"'
