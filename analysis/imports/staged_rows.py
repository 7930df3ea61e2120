"""Rows between a reader and the run: what each format is read into, batch by batch, in a file.

`at_us` is the send in µs since 1970 (UTC). `is_group` marks a sample that stands for others, as a transaction does, and
its samples are within `span_us` of its send. `samples` is the number of samples whose times one row adds up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from .result_file import ResultFile

_COLUMNS: dict[str, pa.DataType] = {
    "at_us": pa.int64(),
    "latency_us": pa.int64(),
    "endpoint": pa.string(),
    "user_name": pa.string(),
    "status": pa.int64(),
    "ok": pa.bool_(),
    "error": pa.string(),
    "bytes": pa.int64(),
    "is_group": pa.bool_(),
    "span_us": pa.int64(),
    "samples": pa.int64(),
}
SCHEMA = pa.schema(_COLUMNS)
ALL = "all requests"  # the endpoint of results that do not say which request they are of
BATCH_ROWS = 20_000
MAX_TEXT_CHARACTERS = 1_000  # of an endpoint or an error
MAX_INTEGER = 2**62


class StagedRow(NamedTuple):
    """A request, as its file has it; null is what the file does not say."""

    at_us: int | None
    latency_us: int | None
    endpoint: str
    user_name: str | None = None
    status: int | None = None
    ok: bool = True
    error: str | None = None
    bytes: int | None = None
    is_group: bool = False
    span_us: int | None = None
    samples: int | None = None


@dataclass
class Reading:
    """What became of a file: how many lines are malformed, and what its format does not know.

    `truncated` says that its end is missing. `notes` are sentences for people.
    """

    malformed: int = 0
    first_malformed_line: int | None = None
    truncated: bool = False
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    last_malformed_line: int | None = None

    def add_malformed(self, line: int) -> None:
        """Count a malformed line by its number, from 1."""
        self.malformed += 1
        self.first_malformed_line = self.first_malformed_line or line
        self.last_malformed_line = line

    def end_at(self, line: int, source: ResultFile) -> None:
        """Note that a file is cut off whose last line, of this number, is malformed and has no end."""
        self.truncated = source.is_cut or (self.last_malformed_line == line and not source.ends_with_newline())


def write(rows: Iterable[StagedRow], path: Path) -> None:
    """Write rows. No more than a batch of them is in memory."""
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for batch in _batches(iter(rows)):
            columns = zip(*batch, strict=True)
            arrays = [pa.array(values, kind) for values, kind in zip(columns, SCHEMA.types, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))


def write_columns(pieces: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write rows that come in pieces as columns, by the names of `SCHEMA`: lists, or arrays of Arrow."""
    waiting: list[pa.Table] = []
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for columns in pieces:
            waiting.append(pa.table(dict(columns), schema=SCHEMA))
            if sum(map(len, waiting)) >= BATCH_ROWS:
                writer.write_table(pa.concat_tables(waiting))
                waiting.clear()
        if waiting:
            writer.write_table(pa.concat_tables(waiting))


def _batches(rows: Iterator[StagedRow]) -> Iterator[list[StagedRow]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def integer(value: Any, factor: float = 1) -> int | None:
    """A number, or the number in a text, times a factor as an integer; None for what is none, or too large."""
    try:
        number = round(float(value) * factor)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) <= MAX_INTEGER else None


def http_status(value: Any) -> int | None:
    """The HTTP status in a value; None for 0 and for what is none."""
    status = integer(value)
    return status if status is not None and 100 <= status <= 599 else None


def endpoint(method: str | None, name: str) -> str:
    """Method and name together, as GET and POST of one name are two endpoints; a name may begin with its method."""
    return name if not method or name.startswith(f"{method} ") else f"{method} {name}"
