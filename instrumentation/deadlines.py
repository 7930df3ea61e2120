"""Waiting for PostgreSQL with a deadline, whatever the server does.

psycopg2 by default waits inside libpq without a limit: a backend that is frozen, while its kernel still acknowledges
packets, blocks a caller past every timeout that is set on the server or on TCP. With `wait` as psycopg2's callback
each wait is a poll with a deadline. The poll is Python's own, so under gevent it is a cooperative one.
"""

import os
import select
import socket
import time
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, set_wait_callback

UNLIMITED_S = float("inf")
_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}
_max_wait_s = UNLIMITED_S


class _Block(NamedTuple):
    """An open `Deadline` block: the clock time at which its waits end, and the block around it."""

    end_s: float
    outer: "_Block | None"


# A context variable, because this module is loaded before gunicorn's gevent worker replaces the locals of threads by
# those of greenlets.
_innermost: ContextVar[_Block | None] = ContextVar("innermost", default=None)


class DeadlineExceeded(psycopg2.OperationalError):
    """PostgreSQL did not answer in time; the connection is closed."""


class Deadline:
    """A context manager that ends every wait in its block after `seconds`, or earlier if an outer block says so.

    One object may serve many threads or greenlets, and nested blocks.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds

    def __enter__(self) -> None:
        outer, end_s = _innermost.get(), time.monotonic() + self._seconds
        _innermost.set(_Block(min(outer.end_s, end_s) if outer else end_s, outer))

    def __exit__(self, *exception: object) -> None:
        if block := _innermost.get():
            _innermost.set(block.outer)


def wait(connection: psycopg2.extensions.connection) -> None:
    """Wait until the connection's operation has finished; psycopg2's wait callback.

    Raises `DeadlineExceeded`, on which psycopg2 closes the connection.
    """
    end_s = None
    while (state := connection.poll()) != POLL_OK:
        if end_s is None:
            end_s = _end_s()
        poller = select.poll()
        poller.register(connection.fileno(), _EVENTS[state])
        left_ms = None if end_s == UNLIMITED_S else max(0.0, 1000 * (end_s - time.monotonic()))
        if not poller.poll(left_ms):
            shut_down(connection)
            raise DeadlineExceeded("the database did not answer within its deadline")


def shut_down(connection: Any) -> None:
    """End a connection to PostgreSQL for its server at once, whatever its driver is doing; the driver finds it lost.

    One that was being opened would otherwise last until Python has freed it, and the traceback of the error has it.
    """
    # A descriptor of its own: the driver closes the connection's.
    with socket.socket(fileno=os.dup(connection.fileno())) as duplicate, suppress(OSError):
        duplicate.shutdown(socket.SHUT_RDWR)


def _end_s() -> float:
    """The clock time at which a wait that begins now has to end."""
    block, end_s = _innermost.get(), time.monotonic() + _max_wait_s
    return min(block.end_s, end_s) if block else end_s


def install(enabled: bool, max_wait_s: float = UNLIMITED_S) -> None:
    """Make psycopg2 wait in this process with deadlines, or as libpq does.

    `max_wait_s` bounds every wait, that for a statement too; a `Deadline` may set less.
    """
    global _max_wait_s
    _max_wait_s = max_wait_s
    set_wait_callback(wait if enabled else None)
