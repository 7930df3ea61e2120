"""Writes the section of one worker in the monitor file: one change at a time, which its caller sees to.

What was counted is kept here too, because to write an integer into memory takes a third of the time of reading it there
and adding to it.
"""

import os
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sized
from typing import NamedTuple

from . import monitor_file
from .monitor_file import (
    ACTIVE,
    EXEMPLAR,
    FIRST_STATEMENT_BUCKET,
    GENERATION,
    MAX_ROUTES,
    MAX_SLOW_REQUESTS,
    PID,
    REQUEST_BOUNDS_US,
    REQUEST_BUCKETS,
    ROUTE_NAME,
    ROUTES,
    SECTION_BYTES,
    SLOW_REQUEST,
    SLOW_STATEMENT,
    SLOW_STATEMENTS,
    STARTED_US,
    STATEMENT_BOUNDS_US,
    STATEMENT_BUCKETS,
    STATEMENT_US,
    UNKNOWN,
    VERSION,
    SlowStatement,
)
from .server_timing import Timing

GENERATION_NS = 60 * 10**9
EXEMPLAR_NS = 10**9  # the age from which the last request in a bucket is replaced; scrapes are seconds apart
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER_METHOD = "_OTHER"  # OpenTelemetry's word for a method that is not known
OTHER_ROUTE = "other"  # of all requests for which there is no row left
REQUEST_ID = "X-Request-ID"
MAX_KNOWN = 4 * MAX_ROUTES

RouteKey = tuple[str, str, int]
NO_ROW: RouteKey = (OTHER_METHOD, OTHER_ROUTE, 0)
Headers = Iterable[tuple[str, str]]
RequestKey = tuple[str, str, str | int]  # method, route, and status or status line
# With the duration in µs, the monotonic end in ns, the request's id or the headers of the response that have it, and
# its timing. A tuple, because every request pays for it.
RecordedRequest = tuple[RequestKey, int, int, str | Headers, Timing | None]


class RouteRow(NamedTuple):
    """A route's row: its number, its first place, the count of each bucket and then the sum, when exemplars are due."""

    number: int
    place: int
    counts: list[int]
    due_ns: list[int]


