"""Reads and requests of a worker's own before its first client's: whatever is done at a first use is then done.

A forked process copies each page that it touches for the first time, CPython specialises a function after some calls,
routes are compiled and classes looked up. In a burst that comes upon a new worker this is a third of its Python time.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import QueuePool

from .database import connection

PASSES = 12  # CPython 3.11 specialises code from its eighth call on
REQUESTS = (
    ("GET", "/api/dashboard/stats"),
    ("GET", "/api/bags/search?q=warm-up"),
    ("GET", "/login"),
    ("POST", "/logout"),
)


def open_connections(engine: Engine, *reads: Callable[[Connection], object]) -> None:
    """Open as many connections as the pool keeps, and do the reads on each.

    A backend reads its catalogs for its first statement, and more of them for the first one with a table. Raises
    SQLAlchemy's errors.
    """
    with ExitStack() as stack:
        for _ in range(engine.pool.size() if isinstance(engine.pool, QueuePool) else 1):
            opened = stack.enter_context(connection())
            for read in reads:
                read(opened)


def send(app: Flask) -> None:
    """Send the requests of `PASSES` sessions without a user: refused reads, the form, a logout.

    No password is checked, no cache filled and nothing counted. An unavailable store gives responses with 503.
    """
    with _uncounted(app):
        for _ in range(PASSES):
            client = app.test_client()
            with client.session_transaction() as session:
                session["user"] = {}  # a session that is stored, and that no account is behind
            for method, path in REQUESTS:
                client.open(path, method=method)


async def send_in_loop(app: Any) -> None:
    """Send the same requests to an application on Quart, in its loop."""
    with _uncounted(app):
        for _ in range(PASSES):
            headers = {"Cookie": await _cookie(app)}
            for method, path in REQUESTS:
                await app.test_client(use_cookies=False).open(path, method=method, headers=headers)


async def _cookie(app: Any) -> str:
    """The cookie of a new session without a user; empty where it could not be stored."""
    async with app.test_request_context("/") as context:
        context.session["user"] = {}
        response = await app.process_response(app.response_class(), context)
    return response.headers.get("Set-Cookie", "").partition(";")[0]


@contextmanager
def _uncounted(app: Any) -> Iterator[None]:
    """Do not count the requests of the block, and keep what exists at its end.

    No collection of garbage looks through that any more, and no page of it is copied for one.
    """
    slot = app.extensions["worker_slot"]
    before = slot.get("requests")
    yield
    slot.count("requests", before - slot.get("requests"))
    gc.collect()
    gc.freeze()
