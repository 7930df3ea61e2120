"""The request rows of runs as one table for SQL: DuckDB reads from the files what a query needs, and no more.

Two views: `requests` (every row, with the `run`, `deployment`, `scenario`, `block` and `replicate` of its run, and
whether its load `is_open`) and `measured`, those of the measured phase. Times are float milliseconds (`*_ms`), with
`rest_ms` (the application's time less its parts, where none of their columns is damaged) and `residual_ms` (latency
less queue and application). Null is not measured. Rows of request types that are left out (`Source.without_types`) are
in neither view. `requests_us` has the same rows with times as they are stored (`*_us`): integers, whose sums do not
depend on an order.

What the tables need of several runs is asked as mergeable frames (`merged`), one partition a file, of the engine that
is in use. A query of one run is answered where its file is; a query of several runs in this process.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache, partial
from typing import Any, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa

from . import engines, mergeable_frame, request_frames
from .errors import RecordingError
from .mergeable_frame import Frame
from .request_schema import MEASURE, PARTS, SCHEMA, STREAMS
from .request_stream import read_stream
from .row_source import IS_OPEN, MARKS, Source
from .value_counts import ValueCounts

Tables = Mapping[str, pd.DataFrame]  # that a query can join
Result = TypeVar("Result")
PARTS_US = tuple(f"{part}_us" for part in PARTS)
MEMORY_LIMIT = "4GB"  # beyond it DuckDB works on the disk, but a percentile keeps all values of its group in memory
RAW_COLUMNS = ("latency_us", "response_us")  # also as they are stored: in percentiles they take half the memory
MAX_NAMED_DIRECTORIES = 3  # in a message
# Up to this size of the files a query runs in one thread: several add up in an order of their own each time, and the
# last digit of a sum depends on it. More bytes than that take longer than a second a query.
MAX_ONE_THREAD_BYTES = 100 * 2**20
INVALID_QUERIES = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
DERIVED = ("rest_us", "residual_us")
FILE, STREAMED = "file", "streamed"


class RequestRows:
    """The rows of some runs. A run that was cut off gives its streams, up to the last whole batch of each.

    With `one_thread` a query uses one core: in a worker, beside others on the same machine.
    """

    def __init__(self, sources: Iterable[Source], *, one_thread: bool = False):
        self._sources, self._one_thread = list(sources), one_thread

    def query(self, sql: str, parameters: Sequence[Any] = (), tables: Tables | None = None) -> pd.DataFrame:
        """The result of a query of `requests` or `measured`; `?` stands for a parameter, `tables` can be joined.

        Raises `RecordingError` where the query is not valid, and where a file has changed or is damaged inside.
        """
        cluster = engines.cluster()
        if cluster and len(self._sources) == 1 and self._sources[0].file.is_there():
            return cluster.run(_query_of, self._sources[0], sql, tuple(parameters), tables)
        return self._execute(_pandas, sql, parameters, tables)

    def tuples(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple]:
        """The result of a query as plain values, with None for null, in this process; raises as `query` does."""
        return self._execute(_tuples, sql, parameters)

    def merged(self, frame: Frame, tables: Tables | None = None) -> pa.Table:
        """A frame over all rows, from the engine in use; raises as `query` does."""
        cluster = engines.cluster()
        stored = [source for source in self._sources if source.file.is_there()] if cluster else []
        if not cluster or not stored:
            return self._execute(_arrow, frame.select, (), tables)
        parts = [cluster.reduce(stored, partial(_frame_of, frame, tables), partial(mergeable_frame.merged, frame))]
        if streamed := [source for source in self._sources if not source.file.is_there()]:
            parts.append(RequestRows(streamed)._execute(_arrow, frame.select, (), tables))
        return mergeable_frame.merged(frame, parts)

    def only(self, **marks: object) -> "RequestRows":
        """The rows of the runs with these marks, such as `deployment="tuned"`."""
        return RequestRows(
            source for source in self._sources if all(getattr(source, name) == value for name, value in marks.items())
        )

    def answer(self, sql: str, **tables: pa.Table | pd.DataFrame) -> pd.DataFrame:
        """The result of a query of frames, and of `runs`, the table `marks`."""
        return mergeable_frame.answer(sql, {"runs": self.marks, **tables})

    @cached_property
    def marks(self) -> pd.DataFrame:
        """A row for each run: `MARKS` and whether its load `is_open`."""
        names = [*MARKS, IS_OPEN]
        table = pd.DataFrame([[getattr(source, name) for name in names] for source in self._sources], columns=names)
        kinds = {"run": str, "deployment": str, "scenario": str, "block": int, "replicate": bool, IS_OPEN: bool}
        return table.astype(kinds)

    @cached_property
    def cells(self) -> pa.Table:
        """The frame `request_frames.CELLS` of these rows."""
        return self.merged(request_frames.CELLS)

    @cached_property
    def latencies(self) -> ValueCounts:
        """The latencies of the measured successful requests."""
        return self.values("latency_us")

    @cached_property
    def response_times(self) -> ValueCounts:
        """The response times of the measured successful requests."""
        return self.values("response_us")

    def values(self, column: str, source: str = request_frames.SUCCESSES) -> ValueCounts:
        """The values of a column (`db_us`, say) by run and endpoint, see `request_frames.values_of`."""
        return ValueCounts.from_frame(self.merged(request_frames.values_of(column, source)), self.marks)

    @cached_property
    def dropped(self) -> pd.DataFrame:
        """A row for each run with dropped arrivals: `run`, `dropped`, and `started` tasks of the measured phase."""
        runs = [(source.run, source.dropped, source.started) for source in self._sources if source.dropped]
        return pd.DataFrame(runs, columns=["run", "dropped", "started"]).astype({"started": float})

    @cached_property
    def typed_endpoints(self) -> list[str]:
        """The endpoints that begin with a request type, in alphabetical order; types that are left out are included."""
        every = RequestRows(source._replace(without_types=()) for source in self._sources)
        names = every.merged(request_frames.ENDPOINTS).to_pandas()["endpoint"]
        return sorted(name for name in names if " " in name)

    def _execute(
        self,
        fetch: Callable[[duckdb.DuckDBPyConnection, str, Sequence[Any]], Result],
        sql: str,
        parameters: Sequence[Any] = (),
        tables: Tables | None = None,
    ) -> Result:
        """What a query gives in this process; raises as `query` does."""
        try:
            for name, table in (tables or {}).items():
                self._connection.register(name, table)
            return fetch(self._connection, sql, list(parameters))
        except INVALID_QUERIES as error:
            raise RecordingError(f"the query cannot be answered: {str(error).splitlines()[0]}") from None
        except duckdb.Error as error:
            files = [source.file for source in self._sources[:MAX_NAMED_DIRECTORIES]]
            places = ", ".join(file.url or str(file.directory) for file in files)
            raise RecordingError(f"the rows in {places} cannot be read: {str(error).splitlines()[0]}") from None

    @property
    def _bytes(self) -> int:
        """The size of the stored files."""
        return sum(os.path.getsize(source.file.path()) for source in self._sources if source.file.is_there())

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = _database(one_thread=self._one_thread or self._bytes <= MAX_ONE_THREAD_BYTES).cursor()
        connection.register(STREAMED, self._streamed())
        connection.register("runs", self.marks.assign(**{FILE: [str(source.file.path()) for source in self._sources]}))
        connection.execute(f"CREATE TEMP VIEW requests_us AS {self._rows_sql()}")
        shown = ", ".join([*MARKS, IS_OPEN, *map(_selected, [*SCHEMA.names, *DERIVED]), *RAW_COLUMNS])
        connection.execute(f"CREATE TEMP VIEW requests AS SELECT {shown} FROM requests_us")
        connection.execute(f"CREATE TEMP VIEW measured AS SELECT * FROM requests WHERE phase = '{MEASURE}'")
        return connection

    def _rows_sql(self) -> str:
        """The rows with times as they are stored."""
        files = defaultdict(list)
        for source in self._sources:
            if source.file.is_there():
                files[source.columns, source.has_parts].append(_quoted(str(source.file.path())))
        stored = [
            f"SELECT {', '.join(columns)}, {FILE}, {str(has_parts).lower()} AS has_parts "
            f"FROM read_parquet([{', '.join(paths)}], filename = '{FILE}')"
            for (columns, has_parts), paths in files.items()
        ]
        parts = " - ".join(f"coalesce({part}, 0)" for part in PARTS_US)
        union = " UNION ALL BY NAME ".join([f"SELECT *, true AS has_parts FROM {STREAMED}", *stored])
        return f"""
            SELECT {", ".join(f"runs.{name}" for name in (*MARKS, IS_OPEN))},
                   {", ".join(f'"{name}"' for name in SCHEMA.names)},
                   CASE WHEN has_parts THEN app_us - {parts} END AS rest_us,
                   latency_us - queue_us - app_us AS residual_us
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
            if source.file.is_there():
                continue
            for path in sorted(source.file.directory.glob(STREAMS)):
                for batch in read_stream(path):
                    table = pa.Table.from_batches([batch])
                    tables.append(
                        table.add_column(0, FILE, pa.array([str(source.file.path())] * len(table), pa.string()))
                    )
        return pa.concat_tables(tables)


