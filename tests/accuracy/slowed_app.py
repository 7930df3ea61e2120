"""The reference application with sleeps of known length in its queue, its pool and its database.

gunicorn serves it as `tests.accuracy.slowed_app:create_app()`; the variable `ACCURACY_SLEEPS` has the lengths in ms, as
in `queue=30,pool=20,db=40`.
"""

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import ConnectionPoolEntry

import reference_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

WSGI_APP = f"{__name__}:create_app()"
VARIABLE = "ACCURACY_SLEEPS"


def create_app() -> Flask:
    """The application of the environment's settings, with the sleeps of the variable."""
    sleeps_ms = {name: float(ms) for name, ms in (entry.split("=") for entry in os.environ[VARIABLE].split(","))}
    app = reference_app.create_app()
    engine = app.extensions["engine"]
    event.listen(engine, "checkout", lambda _, record, __: _sleep_in_pool(record, sleeps_ms["pool"]))
    event.listen(
        engine,
        "before_cursor_execute",
        lambda connection, cursor, *_: _sleep_in_database(connection, cursor, sleeps_ms["db"]),
    )
    served = app.wsgi_app

    def sleep_in_queue(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        time.sleep(sleeps_ms["queue"] / 1000)
        return served(environ, start_response)

    # Flask documents this assignment for middleware, but declares wsgi_app as a method.
    app.wsgi_app = sleep_in_queue  # type: ignore[method-assign]
    return app


def _sleep_in_pool(record: ConnectionPoolEntry, sleep_ms: float) -> None:
    record.info["fresh"] = True
    time.sleep(sleep_ms / 1000)


def _sleep_in_database(connection: Connection, cursor: DBAPICursor, sleep_ms: float) -> None:
    """Sleep once for each use of a connection, before its first statement."""
    if connection.info.pop("fresh", False):
        cursor.execute("SELECT pg_sleep(%s)", (sleep_ms / 1000,))
