"""What the monitor shows of each worker beside its counters: one file that the workers and the monitor map into memory.

A worker writes the section of its number and nothing else. A section has a fixed size:

| part | content |
| --- | --- |
| fields | 64-bit integers, see `FIELDS`, and the durations of statements |
| routes | a row for each method, route and status: its durations, and the last request in each bucket |
| slow requests | the slowest of this minute and of the minute before |
| slow statements | the last ones, in a ring |

The first integer is odd while a worker writes, so that a reader never takes half an update. Times of day are
microseconds since 1970. The file is beside that of `worker_metrics`, whose layout other versions of the application
read.
"""

import mmap
import struct
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# Bounds of OpenTelemetry's semantic conventions for http.server.request.duration and db.client.operation.duration.
REQUEST_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
STATEMENT_BOUNDS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
REQUEST_BUCKETS, STATEMENT_BUCKETS = len(REQUEST_BOUNDS_S) + 1, len(STATEMENT_BOUNDS_S) + 1
REQUEST_BOUNDS_US = tuple(round(1e6 * bound) for bound in REQUEST_BOUNDS_S)
STATEMENT_BOUNDS_US = tuple(round(1e6 * bound) for bound in STATEMENT_BOUNDS_S)
MAX_ROUTES, MAX_SLOW_REQUESTS, MAX_SLOW_STATEMENTS = 64, 16, 16
GENERATIONS = 2  # of slow requests: this minute, and the one before
ID_BYTES, ROUTE_BYTES, TEXT_BYTES = 64, 128, 1024
UNKNOWN = -1

FIELDS = ("version", "pid", "started_us", "active", "routes", "generation", "slow_statements", "statement_us")
VERSION, PID, STARTED_US, ACTIVE, ROUTES, GENERATION, SLOW_STATEMENTS, STATEMENT_US = range(len(FIELDS))
FIRST_STATEMENT_BUCKET = len(FIELDS)

EXEMPLAR = struct.Struct(f"<qq{ID_BYTES}s")  # duration, time of day, id of the request
SLOW_REQUEST = struct.Struct(f"<qqqqqq{ID_BYTES}s")  # duration, time of day, route, queue, pool, database, id
SLOW_STATEMENT = struct.Struct(f"<qq{ID_BYTES}s{TEXT_BYTES}s")  # duration, time of day, id, text
ROUTE_NAME = struct.Struct(f"<{ROUTE_BYTES}s")

# Where the parts are in a section, and the parts of a route in its row, in bytes.
_ROUTES_AT = 8 * (len(FIELDS) + STATEMENT_BUCKETS)
_ROUTE_SUM_AT = ROUTE_BYTES
_ROUTE_COUNTS_AT = _ROUTE_SUM_AT + 8
_ROUTE_EXEMPLARS_AT = _ROUTE_COUNTS_AT + 8 * REQUEST_BUCKETS
_ROUTE_SIZE = _ROUTE_EXEMPLARS_AT + EXEMPLAR.size * REQUEST_BUCKETS
_SLOW_REQUESTS_AT = _ROUTES_AT + _ROUTE_SIZE * MAX_ROUTES
_SLOW_STATEMENTS_AT = _SLOW_REQUESTS_AT + SLOW_REQUEST.size * GENERATIONS * MAX_SLOW_REQUESTS
SECTION_BYTES = _SLOW_STATEMENTS_AT + SLOW_STATEMENT.size * MAX_SLOW_STATEMENTS

HEADER = f"monitor file of {SECTION_BYTES} bytes a worker".encode().ljust(63) + b"\n"
READ_ATTEMPTS = 100


class MonitorFileError(Exception):
    """The file is none of the monitor's; the message names it."""


def route_name_at(row: int) -> int:
    """Where the name of a route begins in a section."""
    return _ROUTES_AT + _ROUTE_SIZE * row


def route_sum_place(row: int) -> int:
    """The place, among the integers of a section, of the sum of a route's durations; its buckets follow."""
    return (route_name_at(row) + _ROUTE_SUM_AT) // 8


def exemplar_at(row: int, bucket: int) -> int:
    """Where the last request in a bucket of a route begins in a section."""
    return route_name_at(row) + _ROUTE_EXEMPLARS_AT + EXEMPLAR.size * bucket


def slow_request_at(generation: int, number: int) -> int:
    """Where a slow request begins in a section."""
    return _SLOW_REQUESTS_AT + SLOW_REQUEST.size * (generation % GENERATIONS * MAX_SLOW_REQUESTS + number)


def slow_statement_at(number: int) -> int:
    """Where a slow statement begins in a section; `number` counts from 0 since the worker started."""
    return _SLOW_STATEMENTS_AT + SLOW_STATEMENT.size * (number % MAX_SLOW_STATEMENTS)


class Exemplar(NamedTuple):
    """The last request that fell into a bucket."""

    duration_us: int
    at_us: int
    request_id: str


class Route(NamedTuple):
    """The requests of one method, route and status: durations by bucket, and the last request in each."""

    method: str
    route: str
    status: int
    duration_us: int
    buckets: tuple[int, ...]
    exemplars: tuple[Exemplar | None, ...]

    @property
    def total(self) -> int:
        """The number of requests."""
        return sum(self.buckets)


class SlowRequest(NamedTuple):
    """One of the slowest requests of its minute; the parts of its time are None where it was not timed."""

    duration_us: int
    at_us: int
    route: str
    queue_us: int | None
    pool_us: int | None
    db_us: int | None
    request_id: str


class SlowStatement(NamedTuple):
    """A statement that took longer than the threshold, without its parameters."""

    duration_us: int
    at_us: int
    request_id: str
    text: str


