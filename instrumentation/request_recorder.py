"""Records the requests and statements of one worker for the monitor.

Every request pays for it. So a thread only appends what it has to record to a queue, which needs no lock, and the end
of a request writes all that is queued. One thread at a time writes; one that finds another writing leaves it to that.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from .monitor_file import ACTIVE, SlowStatement
from .section_writer import Headers, RecordedRequest, SectionWriter
from .server_timing import Timing
from .statement_text import without_values

Execute = Callable[..., None]

SLOW_STATEMENT_NS = 500_000_000
MAX_QUEUED_STATEMENTS = 100


class RequestRecorder:
    """Records the requests and statements of one worker in its section.

    Appending to, and taking from, lists and deques is atomic. Nothing waits for `_lock`: a destructor may execute a
    statement within a change, and then leaves it in the queue.
    """

    def __init__(self, section: memoryview, request_id: Callable[[], str] = str):
        """`request_id` gives the id of the request that is being served, for a slow statement."""
        self._request_id = request_id
        self._active: list[None] = []  # one for each request that is being served
        self._requests: deque[RecordedRequest] = deque()
        self._statements_ns: deque[int] = deque()
        self._slow_statements: deque[SlowStatement] = deque()
        self.move_to(section)

    def move_to(self, section: memoryview) -> None:
        """Record in another section from now on; what was recorded before stays in the old one."""
        for queue in (self._active, self._requests, self._statements_ns, self._slow_statements):
            queue.clear()
        self._lock = threading.Lock()
        self._writer = SectionWriter(section)

    def begin(self) -> None:
        """Count a request that is being served."""
        active, integers = self._active, self._writer.integers
        active.append(None)
        while integers[ACTIVE] != len(active):  # again if another thread began or ended one meanwhile
            integers[ACTIVE] = len(active)

    def end(self) -> None:
        """Forget a request that was being served, and write what is queued."""
        if self._active:
            self._active.pop()
        self._write_queued()

    def record(
        self,
        method: str,
        route: str,
        status: str | int,
        duration_us: int,
        request_id: str | Headers,
        timing: Timing | None = None,
        ended_ns: int | None = None,
    ) -> None:
        """Record the response to a request; it is written when the request ends.

        `route` is the rule that it matched, not its path: "" where it matched none. `status` may be the line of the
        status. `duration_us` is its time in the application, `ended_ns` the monotonic time of its end, by default now.
        `request_id` may be the headers of the response that have it: they are searched only if it is shown.
        """
        if ended_ns is None:
            ended_ns = time.monotonic_ns()
        self._requests.append(((method, route, status), duration_us, ended_ns, request_id, timing))
        if not self._active:
            self._write_queued()

    def _write_queued(self) -> None:
        """Write all that is queued, unless another thread does so: that one looks again after its writing."""
        lock, writer, requests, statements_ns = self._lock, self._writer, self._requests, self._statements_ns
        while lock.acquire(False):
            try:
                writer.write(requests, statements_ns, self._slow_statements, self._active)
            finally:
                lock.release()
            if not (requests or statements_ns) and writer.integers[ACTIVE] == len(self._active):
                return

    def record_statement(self, duration_ns: int, text: str) -> None:
        """Record a statement that was executed; the text of a slow one is kept, without values."""
        if duration_ns > SLOW_STATEMENT_NS:
            at_us = time.time_ns() // 1000
            slow = SlowStatement(duration_ns // 1000, at_us, self._request_id(), without_values(text))
            self._slow_statements.append(slow)
        self._statements_ns.append(duration_ns)
        if duration_ns > SLOW_STATEMENT_NS or not self._active or len(self._statements_ns) > MAX_QUEUED_STATEMENTS:
            self._write_queued()

    def watch(self, engine: Engine) -> None:
        """Time the statements that the engine executes.

        The dialect's method is replaced, because listeners to events would cost each statement several times as much.
        """
        dialect: Any = engine.dialect
        dialect.do_execute = self._timed(dialect.do_execute)
        dialect.do_executemany = self._timed(dialect.do_executemany)
        execute = dialect.do_execute_no_params
        timed = self._timed(lambda cursor, statement, _, context: execute(cursor, statement, context))
        dialect.do_execute_no_params = lambda cursor, statement, context=None: timed(cursor, statement, None, context)

    def _timed(self, execute: Execute) -> Execute:
        """`execute` with its time recorded. Its arguments have names, as to pass on any would cost as much again."""
        clock, record = time.monotonic_ns, self.record_statement

        def timed(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
            started_ns = clock()
            try:
                execute(cursor, statement, parameters, context)
            finally:
                record(clock() - started_ns, statement)

        return timed
