"""Defects of a run's files, and the questions that have no answer because of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .reading_schema import READINGS
from .request_schema import COLUMNS, REQUIRED, SCHEMA, STORED, STREAMS

# What each table of readings answers, and the columns that this takes.
READING_QUESTIONS = {
    "process": ("CPU and memory of the processes", ("at_us", "role", "cpu_us", "pss_bytes")),
    "pool": (
        "the use of the pools",
        (
            "at_us", "worker", "limit", "checked_out", "idle", "pending", "most_pending", "acquires", "wait_ns",
            "longest_wait_ns", "uses", "use_ns", "creates", "create_ns", "timeouts", "ping_failures", "recycles",
        ),
    ),
    "database": ("statements and waits of the database", ("at_us", "source", "name", "metric", "value")),
}  # fmt: skip


@dataclass(frozen=True)
class Defect:
    """A defect of one file: `problem` says what is wrong, `question` what cannot be answered because of it.

    With `is_total` nothing about the run's requests can be answered. `column` names the one column of the request rows
    that is missing or of another type.
    """

    problem: str
    question: str
    is_total: bool = False
    column: str = ""

    def __str__(self) -> str:
        return f"{self.problem}; not available: {self.question}"


def of_requests(directory: Path) -> Iterator[Defect]:
    """Yield the defects of a run's request rows; at most one that is total."""
    path = directory / STORED
    if not path.exists():
        if not any(directory.glob(STREAMS)):
            yield _total(f"{STORED} is missing")
        return
    try:
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        nulls, lowest_us = _scanned(path, schema)
    except (OSError, pa.ArrowException):
        yield _total(f"{STORED} is empty, cut short, damaged or no Parquet")
        return
    if foreign := [f"{name} {_mismatch(schema, name)}" for name in REQUIRED if not _matches(schema, name)]:
        yield _total(f"{STORED} is not this workbench's ({', '.join(foreign)})")
    elif not metadata.num_rows:
        yield _total(f"{STORED} has no rows")
    elif nulls:
        counts = ", ".join(f"{number:,} of {metadata.num_rows:,} rows without {name}" for name, number in nulls.items())
        yield _total(f"{STORED} has {counts}")
    elif lowest_us < 0:
        yield _total(f"{STORED} has a request with a negative latency")
    else:
        yield from _of_columns(schema)


def _of_columns(schema: pa.Schema) -> Iterator[Defect]:
    for column in COLUMNS:
        if column.question and not _matches(schema, column.name):
            problem = f"{STORED}: {column.name} {_mismatch(schema, column.name)}"
            yield Defect(problem, column.question, column=column.name)


def _scanned(path: Path, schema: pa.Schema) -> tuple[dict[str, int], int]:
    """Rows without a value by required column, and the lowest latency; reads every page of the file."""
    nulls: dict[str, int] = {}
    lowest_us = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            for name in REQUIRED:
                if name in schema.names and batch.column(name).null_count:
                    nulls[name] = nulls.get(name, 0) + batch.column(name).null_count
            if _matches(schema, "latency_us") and len(batch):
                lowest_us = min(lowest_us, pc.min(batch.column("latency_us")).as_py() or 0)
    return nulls, lowest_us


def _mismatch(schema: pa.Schema, name: str) -> str:
    return f"is {schema.field(name).type}" if name in schema.names else "is missing"


def of_readings(directory: Path) -> Iterator[Defect]:
    """Yield the defects of a run's readings; a table that was not recorded is none."""
    for name, (question, columns) in READING_QUESTIONS.items():
        path = directory / f"{name}.parquet"
        if not path.exists():
            continue
        try:
            schema = pq.read_table(path).schema
        except (OSError, pa.ArrowException):
            yield Defect(f"{path.name} is empty, cut short, damaged or no Parquet", question)
            continue
        if unusable := sorted(column for column in columns if not _is_usable(schema, name, column)):
            yield Defect(f"{path.name} is not this workbench's (no numbers in {', '.join(unusable)})", question)


def _is_usable(schema: pa.Schema, table: str, name: str) -> bool:
    """Whether a column is there and, where it should be, numeric."""
    if name not in schema.names:
        return False
    wanted = next(column.type for column in READINGS[table] if column.name == name)
    return pa.types.is_string(wanted) or _is_number(schema.field(name).type)


def _total(problem: str) -> Defect:
    return Defect(problem, "everything about its requests", is_total=True)


def _matches(schema: pa.Schema, name: str) -> bool:
    """Whether a column of the request rows is there with the kind of its type: integer, text or truth value."""
    if name not in schema.names:
        return False
    wanted, actual = SCHEMA.field(name).type, schema.field(name).type
    if pa.types.is_integer(wanted):
        return pa.types.is_integer(actual)
    return actual == wanted or (pa.types.is_string(wanted) and pa.types.is_dictionary(actual))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)
