"""Waiting for PostgreSQL with a deadline, whatever the other end does.

psycopg2 alone waits inside libpq without a limit: a backend that is frozen, with its kernel still acknowledging,
holds a caller past every timeout that is set on the server or on TCP. With `wait` as psycopg2's callback each wait is
a poll with a deadline. The poll is Python's own, so a server that replaces it by a cooperative one cooperates.
"""

import select
import threading
import time

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, set_wait_callback

NEVER_S = float("inf")
_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}
_own = threading.local()


class DeadlineExceeded(psycopg2.OperationalError):
    """PostgreSQL did not answer in time; the connection is closed."""


class Limit:
    """Lets every wait of this thread in the block end `seconds` from its begin, or earlier if an outer block says so.

    One object may serve many threads, and blocks within blocks.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds

    def __enter__(self):
        limits = _own.__dict__.setdefault("limits", [NEVER_S])
        limits.append(min(limits[-1], time.monotonic() + self._seconds))

    def __exit__(self, *exception):
        _own.limits.pop()


def wait(connection) -> None:
    """psycopg2's wait callback. Raises `DeadlineExceeded`, on which psycopg2 closes the connection."""
    deadline_s = getattr(_own, "limits", (NEVER_S,))[-1]
    while (state := connection.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), _EVENTS[state])
        left_ms = None if deadline_s == NEVER_S else max(0.0, 1000 * (deadline_s - time.monotonic()))
        if not poller.poll(left_ms):
            raise DeadlineExceeded("the database did not answer within its deadline")


def install(in_force: bool) -> None:
    """Make psycopg2 wait in this process with deadlines, or as libpq does."""
    set_wait_callback(wait if in_force else None)
