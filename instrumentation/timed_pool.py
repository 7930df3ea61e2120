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

from . import deadlines
from .worker_metrics import FIELDS, POOL_FIELDS, Slot

LONG_HOLD_NS = 5 * 10**9
# Frames of these packages only pass a connection on; who took it is above them.
_PASSING = ("sqlalchemy", "contextlib", "reference_app.database", "instrumentation.timed_pool")
_is_passing: dict[str, bool] = {}  # by module

# Places in a slot: numbers instead of names, because each request writes them some twenty times.
(
    SIZE, LIMIT, OPEN, CHECKED_OUT, PENDING, MOST_CHECKED_OUT, MOST_PENDING,
    ACQUIRES, WAIT_NS, LONGEST_WAIT_NS, USES, USE_NS, LONGEST_USE_NS,
    CREATES, CREATE_NS, CREATE_FAILURES, PINGS, PING_NS, PING_FAILURES,
    TIMEOUTS, INVALIDATIONS, RECYCLES, LONG_HOLDS,
) = map(FIELDS.index, POOL_FIELDS)  # fmt: skip
VERSION = FIELDS.index("version")

log = logging.getLogger(__name__)


class PoolStatistics:
    """Counts what happens in the pools of one engine, in a slot that other processes read.

    `timeout_s` bounds an acquire, pre-ping and connecting included, and `answer_s` each of those two, where psycopg2
    waits with deadlines (see `waiting`); None leaves them to others.
    """

    def __init__(self, slot: Slot, timeout_s: float | None, answer_s: float | None):
        self._memory = slot.memory
        self._lock = slot.lock
        self._whole = timeout_s and deadlines.Limit(timeout_s)
        self._each = answer_s and deadlines.Limit(answer_s)
        self._own = threading.local()

    def watch(self, engine: Engine) -> None:
        """Follow the engine's connections and pre-pings; its pool must be a `TimedPool`."""
        engine.pool.statistics = self
        self._memory[SIZE], self._memory[LIMIT] = _size_and_limit(engine.pool)
        self._recycle_s = engine.pool._recycle
        for name, listener in (
            ("connect", self._opened),
            ("close", self._closed),
            ("checkin", self._given_back),
            ("invalidate", self._invalidated),
            ("detach", self._detached),
        ):
            event.listen(engine, name, listener)
        # Not by the event do_connect: a listener to it makes every statement of the engine look for listeners.
        creator = engine.pool._creator
        engine.pool._creator = lambda record: self._create(creator, record)
        self._driver_ping = engine.dialect.do_ping
        engine.dialect.do_ping = self._ping

    def acquire(self, connect):
        """Call the pool's own `connect` and book where its time went."""
        outer = getattr(self._own, "acquire", None)
        own = self._own.acquire = Acquire()
        memory = self._memory
        with self._lock:  # a single figure needs no version
            memory[PENDING] = pending = memory[PENDING] + 1
            if pending > memory[MOST_PENDING]:
                memory[MOST_PENDING] = pending
        try:
            fairy = _within(self._whole, connect) if self._whole else connect()
        except BaseException as error:
            self._acquired(own, taken=0, timed_out=isinstance(error, exc.TimeoutError))
            raise
        finally:
            self._own.acquire = outer
        taken_ns = self._acquired(own, taken=1, timed_out=False)
        fairy._connection_record.info["taken"] = taken_ns, _place(sys._getframe(2))
        return fairy

    def _acquired(self, own, taken, timed_out):
        """Book a whole acquire at once; the time at which it ended."""
        now_ns = time.monotonic_ns()
        wait_ns = now_ns - own.started_ns - own.create_ns - own.ping_ns
        memory = self._memory
        with self._lock:
            memory[VERSION] |= 1
            memory[PENDING] -= 1
            memory[ACQUIRES] += 1
            memory[WAIT_NS] += wait_ns
            if wait_ns > memory[LONGEST_WAIT_NS]:
                memory[LONGEST_WAIT_NS] = wait_ns
            if timed_out:
                memory[TIMEOUTS] += 1
            memory[CHECKED_OUT] = checked_out = memory[CHECKED_OUT] + taken
            if checked_out > memory[MOST_CHECKED_OUT]:
                memory[MOST_CHECKED_OUT] = checked_out
            if own.pings:
                memory[PINGS] += own.pings
                memory[PING_NS] += own.ping_ns
                memory[PING_FAILURES] += own.ping_failures
            if own.creates:
                memory[CREATES] += own.creates
                memory[CREATE_NS] += own.create_ns
                memory[CREATE_FAILURES] += own.create_failures
            memory[VERSION] += 1
        return now_ns

    def _create(self, creator, record):
        own = self._own.acquire
        own.creates += 1
        started_ns = time.monotonic_ns()
        try:
            return _within(self._each, creator, record) if self._each else creator(record)
        except BaseException:
            own.create_failures += 1
            raise
        finally:
            own.created_ns = time.monotonic_ns()
            own.create_ns += own.created_ns - started_ns

    def _ping(self, connection):
        own = self._own.acquire
        own.pings += 1
        started_ns = time.monotonic_ns()
        try:
            return _within(self._each, self._driver_ping, connection) if self._each else self._driver_ping(connection)
        except BaseException:
            own.ping_failures += 1
            raise
        finally:
            own.ping_ns += time.monotonic_ns() - started_ns

    def _opened(self, connection, record):
        """After the dialect's own listeners: at its first connection it asks the server this and that."""
        own = self._own.acquire
        own.create_ns += time.monotonic_ns() - own.created_ns
        self._add(OPEN, 1)

    def _closed(self, connection, record):
        # A connection that is closed on a caller's way to it, and is old enough, was replaced for its age.
        too_old = 0 <= self._recycle_s < time.time() - record.starttime
        if too_old and getattr(self._own, "acquire", None):
            self._add(RECYCLES, 1)
        self._add(OPEN, -1)

    def _detached(self, connection, record):
        """It belongs to its holder now, and never comes back."""
        if record.info.pop("taken", None):
            self._add(CHECKED_OUT, -1)
        self._add(OPEN, -1)

    def _invalidated(self, connection, record, exception):
        self._add(INVALIDATIONS, 1)

    def _add(self, place, change):
        with self._lock:
            self._memory[place] += change

    def _given_back(self, connection, record):
        taken = record.info.pop("taken", None)
        if taken is None:
            return  # it never reached a caller
        taken_ns, place = taken
        use_ns = time.monotonic_ns() - taken_ns
        memory = self._memory
        with self._lock:
            memory[VERSION] |= 1
            memory[CHECKED_OUT] -= 1
            memory[USES] += 1
            memory[USE_NS] += use_ns
            if use_ns > memory[LONGEST_USE_NS]:
                memory[LONGEST_USE_NS] = use_ns
            if use_ns > LONG_HOLD_NS:
                memory[LONG_HOLDS] += 1
            memory[VERSION] += 1
        if use_ns > LONG_HOLD_NS:
            told = {"held_s": round(use_ns / 1e9, 3), "taken_at": "{}:{}".format(*place)}
            log.warning("connection held", extra=told)


class Acquire:
    """One caller's way to a connection: when it began, and what of it was creating and pinging, in nanoseconds."""

    __slots__ = (
        "create_failures", "create_ns", "created_ns", "creates", "ping_failures", "ping_ns", "pings", "started_ns",
    )  # fmt: skip

    def __init__(self):
        self.started_ns = time.monotonic_ns()
        self.creates = self.create_ns = self.created_ns = self.create_failures = 0
        self.pings = self.ping_ns = self.ping_failures = 0


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


def _size_and_limit(pool):
    """Of the pool itself, not of what it was told; without a pool both are 0."""
    return (pool.size(), pool.size() + pool._max_overflow) if isinstance(pool, QueuePool) else (0, 0)


def _within(limit, call, *arguments):
    with limit:
        return call(*arguments)


def _place(frame: FrameType | None) -> tuple[str, int]:
    """File and line where the application took the connection: of the first caller that is not plumbing."""
    known = _is_passing.get
    while frame:
        module = frame.f_globals.get("__name__", "")
        passing = known(module)
        if passing is None:
            passing = _is_passing[module] = module.startswith(_PASSING)
        if not passing:
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return "", 0
