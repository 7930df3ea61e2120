"""The application with sleeps of known length in its queue, its pool and its database, to see whether they are found.

gunicorn serves it as `tests.accuracy.delayed:create_app()`; `TRUTH_SLEEPS` says how long, in ms:
`queue=30,pool=20,db=40`.
"""

import os
import time

from flask import Flask
from sqlalchemy import event

import reference_app

WSGI_APP = "tests.accuracy.delayed:create_app()"
VARIABLE = "TRUTH_SLEEPS"


def create_app() -> Flask:
    sleeps_ms = {name: float(ms) for name, ms in (one.split("=") for one in os.environ[VARIABLE].split(","))}
    app = reference_app.create_app()
    engine = app.extensions["engine"]
    event.listen(engine, "checkout", lambda _, record, __: _sleep_in_pool(record, sleeps_ms["pool"]))
    event.listen(engine, "before_cursor_execute", lambda *call: _sleep_in_database(*call[:2], sleeps_ms["db"]))
    served = app.wsgi_app

    def queued(environ, start_response):
        time.sleep(sleeps_ms["queue"] / 1000)
        return served(environ, start_response)

    app.wsgi_app = queued
    return app


def _sleep_in_pool(record, sleep_ms):
    record.info["fresh"] = True
    time.sleep(sleep_ms / 1000)


def _sleep_in_database(connection, cursor, sleep_ms):
    """Once for each use of a connection, in front of its first statement."""
    if connection.info.pop("fresh", False):
        cursor.execute("SELECT pg_sleep(%s)", (sleep_ms / 1000,))
