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
from contextlib import contextmanager
from typing import Any

from flask import g, has_request_context
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util.concurrency import in_greenlet

from instrumentation.deadlines import UNLIMITED_S, Deadline, shut_down

from .settings import current_settings


class DatabaseTimeout(SQLAlchemyError):
    """The request has waited for the database for as long as it may."""


def left_s() -> float:
    """The seconds that the request may still wait for the database; without limit outside of a request."""
    timeout_s = current_settings().database_timeout_s
    if not timeout_s or not has_request_context():
        return UNLIMITED_S
    if "database_end_s" not in g:
        g.database_end_s = time.monotonic() + timeout_s
    return float(g.database_end_s - time.monotonic())


def require_time() -> None:
    """Raise `DatabaseTimeout` if the request may wait no longer."""
    if left_s() <= 0:
        raise DatabaseTimeout(f"the request has waited for {current_settings().database_timeout_s:g} s")


@contextmanager
def bounded() -> Iterator[None]:
    """End psycopg2's waits in the block with the request's time. Raises `DatabaseTimeout` if that is over."""
    require_time()
    remaining_s = left_s()
    if remaining_s == UNLIMITED_S or in_greenlet():
        yield
        return
    with Deadline(remaining_s):
        yield


@contextmanager
def watched(connection: Any) -> Iterator[None]:
    """Close the connection's socket if the block of an event loop is not over with the request's time.

    `connection` is SQLAlchemy's adapter around the driver's.
    """
    remaining_s = left_s()
    if remaining_s == UNLIMITED_S or not in_greenlet():
        yield
        return
    timer = asyncio.get_running_loop().call_later(remaining_s, _shut_down, connection.driver_connection)
    try:
        yield
    finally:
        timer.cancel()


def _shut_down(connection: Any) -> None:
    if not connection.closed:
        shut_down(connection)
