"""A connection pool that says what it does: how long callers wait, and for what.

`TimedPool` is a mixin for SQLAlchemy's pools. The figures live in a `Slot` outside of the pool, because `dispose()`
puts a new pool in the place of the old one. An acquire is the whole of getting a connection; what it does not spend
on creating a connection or on a pre-ping it spends waiting for another caller to give one back.
"""

import logging
import sys
import threading
import time
from types import FrameType

from sqlalchemy import Engine, event, exc
from sqlalchemy.pool import NullPool, Pool, QueuePool

from . import waiting
from .readings import Slot

LONG_HOLD_NS = 5 * 10**9
# Frames of these packages only pass a connection on; who took it is above them.
_PASSING = ("sqlalchemy", "contextlib", "reference_app.database", "reference_app.pool")

log = logging.getLogger(__name__)


class PoolStatistics:
    """Counts what happens in the pools of one engine, in a slot that other processes read.

    `timeout_s` bounds an acquire, pre-ping and connecting included; `answer_s` bounds each of those two. Both act
    only where psycopg2 waits with deadlines (see `waiting`).
    """

    def __init__(self, slot: Slot, timeout_s: float, answer_s: float):
        self.slot = slot
        self.timeout_s = timeout_s
        self.answer_s = answer_s
        self._acquires = threading.local()

    def watch(self, engine: Engine) -> None:
        """Follow the engine's connections and pre-pings; its pool must be a `TimedPool`."""
        engine.pool.statistics = self
        self._recycle_s = engine.pool._recycle
        event.listen(engine, "do_connect", self._create)
        for name, listener in (
            ("connect", self._opened),
            ("close", self._closed),
            ("checkin", self._given_back),
            ("invalidate", self._invalidated),
        ):
            event.listen(engine, name, listener)
        ping = engine.dialect.do_ping
        engine.dialect.do_ping = lambda connection: self._ping(ping, connection)

    def acquire(self, connect):
        """Call the pool's own `connect` and book where its time went."""
        outer, own = getattr(self._acquires, "open", None), Acquire()
        self._acquires.open = own
        with self.slot as slot:
            slot["pending"] += 1
            slot["most_pending"] = max(slot["most_pending"], slot["pending"])
        try:
            with waiting.within(self.timeout_s):
                fairy = connect()
        except BaseException as error:
            self._acquired(own, timed_out=isinstance(error, exc.TimeoutError), taken=False)
            raise
        finally:
            self._acquires.open = outer
        fairy.info["taken"] = (self._acquired(own, timed_out=False, taken=True), _place(sys._getframe(2)))
        return fairy

    def _acquired(self, own, *, timed_out, taken):
        now_ns = time.monotonic_ns()
        acquire_ns = now_ns - own.started_ns
        wait_ns = acquire_ns - own.busy_ns
        with self.slot as slot:
            slot["pending"] -= 1
            slot["acquires"] += 1
            slot["acquire_ns"] += acquire_ns
            slot["wait_ns"] += wait_ns
            slot["longest_wait_ns"] = max(slot["longest_wait_ns"], wait_ns)
            slot["timeouts"] += timed_out
            slot["checked_out"] += taken
            slot["most_checked_out"] = max(slot["most_checked_out"], slot["checked_out"])
        return now_ns

    def _create(self, dialect, record, arguments, parameters):
        """In place of the dialect's own connecting."""
        started_ns = time.monotonic_ns()
        failed = True
        try:
            with waiting.within(self.answer_s):
                connection = dialect.connect(*arguments, **parameters)
            failed = False
            return connection
        finally:
            self._book("create", time.monotonic_ns() - started_ns, failed)

    def _ping(self, ping, connection):
        started_ns = time.monotonic_ns()
        failed = True
        try:
            with waiting.within(self.answer_s):
                answered = ping(connection)
            failed = False
            return answered
        finally:
            self._book("ping", time.monotonic_ns() - started_ns, failed)

    def _book(self, what, took_ns, failed):
        if own := getattr(self._acquires, "open", None):
            own.busy_ns += took_ns
            own.answered_ns = time.monotonic_ns()
        with self.slot as slot:
            slot[f"{what}s"] += 1
            slot[f"{what}_ns"] += took_ns
            slot[f"{what}_failures"] += failed

    def _opened(self, connection, record):
        """After the dialect's own listeners: at its first connection it asks the server this and that."""
        own = getattr(self._acquires, "open", None)
        prepared_ns = time.monotonic_ns() - own.answered_ns if own else 0
        if own:
            own.busy_ns += prepared_ns
        with self.slot as slot:
            slot["open"] += 1
            slot["create_ns"] += prepared_ns

    def _closed(self, connection, record):
        # A connection that is closed on a caller's way to it, and is old enough, was replaced for its age.
        too_old = 0 <= self._recycle_s < time.time() - record.starttime
        with self.slot as slot:
            slot["open"] -= 1
            slot["recycles"] += too_old and getattr(self._acquires, "open", None) is not None

    def _invalidated(self, connection, record, exception):
        with self.slot as slot:
            slot["invalidations"] += 1

    def _given_back(self, connection, record):
        taken = record.info.pop("taken", None)
        if taken is None:
            return  # it never reached a caller
        taken_ns, place = taken
        use_ns = time.monotonic_ns() - taken_ns
        with self.slot as slot:
            slot["checked_out"] -= 1
            slot["uses"] += 1
            slot["use_ns"] += use_ns
            slot["longest_use_ns"] = max(slot["longest_use_ns"], use_ns)
            slot["long_holds"] += use_ns > LONG_HOLD_NS
        if use_ns > LONG_HOLD_NS:
            log.warning("connection held", extra={"held_s": round(use_ns / 1e9, 3), "taken_at": ":".join(place)})


class Acquire:
    """One caller's way to a connection: when it began, the nanoseconds spent on creating and pinging, and when the
    last of these ended."""

    __slots__ = ("answered_ns", "busy_ns", "started_ns")

    def __init__(self):
        self.started_ns = self.answered_ns = time.monotonic_ns()
        self.busy_ns = 0


class TimedPool(Pool):
    """Mixin: put it before a pool class."""

    statistics: PoolStatistics

    def connect(self):
        return self.statistics.acquire(super().connect)

    def recreate(self):
        successor = super().recreate()
        successor.statistics = self.statistics
        return successor


class TimedQueuePool(TimedPool, QueuePool):
    """SQLAlchemy's usual pool, timed."""


class TimedNullPool(TimedPool, NullPool):
    """No pool: a connection for each use, timed."""


def _place(frame: FrameType | None) -> tuple[str, str]:
    """File and line where the application took the connection: of the first caller that is not plumbing."""
    while frame and frame.f_globals.get("__name__", "").startswith(_PASSING):
        frame = frame.f_back
    return (frame.f_code.co_filename, str(frame.f_lineno)) if frame else ("", "")
