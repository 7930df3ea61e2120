"""Connections that a test takes from the pool, and what the pool counts meanwhile."""

from contextlib import ExitStack, contextmanager

from sqlalchemy import text

from reference_app.database import connection, rows

PID = text("SELECT pg_backend_pid() AS pid")


def backend():
    """The process id of the backend behind the next connection of the pool."""
    with connection() as opened:
        return backend_of(opened)


def backend_of(opened):
    """The process id of the backend behind this connection."""
    return rows(opened, PID)[0]["pid"]


def metrics(app):
    """The values of the application's only worker."""
    return app.extensions["worker_metrics"].read()[0]


@contextmanager
def held(count):
    """Hold several connections; yields the process ids of their backends, in the order in which they were taken."""
    with ExitStack() as stack:
        yield [backend_of(stack.enter_context(connection())) for _ in range(count)]
