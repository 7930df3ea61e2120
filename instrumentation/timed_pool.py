"""A connection pool that counts what it does: how long callers wait, and for what.

`TimedPool` is a mixin for SQLAlchemy's pools. The counts are in a `Slot` outside of the pool, because `dispose()`
replaces the pool by a new one. An acquire is the whole of getting a connection; the time in it that is not spent on
creating a connection or on a pre-ping is spent waiting for another caller to give one back.

Each connection has a number in its worker, counted from 1: `server_timing` reports the one that a request used.
"""

import itertools
import logging
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import Engine, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import (
    AsyncAdaptedQueuePool,
    ConnectionPoolEntry,
    NullPool,
    Pool,
    PoolProxiedConnection,
    QueuePool,
    _ConnectionRecord,
)

from . import server_timing
from .caller_finder import CallerFinder
from .deadlines import Deadline
from .worker_metrics import FIXED_FIELDS, POOL_FIELDS, VERSION, Slot

LONG_HOLD_NS = 5 * 10**9
# Frames of these packages only pass a connection on; the caller that took it is above them.
PASSING_MODULES = ("sqlalchemy", "contextlib", __name__)

# Places in a slot: numbers instead of names, because each request writes them some twenty times.
(
    SIZE, LIMIT, OPEN, CHECKED_OUT, PENDING, MAX_CHECKED_OUT, MAX_PENDING,
    ACQUIRES, WAIT_NS, MAX_WAIT_NS, USES, USE_NS, MAX_USE_NS,
    CREATES, CREATE_NS, CREATE_FAILURES, PINGS, PING_NS, PING_FAILURES,
    TIMEOUTS, INVALIDATIONS, RECYCLES, LONG_HOLDS,
) = map(FIXED_FIELDS.index, POOL_FIELDS)  # fmt: skip

Result = TypeVar("Result")

log = logging.getLogger(__name__)


# Of this thread, greenlet or task: with asyncio many of them share a thread.
_current: ContextVar["Acquire | None"] = ContextVar("acquire", default=None)


def _acquire() -> "Acquire":
    """The acquire in which a connection is opened or checked; a new one where a pool connects by itself."""
    return _current.get() or Acquire()


