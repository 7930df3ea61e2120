"""Reads and requests of a worker's own before its first client's: whatever is done at a first use is then done.

A forked process copies each page that it touches for the first time, CPython specialises a function after some calls,
routes are compiled and classes looked up. In a burst that comes upon a new worker this is a third of its Python time.
"""

import gc
from collections.abc import Callable
from contextlib import ExitStack

from flask import Flask
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import QueuePool

from .database import connection

PASSES = 12  # CPython 3.11 specialises code from its eighth call on
READS = ("/api/dashboard/stats", "/api/bags/search?q=warm-up")


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
    slot = app.extensions["worker_slot"]
    before = slot.get("requests")
    for _ in range(PASSES):
        _send_pass(app)
    slot.count("requests", before - slot.get("requests"))
    # What exists by now stays: no collection looks through it, and no page of it is copied for that.
    gc.collect()
    gc.freeze()


def _send_pass(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = {}  # a session that is stored, and that no account is behind
    for path in READS:
        client.get(path)
    client.get("/login")
    client.post("/logout")
