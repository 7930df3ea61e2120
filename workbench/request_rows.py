"""The request rows of runs as one table for SQL: DuckDB reads from the files what a query needs, and no more.

Two views: `requests` (every row, with the `run`, `deployment`, `scenario`, `block` and `replicate` of its run, and
whether its load `is_open`) and `measured`, those of the measured phase. Times are float milliseconds (`*_ms`), with
`rest_ms` (the application's time less its parts, where none of their columns is damaged) and `residual_ms` (latency
less queue and application). Null is not measured. Rows of request types that are left out (`Source.without_types`) are
in neither view.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd
import pyarrow as pa

from .errors import RecordingError
from .request_schema import MEASURE, PARTS, SCHEMA, STORED, STREAMS
from .request_stream import read_stream

PARTS_US = tuple(f"{part}_us" for part in PARTS)
MEMORY_LIMIT = "4GB"  # beyond it DuckDB works on the disk, but a percentile keeps all values of its group in memory
RAW_COLUMNS = ("latency_us", "response_us")  # also as they are stored: in percentiles they take half the memory
MAX_NAMED_DIRECTORIES = 3  # in a message
# Up to this size of the files a query runs in one thread: several add up in an order of their own each time, and the
# last digit of a sum depends on it. More bytes than that take longer than a second a query.
MAX_ONE_THREAD_BYTES = 100 * 2**20
INVALID_QUERIES = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
FILE, STREAMED = "file", "streamed"
IS_OPEN = "is_open"
MARKS = ("run", "deployment", "scenario", "block", "replicate")


class Source(NamedTuple):
    """A run's rows: its directory, the columns that can be read, and the marks of each row.

    `without_types` are request types that are left out: `METRIC` stands for the endpoints `METRIC <name>`. `dropped`
    arrivals of the measured phase were never sent, beside `started` tasks (None where these were not counted).
    `has_parts` is False where the column of a part is damaged; a part that is newer than the run is none.
    """

    directory: Path
    columns: tuple[str, ...]
    run: str
    deployment: str
    scenario: str
    block: int
    replicate: bool
    without_types: tuple[str, ...] = ()
    dropped: int = 0
    started: int | None = None
    is_open: bool = False
    has_parts: bool = True

    @property
    def file(self) -> str:
        return str(self.directory / STORED)

    def is_stored(self) -> bool:
        """Whether its rows have become Parquet; a run that was cut off has streams only."""
        return (self.directory / STORED).exists()


class RequestRows:
    """The rows of some runs. A run that was cut off gives its streams, up to the last whole batch of each."""

    def __init__(self, sources: Iterable[Source]):
        self._sources = list(sources)

    def query(
        self, sql: str, parameters: Sequence[Any] = (), tables: Mapping[str, pd.DataFrame] | None = None
    ) -> pd.DataFrame:
        """The result of a query of `requests` or `measured`; `?` stands for a parameter, `tables` can be joined.

        Raises `RecordingError` where the query is not valid, and where a file has changed or is damaged inside.
        """
        with self._reporting_errors():
            for name, table in (tables or {}).items():
                self._connection.register(name, table)
            return self._connection.execute(sql, list(parameters)).df()

    def tuples(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple]:
        """The result of a query as plain values, with None for null; raises as `query` does."""
        with self._reporting_errors():
            return self._connection.execute(sql, list(parameters)).fetchall()

    @contextmanager
    def _reporting_errors(self) -> Iterator[None]:
        try:
            yield
        except INVALID_QUERIES as error:
            raise RecordingError(f"the query cannot be answered: {str(error).splitlines()[0]}") from None
        except duckdb.Error as error:
            places = ", ".join(str(source.directory) for source in self._sources[:MAX_NAMED_DIRECTORIES])
            raise RecordingError(f"the rows in {places} cannot be read: {str(error).splitlines()[0]}") from None

    @cached_property
    def dropped(self) -> pd.DataFrame:
        """A row for each run with dropped arrivals: `run`, `dropped`, and `started` tasks of the measured phase."""
        runs = [(source.run, source.dropped, source.started) for source in self._sources if source.dropped]
        return pd.DataFrame(runs, columns=["run", "dropped", "started"]).astype({"started": float})

    @cached_property
    def typed_endpoints(self) -> list[str]:
        """The endpoints that begin with a request type, in alphabetical order; types that are left out are included."""
        every = RequestRows(source._replace(without_types=()) for source in self._sources)
        return sorted(every.query("SELECT DISTINCT endpoint FROM requests WHERE contains(endpoint, ' ')")["endpoint"])

    @property
    def _bytes(self) -> int:
        """The size of the stored files."""
        return sum(os.path.getsize(source.file) for source in self._sources if source.is_stored())

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = _database(is_repeatable=self._bytes <= MAX_ONE_THREAD_BYTES).cursor()
        connection.register(STREAMED, self._streamed())
        marks = [(source.file, *source[2 : 2 + len(MARKS)], source.is_open) for source in self._sources]
        connection.register("runs", pd.DataFrame(marks, columns=[FILE, *MARKS, IS_OPEN]))
        connection.execute(f"CREATE TEMP VIEW requests AS {self._requests_sql()}")
        connection.execute(f"CREATE TEMP VIEW measured AS SELECT * FROM requests WHERE phase = '{MEASURE}'")
        return connection

    def _requests_sql(self) -> str:
        files = defaultdict(list)
        for source in self._sources:
            if source.is_stored():
                files[source.columns, source.has_parts].append(_quoted(source.file))
        stored = [
            f"SELECT {', '.join(columns)}, {FILE}, {str(has_parts).lower()} AS has_parts "
            f"FROM read_parquet([{', '.join(paths)}], filename = '{FILE}')"
            for (columns, has_parts), paths in files.items()
        ]
        parts = " - ".join(f"coalesce({part}, 0)" for part in PARTS_US)
        union = " UNION ALL BY NAME ".join([f"SELECT *, true AS has_parts FROM {STREAMED}", *stored])
        return f"""
            SELECT {", ".join(f"runs.{name}" for name in (*MARKS, IS_OPEN))}, {", ".join(map(_selected, SCHEMA.names))},
                   {", ".join(RAW_COLUMNS)},
                   CASE WHEN has_parts THEN (app_us - {parts}) / 1000.0 END AS rest_ms,
                   (latency_us - queue_us - app_us) / 1000.0 AS residual_ms
            FROM ({union}) AS stored JOIN runs USING ({FILE}) WHERE {self._included_sql()}
        """

    def _included_sql(self) -> str:
        """The condition that leaves out the rows of some request types."""
        types = sorted({name for source in self._sources for name in source.without_types})
        return " AND ".join(["true", *(f"NOT starts_with(endpoint, {_quoted(f'{name} ')})" for name in types)])

    def _streamed(self) -> pa.Table:
        """The rows that are in streams only; without any, an empty table with all columns."""
        fields = {field.name: pa.array([], field.type) for field in SCHEMA}
        tables = [pa.table({FILE: pa.array([], pa.string()), **fields})]
        for source in self._sources:
            if source.is_stored():
                continue
            for path in sorted(source.directory.glob(STREAMS)):
                for batch in read_stream(path):
                    table = pa.Table.from_batches([batch])
                    tables.append(table.add_column(0, FILE, pa.array([source.file] * len(table), pa.string())))
        return pa.concat_tables(tables)


@cache
def _database(*, is_repeatable: bool) -> duckdb.DuckDBPyConnection:
    """One database for the process, as starting one takes longer than a query; temporary views are of their cursor.

    One that is repeatable gives the same sums each time, to the last digit.
    """
    return duckdb.connect(
        config={
            **({"threads": 1} if is_repeatable else {}),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": os.path.join(tempfile.gettempdir(), f"tracetrack-rows-{os.getpid()}"),
            "autoinstall_known_extensions": False,  # nothing is downloaded
            "preserve_insertion_order": False,
        }
    )


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"


def _selected(name: str) -> str:
    return f"{name} / 1000.0 AS {name.removesuffix('_us')}_ms" if name.endswith("_us") else f'"{name}"'