class PoolStatistics:
    """Counts what happens in the pools of one engine, in a slot that other processes read.

    `acquire_timeout_s` bounds an acquire, pre-ping and connecting included, and `answer_timeout_s` each of those two;
    both need psycopg2 to wait with deadlines (see `deadlines`), None leaves them unbounded here. `passing_modules` are
    the application's modules that only pass a connection on to their caller.
    """

    def __init__(
        self,
        slot: Slot,
        acquire_timeout_s: float | None = None,
        answer_timeout_s: float | None = None,
        passing_modules: tuple[str, ...] = (),
    ):
        self.move_to(slot)
        self._acquire_deadline = Deadline(acquire_timeout_s) if acquire_timeout_s else None
        self._answer_deadline = Deadline(answer_timeout_s) if answer_timeout_s else None
        self._numbers = itertools.count(1)  # of the connections, in the order in which they are opened
        self._caller = CallerFinder((*PASSING_MODULES, *passing_modules))

    def move_to(self, slot: Slot) -> None:
        """Count in another slot from now on, with the size and limit that are known."""
        memory = getattr(self, "_memory", None)
        self._memory, self._lock = slot.memory, slot.lock
        if memory is not None:
            self._memory[SIZE], self._memory[LIMIT] = memory[SIZE], memory[LIMIT]

    def watch(self, engine: Engine) -> None:
        """Follow the engine's connections and pre-pings; its pool must be a `TimedPool`."""
        pool: Any = engine.pool  # parts of it that SQLAlchemy keeps to itself are read and replaced
        pool.statistics = self
        self._memory[SIZE], self._memory[LIMIT] = _size_and_limit(pool)
        self._recycle_s: float = pool._recycle
        for name, listener in (
            ("connect", self._connected),
            ("close", self._closed),
            ("checkin", self._checked_in),
            ("invalidate", self._invalidated),
            ("detach", self._detached),
        ):
            event.listen(engine, name, listener)
        # Not by the event do_connect: a listener to it makes every statement of the engine look for listeners.
        creator = pool._invoke_creator  # that of the engine's own, or a user's without a parameter
        pool._creator = lambda record: self._create(creator, record)
        dialect: Any = engine.dialect  # of this engine alone
        self._ping_by_driver = dialect.do_ping
        dialect.do_ping = self._ping

    def acquire(self, connect: Callable[[], PoolProxiedConnection]) -> PoolProxiedConnection:
        """Call the pool's own `connect` and count its parts; the connection that it returns."""
        acquire = Acquire()
        token = _current.set(acquire)
        memory = self._memory
        with self._lock:  # a change that others may see halfway: no version
            memory[PENDING] = pending = memory[PENDING] + 1
            if pending > memory[MAX_PENDING]:
                memory[MAX_PENDING] = pending
        try:
            fairy = _within(self._acquire_deadline, connect) if self._acquire_deadline else connect()
        except BaseException as error:
            self._acquired(acquire, taken=0, timed_out=isinstance(error, exc.TimeoutError))
            raise
        finally:
            _current.reset(token)
        taken_ns = self._acquired(acquire, taken=1, timed_out=False)
        info = _record(fairy).info
        info["taken"] = taken_ns, self._caller.find(sys._getframe(2))
        if number := info.get("number"):  # none of a connection that was opened before `watch`
            server_timing.current().use_connection(number)
        return fairy

    def _acquired(self, acquire: "Acquire", taken: int, timed_out: bool) -> int:
        """Count a finished acquire at once; the time at which it ended."""
        now_ns = time.monotonic_ns()
        wait_ns = now_ns - acquire.started_ns - acquire.create_ns - acquire.ping_ns
        memory = self._memory
        with self._lock:
            memory[VERSION] |= 1
            memory[PENDING] -= 1
            memory[ACQUIRES] += 1
            memory[WAIT_NS] += wait_ns
            if wait_ns > memory[MAX_WAIT_NS]:
                memory[MAX_WAIT_NS] = wait_ns
            if timed_out:
                memory[TIMEOUTS] += 1
            memory[CHECKED_OUT] = checked_out = memory[CHECKED_OUT] + taken
            if checked_out > memory[MAX_CHECKED_OUT]:
                memory[MAX_CHECKED_OUT] = checked_out
            if acquire.pings:
                memory[PINGS] += acquire.pings
                memory[PING_NS] += acquire.ping_ns
                memory[PING_FAILURES] += acquire.ping_failures
            if acquire.creates:
                memory[CREATES] += acquire.creates
                memory[CREATE_NS] += acquire.create_ns
                memory[CREATE_FAILURES] += acquire.create_failures
            memory[VERSION] += 1
        return now_ns

    def _create(self, creator: Callable[..., DBAPIConnection], record: ConnectionPoolEntry) -> DBAPIConnection:
        acquire = _acquire()
        acquire.creates += 1
        started_ns = time.monotonic_ns()
        try:
            return _within(self._answer_deadline, creator, record) if self._answer_deadline else creator(record)
        except BaseException:
            acquire.create_failures += 1
            raise
        finally:
            acquire.created_ns = time.monotonic_ns()
            acquire.create_ns += acquire.created_ns - started_ns

    def _ping(self, connection: DBAPIConnection) -> bool:
        acquire = _acquire()
        acquire.pings += 1
        ping = self._ping_by_driver
        started_ns = time.monotonic_ns()
        try:
            return _within(self._answer_deadline, ping, connection) if self._answer_deadline else ping(connection)
        except BaseException:
            acquire.ping_failures += 1
            raise
        finally:
            acquire.ping_ns += time.monotonic_ns() - started_ns

    def _connected(self, connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """Called after the dialect's own listeners, which query the server on its first connection."""
        acquire = _acquire()
        acquire.create_ns += time.monotonic_ns() - acquire.created_ns
        record.info["number"] = next(self._numbers)
        self._add(OPEN, 1)

    def _closed(self, connection: DBAPIConnection, record: _ConnectionRecord) -> None:
        # A connection that is closed during an acquire, and is old enough, was replaced for its age.
        too_old = 0 <= self._recycle_s < time.time() - record.starttime
        if too_old and _current.get():
            self._add(RECYCLES, 1)
        self._add(OPEN, -1)

    def _detached(self, connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """Forget the connection: it belongs to its holder now, and never comes back."""
        if record.info.pop("taken", None):
            self._add(CHECKED_OUT, -1)
        self._add(OPEN, -1)

    def _invalidated(self, connection: DBAPIConnection, record: ConnectionPoolEntry, error: BaseException) -> None:
        self._add(INVALIDATIONS, 1)

    def _add(self, place: int, change: int) -> None:
        with self._lock:
            self._memory[place] += change

    def _checked_in(self, connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        taken = record.info.pop("taken", None)
        if taken is None:
            return  # it never reached a caller
        taken_ns, (file, line) = taken
        use_ns = time.monotonic_ns() - taken_ns
        memory = self._memory
        with self._lock:
            memory[VERSION] |= 1
            memory[CHECKED_OUT] -= 1
            memory[USES] += 1
            memory[USE_NS] += use_ns
            if use_ns > memory[MAX_USE_NS]:
                memory[MAX_USE_NS] = use_ns
            if use_ns > LONG_HOLD_NS:
                memory[LONG_HOLDS] += 1
            memory[VERSION] += 1
        if use_ns > LONG_HOLD_NS:
            log.warning("connection held", extra={"held_s": round(use_ns / 1e9, 3), "taken_at": f"{file}:{line}"})


class Acquire:
    """One acquire of a connection: when it started, and the creates and pings in it, in nanoseconds."""

    __slots__ = (
        "create_failures", "create_ns", "created_ns", "creates", "ping_failures", "ping_ns", "pings", "started_ns",
    )  # fmt: skip

    def __init__(self) -> None:
        self.started_ns = time.monotonic_ns()
        self.creates = self.create_ns = self.created_ns = self.create_failures = 0
        self.pings = self.ping_ns = self.ping_failures = 0


class TimedPool(Pool):
    """Mixin for a pool class, to be named before it."""

    statistics: PoolStatistics

    def connect(self) -> PoolProxiedConnection:
        return self.statistics.acquire(super().connect)

    def recreate(self) -> Any:  # the class of the pool that this is mixed into
        successor: Any = super().recreate()
        successor.statistics = self.statistics
        return successor


class OpensAtCheckout(QueuePool):
    """Mixin that opens a connection only when its place in the pool has been taken.

    SQLAlchemy gives up the place of a connection that cannot be opened, and wakes no caller that waits for a place:
    they would wait for the whole timeout while the server is back. A place that was taken is returned to the next one.
    """

    def _create_connection(self) -> ConnectionPoolEntry:
        return _ConnectionRecord(self, connect=False)


class TimedQueuePool(TimedPool, OpensAtCheckout):
    """SQLAlchemy's default pool, timed."""


class TimedLoopPool(TimedPool, OpensAtCheckout, AsyncAdaptedQueuePool):
    """SQLAlchemy's pool for an event loop, timed; callers that wait for a connection let the loop go on."""


class TimedNullPool(TimedPool, NullPool):
    """No pool: a connection for each use, timed."""


def _record(fairy: PoolProxiedConnection) -> ConnectionPoolEntry:
    """The pool's own record of a connection that it just handed out."""
    return fairy._connection_record


def _size_and_limit(pool: Pool) -> tuple[int, int]:
    """Connections that the pool keeps, and that it may open; 0 and 0 without a pool."""
    return (pool.size(), pool.size() + pool._max_overflow) if isinstance(pool, QueuePool) else (0, 0)


def _within(deadline: Deadline, call: Callable[..., Result], *arguments: Any) -> Result:
    with deadline:
        return call(*arguments)
