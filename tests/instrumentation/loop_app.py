"""An application for gunicorn whose requests wait for a database, for its one connection, or compute.

A request that computes does so when as many others wait as it is to hold up (`behind`).
"""

import os
import time
from urllib.parse import parse_qs

import greenlet
from sqlalchemy import create_engine, text

from instrumentation import deadlines
from instrumentation.server_timing import TimedApplication, part

deadlines.install(enabled=True)
engine = create_engine(os.environ["LOOP_DATABASE"], pool_size=1, max_overflow=0)
with engine.connect():
    pass  # what a first connection asks the server is done
waiting = 0


def query(ms: int) -> None:
    """Let the database sleep; the only connection is given back at the end."""
    global waiting
    waiting += 1
    with part("pool"):
        connection = engine.connect()
    with part("db"):
        connection.execute(text("SELECT pg_sleep(:s)"), {"s": ms / 1000})
    with part("pool"):
        connection.close()
    waiting -= 1


def compute(ms: int, behind: int) -> None:
    """Compute in one turn of the loop."""
    while waiting < behind:
        time.sleep(0.001)
    end_ns = time.monotonic_ns() + ms * 1_000_000
    while time.monotonic_ns() < end_ns:
        pass


def work(environ, start_response):
    given = {name: int(value) for name, (value,) in parse_qs(environ["QUERY_STRING"]).items()}
    {"/query": query, "/compute": compute}[environ["PATH_INFO"]](**given)
    start_response("200 OK", [])
    return [b"traced" if greenlet.gettrace() else b"not traced"]


app = TimedApplication(work, lambda: 0, run_token=None)
