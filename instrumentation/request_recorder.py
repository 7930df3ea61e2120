"""What a worker writes into its section of the monitor file, for each request and each statement.

Every request pays for it, so the usual request takes some ten writes of integers under one lock. Only a request that
is among the slowest of its minute, and a statement above the threshold, take more.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from . import monitor_file
from .monitor_file import (
    ACTIVE,
    EXEMPLAR,
    FIRST_STATEMENT_BUCKET,
    GENERATION,
    MAX_ROUTES,
    MAX_SLOW_REQUESTS,
    PID,
    ROUTE_NAME,
    ROUTES,
    SECTION_BYTES,
    SLOW_REQUEST,
    SLOW_STATEMENT,
    SLOW_STATEMENTS,
    STARTED_US,
    STATEMENT_US,
    UNKNOWN,
    VERSION,
    request_bucket,
    statement_bucket,
)
from .server_timing import Timing
from .statement_text import without_values

SLOW_STATEMENT_US = 500_000
GENERATION_US = 60 * 10**6
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER_METHOD = "_OTHER"  # OpenTelemetry's word for a method that is not known
OTHER_ROUTE = "other"  # of all requests for which there is no row left

RouteKey = tuple[str, str, int]
NO_ROW: RouteKey = (OTHER_METHOD, OTHER_ROUTE, 0)


class RequestRecorder:
    """Records the requests and statements of one worker in its section."""

    def __init__(self, section: memoryview, request_id: Callable[[], str] = str):
        """`request_id` gives the id of the request that is being served, for a slow statement."""
        self._request_id = request_id
        self.move_to(section)

    def move_to(self, section: memoryview) -> None:
        """Record in another section from now on; what was recorded before stays in the old one."""
        section[:] = bytes(SECTION_BYTES)
        self._section = section
        self._integers = section[: SECTION_BYTES // 8 * 8].cast("q")
        self._lock = threading.RLock()  # a statement may be executed by a destructor, within a change
        self._rows: dict[RouteKey, int] = {}
        self._slowest: list[int] = []  # durations of the slow requests of this minute, by their number
        self._min_slow_us = 0
        self._generation_end_us = 0
        self._integers[STARTED_US] = time.time_ns() // 1000
        self._integers[PID] = os.getpid()  # last: the section now has a worker

    def begin(self) -> None:
        """Count a request that is being served."""
        with self._lock:
            self._integers[ACTIVE] += 1

    def end(self) -> None:
        """Forget a request that was being served."""
        with self._lock:
            self._integers[ACTIVE] -= 1

    def record(
        self, method: str, route: str, status: int, duration_us: int, request_id: str, timing: Timing | None = None
    ) -> None:
        """Record the response to a request.

        `route` is the rule that it matched, not its path: "" where it matched none. `duration_us` is its time in the
        application.
        """
        key = (method if method in METHODS else OTHER_METHOD, route, status)
        integers, at_us = self._integers, time.time_ns() // 1000
        bucket = request_bucket(duration_us)
        with self._lock:
            integers[VERSION] |= 1
            row = self._rows.get(key)
            if row is None:
                row = self._row(key)
            place = monitor_file.route_sum_place(row)
            integers[place] += duration_us
            integers[place + 1 + bucket] += 1
            EXEMPLAR.pack_into(
                self._section, monitor_file.exemplar_at(row, bucket), duration_us, at_us, request_id.encode()
            )
            if duration_us > self._min_slow_us or at_us > self._generation_end_us:
                self._record_slow(row, duration_us, at_us, request_id, timing)
            integers[VERSION] += 1

    def _row(self, key: RouteKey) -> int:
        """The row of a method, route and status; the last row is for all that find none."""
        row = self._integers[ROUTES]
        if row >= MAX_ROUTES - 1:
            self._rows[key] = row = MAX_ROUTES - 1
            key = NO_ROW
        self._rows[key] = row
        method, route, status = key
        ROUTE_NAME.pack_into(self._section, monitor_file.route_name_at(row), f"{method} {status} {route}".encode())
        self._integers[ROUTES] = row + 1
        return row

    def _record_slow(self, row: int, duration_us: int, at_us: int, request_id: str, timing: Timing | None) -> None:
        integers = self._integers
        if at_us > self._generation_end_us:
            self._begin_generation(at_us)
        number = len(self._slowest)
        if number < MAX_SLOW_REQUESTS:
            self._slowest.append(duration_us)
        else:
            number = self._slowest.index(min(self._slowest))
            self._slowest[number] = duration_us
        if len(self._slowest) == MAX_SLOW_REQUESTS:
            self._min_slow_us = min(self._slowest)
        place = monitor_file.slow_request_at(integers[GENERATION], number)
        parts_us = timing.parts_us() if timing else (UNKNOWN, UNKNOWN, UNKNOWN)
        SLOW_REQUEST.pack_into(self._section, place, duration_us, at_us, row, *parts_us, request_id.encode())

    def _begin_generation(self, at_us: int) -> None:
        """Begin to collect the slowest requests anew; after a pause of a minute those before it are forgotten."""
        is_next = at_us <= self._generation_end_us + GENERATION_US
        generation = self._integers[GENERATION] + 1
        self._integers[GENERATION] = generation
        for each in (generation,) if is_next else (generation, generation - 1):
            start = monitor_file.slow_request_at(each, 0)
            size = SLOW_REQUEST.size * MAX_SLOW_REQUESTS
            self._section[start : start + size] = bytes(size)
        self._generation_end_us = at_us + GENERATION_US
        self._slowest, self._min_slow_us = [], UNKNOWN

    def record_statement(self, duration_us: int, text: str) -> None:
        """Record a statement that was executed; the text of a slow one is kept, without values."""
        integers = self._integers
        with self._lock:
            integers[FIRST_STATEMENT_BUCKET + statement_bucket(duration_us)] += 1
            integers[STATEMENT_US] += duration_us
        if duration_us > SLOW_STATEMENT_US:
            self._record_slow_statement(duration_us, without_values(text))

    def _record_slow_statement(self, duration_us: int, text: str) -> None:
        request_id = self._request_id().encode()
        with self._lock:
            self._integers[VERSION] |= 1
            place = monitor_file.slow_statement_at(self._integers[SLOW_STATEMENTS])
            at_us = time.time_ns() // 1000
            SLOW_STATEMENT.pack_into(self._section, place, duration_us, at_us, request_id, text.encode())
            self._integers[SLOW_STATEMENTS] += 1
            self._integers[VERSION] += 1

    def watch(self, engine: Engine) -> None:
        """Time the statements that the engine executes.

        The dialect's method is replaced, because listeners to events would cost each statement several times as much.
        """
        dialect: Any = engine.dialect
        for name in ("do_execute", "do_execute_no_params", "do_executemany"):
            setattr(dialect, name, self._timed(getattr(dialect, name)))

    def _timed(self, execute: Callable[..., None]) -> Callable[..., None]:
        clock, record = time.monotonic_ns, self.record_statement

        def timed(cursor: Any, statement: str, *arguments: Any, **options: Any) -> None:
            started_ns = clock()
            try:
                execute(cursor, statement, *arguments, **options)
            finally:
                record((clock() - started_ns) // 1000, statement)

        return timed
