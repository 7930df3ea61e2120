"""What is wrong with the files of a run, and which questions cannot be answered for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .request_schema import SCHEMA, STORED, STREAMS

NEEDED = ("endpoint", "phase", "start_us", "latency_us", "ok")  # without them no question about requests has an answer
ASKED_OF = {
    "user": "which user sent a request",
    "sequence": "the order of a user's requests",
    "scheduled_us": "when a request was due",
    "status": "the status of answers",
    "error": "what went wrong",
    "bytes": "the size of answers",
    "response_us": "latency from when a request was due",
    "queue_us": "the time in the queue",
    "pool_us": "the time until a connection was had",
    "db_us": "the time in the database",
    "db_calls": "statements a request",
    "db_round_trips": "round trips a request",
    "hash_us": "the time of hashing",
    "cache_us": "the time of the cache",
    "cache": "what the caches answered",
    "session_us": "the time of the session",
    "app_us": "the split of the time",
    "worker": "how the workers shared the requests",
}
POOL = (
    "at_us", "worker", "limit", "checked_out", "idle", "pending", "most_pending", "acquires", "wait_ns",
    "longest_wait_ns", "uses", "use_ns", "creates", "create_ns", "timeouts", "ping_failures", "recycles",
)  # fmt: skip
READINGS = {
    "process": ("CPU and memory of the processes", ("at_us", "role", "cpu_us", "pss_bytes")),
    "pool": ("the use of the pools", POOL),
    "database": ("statements and waits of the database", ("at_us", "source", "name", "metric", "value")),
}
WORDS = {"role", "source", "name", "metric"}  # columns of readings that are no numbers


@dataclass(frozen=True)
class Defect:
    """What is wrong, and what cannot be answered therefore; where it is `whole`, nothing about the run's requests.

    `column` names the one column of the rows that is missing or is no such thing.
    """

    what: str
    unanswered: str
    whole: bool = False
    column: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.unanswered} cannot be told"


def of_rows(directory: Path) -> Iterator[Defect]:
    """The defects of a run's request rows."""
    path = directory / STORED
    if not path.exists():
        if not any(directory.glob(STREAMS)):
            yield _whole(f"{STORED} is not there")
        return
    try:
        metadata = pq.read_metadata(path)
        found = metadata.schema.to_arrow_schema()
        nulls, lowest_us = _looked_through(path, found)
    except (OSError, pa.ArrowException):
        yield _whole(f"{STORED} is empty, cut short, damaged or no Parquet")
        return
    if foreign := [f"{name} {_shape(found, name)}" for name in NEEDED if not _of_kind(found, name)]:
        yield _whole(f"{STORED} is not this workbench's ({', '.join(foreign)})")
    elif not metadata.num_rows:
        yield _whole(f"{STORED} has no rows")
    elif nulls:
        told = ", ".join(f"{number:,} of {metadata.num_rows:,} rows without {name}" for name, number in nulls.items())
        yield _whole(f"{STORED} has {told}")
    elif lowest_us < 0:
        yield _whole(f"{STORED} has a request that was answered before it was sent")
    else:
        for name, question in ASKED_OF.items():
            if not _of_kind(found, name):
                yield Defect(f"{STORED}: {name} {_shape(found, name)}", question, column=name)


def _looked_through(path, found):
    """By needed column how many rows lack it, and the lowest latency; every page of the file is read for that."""
    nulls: dict[str, int] = {}
    lowest_us = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            for name in NEEDED:
                if name in found.names and batch.column(name).null_count:
                    nulls[name] = nulls.get(name, 0) + batch.column(name).null_count
            if _of_kind(found, "latency_us") and len(batch):
                lowest_us = min(lowest_us, pc.min(batch.column("latency_us")).as_py() or 0)
    return nulls, lowest_us


def _shape(found, name):
    """What is wrong with a column."""
    return f"is {found.field(name).type}" if name in found.names else "is missing"


def of_readings(directory: Path) -> Iterator[Defect]:
    """The defects of a run's readings."""
    for name, (question, columns) in READINGS.items():
        path = directory / f"{name}.parquet"
        if not path.exists():
            continue
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException):
            yield Defect(f"{path.name} is empty, cut short, damaged or no Parquet", question)
            continue
        wrong = [column for column in columns if column not in table.schema.names]
        wrong += [column for column in set(columns) - WORDS - set(wrong) if not _is_number(table.schema.field(column))]
        if wrong:
            yield Defect(f"{path.name} is not this workbench's (no numbers in {', '.join(sorted(wrong))})", question)


def _whole(what):
    return Defect(what, "anything about its requests", whole=True)


def _of_kind(found, name):
    """Whether a column is there and holds what it should: a number, words, or yes and no."""
    if name not in found.names:
        return False
    wanted, there = SCHEMA.field(name).type, found.field(name).type
    if pa.types.is_integer(wanted):
        return pa.types.is_integer(there)
    return there == wanted or (pa.types.is_string(wanted) and pa.types.is_dictionary(there))


def _is_number(field):
    return pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
