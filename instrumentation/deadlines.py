"""Waiting for PostgreSQL with a deadline, whatever the other end does.

psycopg2 alone waits inside libpq without a limit: a backend that is frozen, with its kernel still acknowledging,
holds a caller past every timeout that is set on the server or on TCP. With `wait` as psycopg2's callback each wait is
a poll with a deadline. The poll is Python's own, so a server that replaces it by a cooperative one cooperates.
"""

import select
import time
from contextvars import ContextVar

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, set_wait_callback

NEVER_S = float("inf")
_longest_s = NEVER_S
_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}
# Innermost limit and the ones around it. A context variable, because this module is loaded before gunicorn's gevent
# worker replaces the locals of threads by those of greenlets.
_limits: ContextVar[tuple] = ContextVar("limits", default=(NEVER_S, None))


class DeadlineExceeded(psycopg2.OperationalError):
    """PostgreSQL did not answer in time; the connection is closed."""


class Limit:
    """Lets every wait in the block end `seconds` from its begin, or earlier if an outer block says so.

    One object may serve many threads or greenlets, and blocks within blocks.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds

    def __enter__(self):
        limits = _limits.get()
        _limits.set((min(limits[0], time.monotonic() + self._seconds), limits))

    def __exit__(self, *exception):
        _limits.set(_limits.get()[1])


def wait(connection) -> None:
    """psycopg2's wait callback. Raises `DeadlineExceeded`, on which psycopg2 closes the connection."""
    limit_s = None
    while (state := connection.poll()) != POLL_OK:
        if limit_s is None:
            limit_s = min(_limits.get()[0], time.monotonic() + _longest_s)
        poller = select.poll()
        poller.register(connection.fileno(), _EVENTS[state])
        left_ms = None if limit_s == NEVER_S else max(0.0, 1000 * (limit_s - time.monotonic()))
        if not poller.poll(left_ms):
            raise DeadlineExceeded("the database did not answer within its deadline")


def install(in_force: bool, longest_s: float = NEVER_S) -> None:
    """Make psycopg2 wait in this process with deadlines, or as libpq does.

    `longest_s` bounds every wait, of a statement as of anything else; a `Limit` may set less.
    """
    global _longest_s
    _longest_s = longest_s
    set_wait_callback(wait if in_force else None)