@dataclass(frozen=True)
class WorkerRequests:
    """What a worker wrote into its section."""

    pid: int
    started_us: int
    active: int
    routes: tuple[Route, ...]
    statement_buckets: tuple[int, ...]
    statement_us: int
    slow_requests: tuple[SlowRequest, ...]
    slow_statements: tuple[SlowStatement, ...]


class MonitorFile:
    """The mapped file: one section a worker, in the order of the workers' numbers."""

    def __init__(self, file: mmap.mmap, offset: int = 0):
        """`offset` is where the sections begin in the file."""
        view = memoryview(file)
        self._sections = [view[at : at + SECTION_BYTES] for at in range(offset, len(file), SECTION_BYTES)]

    @classmethod
    def create(cls, path: Path, sections: int) -> "MonitorFile":
        """Create a file with so many sections, in the place of an older one.

        The parts that no worker writes take no room on the disk.
        """
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        with path.open("r+b") as file:
            file.write(HEADER)
            file.truncate(len(HEADER) + SECTION_BYTES * sections)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "MonitorFile":
        """Map an existing file. Raises `MonitorFileError` if it is another kind of file."""
        with path.open("r+b") as file:
            if file.readline(len(HEADER)) != HEADER:
                raise MonitorFileError(f"{path} is not a monitor file of this version")
            return cls(mmap.mmap(file.fileno(), 0), len(HEADER))

    @classmethod
    def private(cls) -> "MonitorFile":
        """One section that no other process sees."""
        return cls(mmap.mmap(-1, SECTION_BYTES))

    @property
    def sections(self) -> int:
        """The number of sections."""
        return len(self._sections)

    def section(self, worker: int) -> memoryview:
        """The section of a worker, in bytes; raises `IndexError` for a worker that has none."""
        return self._sections[worker]

    def read(self) -> dict[int, WorkerRequests]:
        """What the workers wrote, by worker; sections without a worker are left out."""
        copies = ((worker, _consistent_copy(section)) for worker, section in enumerate(self._sections))
        return {worker: parse(copy) for worker, copy in copies if copy}

    def clear(self, worker: int) -> None:
        """Mark the section as one without a worker."""
        if worker < len(self._sections):
            self._sections[worker][:] = bytes(SECTION_BYTES)


def companion(metrics_file: str) -> Path:
    """The monitor file that belongs to a file of `worker_metrics`."""
    return Path(f"{metrics_file}.monitor")


def request_bucket(duration_us: int) -> int:
    """The bucket of a request's duration."""
    return bisect_left(REQUEST_BOUNDS_US, duration_us)


def statement_bucket(duration_us: int) -> int:
    """The bucket of a statement's duration."""
    return bisect_left(STATEMENT_BOUNDS_US, duration_us)


def _consistent_copy(section: memoryview) -> bytes:
    """The section between two updates; after a kill during an update, as it was left. Empty without a worker."""
    integers = section[: 8 * len(FIELDS)].cast("q")
    for _ in range(READ_ATTEMPTS):
        version = integers[VERSION]
        if not integers[PID]:
            return b""
        copy = bytes(section)
        if version % 2 == 0 and integers[VERSION] == version:
            break
    return copy


def parse(section: bytes) -> WorkerRequests:
    """The content of a section."""
    fields = struct.unpack_from(f"<{len(FIELDS) + STATEMENT_BUCKETS}q", section)
    routes = tuple(_route(section, row) for row in range(min(fields[ROUTES], MAX_ROUTES)))
    names = [f"{route.method} {route.route}" for route in routes]
    generations = range(max(0, fields[GENERATION] - 1), fields[GENERATION] + 1)
    slow = [_slow_request(section, each, number, names) for each in generations for number in range(MAX_SLOW_REQUESTS)]
    last = fields[SLOW_STATEMENTS]
    statements = (_slow_statement(section, number) for number in range(max(0, last - MAX_SLOW_STATEMENTS), last))
    return WorkerRequests(
        fields[PID], fields[STARTED_US], fields[ACTIVE], routes, fields[FIRST_STATEMENT_BUCKET:], fields[STATEMENT_US],
        tuple(request for request in slow if request), tuple(statements),
    )  # fmt: skip


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")


def _route(section: bytes, row: int) -> Route:
    (name,) = ROUTE_NAME.unpack_from(section, route_name_at(row))
    method, status, route = _text(name).split(" ", 2)
    total_us, *buckets = struct.unpack_from(f"<{1 + REQUEST_BUCKETS}q", section, 8 * route_sum_place(row))
    exemplars = tuple(_exemplar(section, row, bucket) for bucket in range(REQUEST_BUCKETS))
    return Route(method, route, int(status), total_us, tuple(buckets), exemplars)


def _exemplar(section: bytes, row: int, bucket: int) -> Exemplar | None:
    duration_us, at_us, request_id = EXEMPLAR.unpack_from(section, exemplar_at(row, bucket))
    return Exemplar(duration_us, at_us, _text(request_id)) if at_us else None


def _slow_request(section: bytes, generation: int, number: int, names: list[str]) -> SlowRequest | None:
    place = slow_request_at(generation, number)
    duration_us, at_us, row, *parts_us, request_id = SLOW_REQUEST.unpack_from(section, place)
    if not at_us or row >= len(names):
        return None
    queue_us, pool_us, db_us = (None if part == UNKNOWN else part for part in parts_us)
    return SlowRequest(duration_us, at_us, names[row], queue_us, pool_us, db_us, _text(request_id))


def _slow_statement(section: bytes, number: int) -> SlowStatement:
    duration_us, at_us, request_id, text = SLOW_STATEMENT.unpack_from(section, slow_statement_at(number))
    return SlowStatement(duration_us, at_us, _text(request_id), _text(text))
