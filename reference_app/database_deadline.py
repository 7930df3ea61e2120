"""The end of all that a request waits for the database: `database_timeout_s` after its first use of it.

A request may use the database several times, and wait each time for a connection, the server, and locks. What is left
of its time bounds each of these waits.

- In a thread or greenlet psycopg2 waits with a deadline (see `instrumentation.deadlines`).
- In an event loop a timer closes the connection's socket, so that its driver finds it lost. A cancelled task would ask
  the server to cancel its statement first, and wait for that.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from flask import g, has_request_context
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util.concurrency import in_greenlet

from instrumentation.deadlines import UNLIMITED_S, Deadline, shut_down

from .settings import current_settings

UNBOUNDED: AbstractContextManager[None] = nullcontext()


class DatabaseTimeout(SQLAlchemyError):
    """The request has waited for the database for as long as it may."""


def left_s() -> float:
    """The seconds that the request may still wait for the database; without limit outside of a request."""
    end_s: float | None = g.get("database_end_s")
    return (_begin() if end_s is None else end_s) - time.monotonic()


def _begin() -> float:
    """Let the request's time begin; the clock time at which it ends."""
    timeout_s = current_settings().database_timeout_s
    end_s = time.monotonic() + timeout_s if timeout_s else UNLIMITED_S
    if has_request_context():
        g.database_end_s = end_s
        return end_s
    return UNLIMITED_S


def require_time() -> float:
    """The seconds that are left, as `left_s`; raises `DatabaseTimeout` if there are none."""
    if (remaining_s := left_s()) <= 0:
        raise DatabaseTimeout(f"the request has waited for {current_settings().database_timeout_s:g} s")
    return remaining_s


def bounded() -> AbstractContextManager[None]:
    """A block in which psycopg2's waits end with the request's time. Raises `DatabaseTimeout` if that is over."""
    remaining_s = require_time()
    return UNBOUNDED if remaining_s == UNLIMITED_S or in_greenlet() else Deadline(remaining_s)


def watched(connection: Any) -> AbstractContextManager[None]:
    """A block at the end of whose time the socket of the connection is closed, in an event loop.

    `connection` is SQLAlchemy's adapter around the driver's.
    """
    if not in_greenlet() or (remaining_s := left_s()) == UNLIMITED_S:
        return UNBOUNDED
    return _watched(connection.driver_connection, remaining_s)


@contextmanager
def _watched(connection: Any, seconds: float) -> Iterator[None]:
    timer = asyncio.get_running_loop().call_later(seconds, _close, connection)
    try:
        yield
    finally:
        timer.cancel()


def _close(connection: Any) -> None:
    if not connection.closed:
        shut_down(connection)
