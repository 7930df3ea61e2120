"""What is wrong with the files of a run, and which questions cannot be answered for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .stream import SCHEMA, STREAMS

STORED = "requests.parquet"
NEEDED = ("endpoint", "phase", "start_us", "latency_us", "ok")  # without them no question about requests has an answer
ASKED_OF = {
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
READINGS = {
    "process": "CPU and memory of the processes",
    "pool": "the use of the pools",
    "database": "statements and waits of the database",
}


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
    except (OSError, pa.ArrowException):
        yield _whole(f"{STORED} is empty, cut short or no Parquet")
        return
    found = metadata.schema.to_arrow_schema()
    if foreign := [name for name in NEEDED if name not in found.names or not _of_kind(found, name)]:
        yield _whole(f"{STORED} is not this workbench's, as it has no {', '.join(foreign)}")
    elif not metadata.num_rows:
        yield _whole(f"{STORED} has no rows")
    for name, question in ASKED_OF.items():
        if name not in found.names or not _of_kind(found, name):
            yield Defect(f"{STORED} has no column {name}", question, column=name)


def of_readings(directory: Path) -> Iterator[Defect]:
    """The defects of a run's readings."""
    for name, question in READINGS.items():
        path = directory / f"{name}.parquet"
        if path.exists():
            try:
                pq.read_metadata(path)
            except (OSError, pa.ArrowException):
                yield Defect(f"{path.name} is empty, cut short or no Parquet", question)


def _whole(what):
    return Defect(what, "anything about its requests", whole=True)


def _of_kind(found, name):
    """Whether a column holds what it should: a number, words, or yes and no."""
    wanted, there = SCHEMA.field(name).type, found.field(name).type
    if pa.types.is_integer(wanted):
        return pa.types.is_integer(there)
    return there == wanted or (pa.types.is_string(wanted) and pa.types.is_dictionary(there))
