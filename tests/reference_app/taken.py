"""Connections as a test takes them, and what the pool says of them."""

from contextlib import ExitStack, contextmanager

from sqlalchemy import text

from reference_app.database import connection, rows

PID = text("SELECT pg_backend_pid() AS pid")


def backend():
    with connection() as opened:
        return rows(opened, PID)[0]["pid"]


def reading(app):
    return app.extensions["readings"].read()[0]


@contextmanager
def held(count):
    """Connections in other threads' hands; yields their backends, in the order in which they were taken."""
    with ExitStack() as stack:
        yield [rows(stack.enter_context(connection()), PID)[0]["pid"] for _ in range(count)]
