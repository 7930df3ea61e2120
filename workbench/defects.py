"""Defects of a run's files, and the questions that have no answer because of them."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import imported, seal, table_scan
from .columns import Column
from .errors import RecordingError
from .reading_schema import READINGS
from .record_files import regular_size
from .request_schema import COLUMNS, LATER, NOT_NULL, STORED, STREAMS
from .table_scan import MAX_CELLS, Scan, UnreadableTable

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
    "resources": ("the resources in use", ("at_us",)),
    "memory": ("the memory of each process", ("at_us", "process", "pss_bytes", "private_bytes", "anonymous_bytes")),
}  # fmt: skip
NO_RECORD: Mapping[str, Any] = {}


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


def of_files(
    directory: Path, record: Mapping[str, Any], *, digests: bool, without: Collection[str] = ()
) -> Iterator[Defect]:
    """Yield the files of a run that are not as they were sealed; with `digests` large ones are read for it too.

    Files `without` are examined elsewhere. A run that did not end, or is older than seals, yields nothing.
    """
    if record.get("files") is None:
        return
    files = {name: entry for name, entry in record["files"].items() if name not in without}
    mismatches = (
        *seal.size_mismatches(directory, files),
        *seal.added_files(directory, record["files"], STREAMS),
        *seal.digest_mismatches(directory, files, None if digests else seal.SMALL_BYTES),
    )
    for name, problem in mismatches:
        yield of_seal(name, f"{problem} after the run had ended")


def of_seal(file: str, problem: str) -> Defect:
    """The defect of a file that is not as it was sealed: nothing of its run is used."""
    return Defect(f"{file} {problem}", "everything about this run", is_total=True)


def of_requests(directory: Path, record: Mapping[str, Any] = NO_RECORD) -> Iterator[Defect]:
    """Yield the defects of a run's request rows; at most one that is total.

    Its record says how many there are, and of imported results whether they have a time of send.
    """
    path = directory / STORED
    if not os.path.lexists(path):
        if not any(directory.glob(STREAMS)):
            yield _total(f"{STORED} is missing")
        return
    try:
        regular_size(path)
        scanned = table_scan.scan(path, COLUMNS, _matches)
    except (UnreadableTable, RecordingError) as error:
        yield _total(_of_file(STORED, error))
        return
    if problem := _problem_of_rows(scanned, record.get("rows"), _not_null(record)):
        yield _total(f"{STORED} {problem}")
    else:
        yield from _of_columns(scanned.schema)


def _not_null(record: Mapping[str, Any]) -> list[str]:
    """The columns without which a row cannot be used."""
    return [name for name in NOT_NULL if name != "start_us" or imported.knows(record, imported.SENDS)]


def absent_columns(directory: Path) -> set[str]:
    """The columns of the stored rows of a run that were added after it was recorded."""
    try:
        names = pq.read_schema(directory / STORED).names
    except (OSError, pa.ArrowException):
        return set()  # it has streams only, or is damaged
    return set(LATER) - set(names)


def _of_file(name: str, error: Exception) -> str:
    """The sentence about a file that cannot be read."""
    return f"{name} {error}" if isinstance(error, UnreadableTable) else str(error)


def _problem_of_rows(scanned: Scan, rows: int | None, not_null: Sequence[str]) -> str:
    """What makes the request rows of a run unusable; empty for usable ones."""
    required = [column for column in COLUMNS if not column.question]
    schema = scanned.schema
    if unfit := [column.name for column in required if not _matches(schema, column)]:
        foreign = [f"{name} {_mismatch(schema, name)}" for name in unfit]
        return f"is not this workbench's ({', '.join(foreign)})"
    if not scanned.rows:
        return "has no rows"
    if rows is not None and rows != scanned.rows:
        return f"has {scanned.rows:,} rows, and {rows:,} were recorded"
    if nulls := {name: number for name, number in scanned.nulls.items() if name in not_null}:
        counts = (f"{number:,} of {scanned.rows:,} rows without {name}" for name, number in nulls.items())
        return f"has {', '.join(counts)}"
    if scanned.impossible:
        return f"has values that no run records ({_counts(scanned.impossible, scanned.rows)})"
    if scanned.contradictions:
        return f"has {scanned.contradictions:,} of {scanned.rows:,} rows whose ok contradicts their error"
    return ""


def _counts(numbers: Mapping[str, int], rows: int) -> str:
    return ", ".join(f"{name} of {number:,} of {rows:,} rows" for name, number in numbers.items())


def _of_columns(schema: pa.Schema) -> Iterator[Defect]:
    for column in COLUMNS:
        is_older = column.is_later and column.name not in schema.names
        if column.question and not is_older and not _matches(schema, column):
            problem = f"{STORED}: {column.name} {_mismatch(schema, column.name)}"
            yield Defect(problem, column.question, column=column.name)


def _mismatch(schema: pa.Schema, name: str) -> str:
    return f"is {schema.field(name).type}" if name in schema.names else "is missing"


def of_readings(directory: Path) -> Iterator[Defect]:
    """Yield the defects of a run's readings; a table that was not recorded is none."""
    for name, (question, columns) in READING_QUESTIONS.items():
        path = directory / f"{name}.parquet"
        if not os.path.lexists(path):
            continue
        try:
            regular_size(path)
            scanned = table_scan.scan(path, READINGS[name], _is_usable, MAX_CELLS)
        except (UnreadableTable, RecordingError) as error:
            yield Defect(_of_file(path.name, error), question)
            continue
        needed = [column for column in READINGS[name] if column.name in columns]
        if unusable := sorted(column.name for column in needed if not _is_usable(scanned.schema, column)):
            yield Defect(f"{path.name} is not this workbench's (no numbers in {', '.join(unusable)})", question)
        elif scanned.impossible:
            counts = _counts(scanned.impossible, scanned.rows)
            yield Defect(f"{path.name} has values that no run records ({counts})", question)


def _is_usable(schema: pa.Schema, column: Column) -> bool:
    """Whether a column of readings is there and, where it should be, numeric."""
    if column.name not in schema.names:
        return False
    actual = schema.field(column.name).type
    return _is_text(actual) if pa.types.is_string(column.type) else _is_number(actual)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)


def _total(problem: str) -> Defect:
    return Defect(problem, "everything about its requests", is_total=True)


def _matches(schema: pa.Schema, column: Column) -> bool:
    """Whether a column of the request rows is there with the kind of its type: integer, text or truth value."""
    if column.name not in schema.names:
        return False
    wanted, actual = column.type, schema.field(column.name).type
    if pa.types.is_integer(wanted):
        return pa.types.is_integer(actual)
    return actual == wanted or (pa.types.is_string(wanted) and pa.types.is_dictionary(actual))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)