class SectionWriter:
    """One worker's section; one thread at a time may write. Readers take no change by half."""

    def __init__(self, section: memoryview):
        section[:] = bytes(SECTION_BYTES)
        self._section = section
        self.integers = section[: SECTION_BYTES // 8 * 8].cast("q")
        self._version = 0
        self._rows: dict[RouteKey, RouteRow] = {}
        self._known: dict[RequestKey, RouteRow] = {}  # by what requests bring
        self._slowest: list[int] = []  # durations of the slow requests of this minute, by their number
        self._min_slow_us = 0
        self._generation_end_ns = 0
        self._statements = [0] * STATEMENT_BUCKETS
        self._statements_ns = 0
        self.integers[STARTED_US] = time.time_ns() // 1000
        self.integers[PID] = os.getpid()  # last: the section now has a worker

    def write(
        self,
        requests: deque[RecordedRequest],
        statements_ns: deque[int],
        slow_statements: deque[SlowStatement],
        active: Sized,
    ) -> None:
        """Write what the queues have, and the number of the active requests, in one change."""
        integers = self.integers
        self._version = version = self._version + 2
        integers[VERSION] = version - 1
        try:
            while requests:
                self._write_request(*requests.popleft())
            while statements_ns:
                self._write_statement(statements_ns.popleft())
            while slow_statements:
                self._write_slow_statement(slow_statements.popleft())
        finally:
            integers[ACTIVE] = len(active)
            integers[VERSION] = version

    def _write_request(
        self, key: RequestKey, duration_us: int, ended_ns: int, request_id: str | Headers, timing: Timing | None
    ) -> None:
        """Count a request; keep its id if it is slow, or if the last exemplar of its bucket is old."""
        number, place, counts, due_ns = self._known.get(key) or self._row(*key)
        bucket = bisect_left(REQUEST_BOUNDS_US, duration_us)
        integers = self.integers
        counts[bucket] = count = counts[bucket] + 1
        counts[-1] = sum_us = counts[-1] + duration_us
        integers[place] = sum_us
        integers[place + 1 + bucket] = count
        if ended_ns >= due_ns[bucket]:
            due_ns[bucket] = ended_ns + EXEMPLAR_NS
            at = monitor_file.exemplar_at(number, bucket)
            EXEMPLAR.pack_into(self._section, at, duration_us, time.time_ns() // 1000, _id(request_id))
        if duration_us > self._min_slow_us or ended_ns > self._generation_end_ns:
            self._write_slow(number, duration_us, ended_ns, _id(request_id), timing)

    def _row(self, method: str, route: str, status: str | int) -> RouteRow:
        """The row of a method, route and status; the last row is for all that find none."""
        known_method = method if method in METHODS else OTHER_METHOD
        key = (known_method, route, int(str(status)[:3]))
        row = self._rows.get(key) or self._new_row(key)
        if known_method == method and len(self._known) < MAX_KNOWN:  # clients make up any number of others
            self._known[method, route, status] = row
        return row

    def _new_row(self, key: RouteKey) -> RouteRow:
        number = self.integers[ROUTES]
        if number >= MAX_ROUTES - 1:
            number, key = MAX_ROUTES - 1, NO_ROW
        if key not in self._rows:
            place = monitor_file.route_sum_place(number)
            self._rows[key] = RouteRow(number, place, [0] * (REQUEST_BUCKETS + 1), [0] * REQUEST_BUCKETS)
            method, route, status = key
            name = f"{method} {status} {route}".encode()
            ROUTE_NAME.pack_into(self._section, monitor_file.route_name_at(number), name)
            self.integers[ROUTES] = number + 1
        return self._rows[key]

    def _write_slow(self, row: int, duration_us: int, ended_ns: int, request_id: bytes, timing: Timing | None) -> None:
        if ended_ns > self._generation_end_ns:
            self._begin_generation(ended_ns)
        number = len(self._slowest)
        if number < MAX_SLOW_REQUESTS:
            self._slowest.append(duration_us)
        else:
            number = self._slowest.index(min(self._slowest))
            self._slowest[number] = duration_us
        if len(self._slowest) == MAX_SLOW_REQUESTS:
            self._min_slow_us = min(self._slowest)
        at = monitor_file.slow_request_at(self.integers[GENERATION], number)
        parts_us = timing.parts_us() if timing else (UNKNOWN, UNKNOWN, UNKNOWN)
        SLOW_REQUEST.pack_into(self._section, at, duration_us, time.time_ns() // 1000, row, *parts_us, request_id)

    def _begin_generation(self, ended_ns: int) -> None:
        """Begin to collect the slowest requests anew; after a pause of a minute those before it are forgotten."""
        is_next = ended_ns <= self._generation_end_ns + GENERATION_NS
        generation = self.integers[GENERATION] + 1
        self.integers[GENERATION] = generation
        for each in (generation,) if is_next else (generation, generation - 1):
            start = monitor_file.slow_request_at(each, 0)
            size = SLOW_REQUEST.size * MAX_SLOW_REQUESTS
            self._section[start : start + size] = bytes(size)
        self._generation_end_ns = ended_ns + GENERATION_NS
        self._slowest, self._min_slow_us = [], UNKNOWN

    def _write_statement(self, duration_ns: int) -> None:
        """Count a statement."""
        bucket = bisect_left(STATEMENT_BOUNDS_US, duration_ns // 1000)
        self._statements[bucket] = count = self._statements[bucket] + 1
        self._statements_ns = sum_ns = self._statements_ns + duration_ns
        self.integers[FIRST_STATEMENT_BUCKET + bucket] = count
        self.integers[STATEMENT_US] = sum_ns // 1000

    def _write_slow_statement(self, slow: SlowStatement) -> None:
        """Keep a slow statement; the oldest one makes room for it."""
        at = monitor_file.slow_statement_at(self.integers[SLOW_STATEMENTS])
        SLOW_STATEMENT.pack_into(
            self._section, at, slow.duration_us, slow.at_us, slow.request_id.encode(), slow.text.encode()
        )
        self.integers[SLOW_STATEMENTS] += 1


def _id(source: str | Headers) -> bytes:
    """The id of a request, or of the headers that have it; empty without one."""
    if isinstance(source, str):
        return source.encode()
    return next((value.encode() for name, value in source if name == REQUEST_ID), b"")