@cache
def _database(*, one_thread: bool) -> duckdb.DuckDBPyConnection:
    """One database for the process, as starting one takes longer than a query; temporary views are of their cursor.

    One thread gives the same sums of float each time, to the last digit.
    """
    return duckdb.connect(
        config={
            **({"threads": 1} if one_thread else {}),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": os.path.join(tempfile.gettempdir(), f"tracetrack-rows-{os.getpid()}"),
            "autoinstall_known_extensions": False,  # nothing is downloaded
            "preserve_insertion_order": False,
        }
    )


def _arrow(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]) -> pa.Table:
    return connection.sql(sql, params=parameters).to_arrow_table()


def _pandas(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]) -> pd.DataFrame:
    return connection.execute(sql, parameters).df()


def _tuples(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]) -> list[tuple]:
    return connection.execute(sql, parameters).fetchall()


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"


def _selected(name: str) -> str:
    return f"{name} / 1000.0 AS {name.removesuffix('_us')}_ms" if name.endswith("_us") else f'"{name}"'


@lru_cache(maxsize=64)
def _opened(source: Source) -> RequestRows:
    """The rows of one run in a worker, which is asked for them several times."""
    return RequestRows([source], one_thread=True)


def _query_of(source: Source, sql: str, parameters: Sequence[Any], tables: Tables | None) -> pd.DataFrame:
    """The result of a query of one run, in a worker."""
    source.file.require_here()
    return _opened(source)._execute(_pandas, sql, parameters, tables)


def _frame_of(frame: Frame, tables: Tables | None, sources: Iterable[Source]) -> pa.Table:
    """The frame of a partition, in a worker."""
    parts = []
    for source in sources:
        source.file.require_here()
        parts.append(_opened(source)._execute(_arrow, frame.select, (), tables))
    return mergeable_frame.merged(frame, parts)
