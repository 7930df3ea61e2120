"""The way to PostgreSQL: one engine with its pool in each worker, and timed use of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from flask import Flask, current_app
from sqlalchemy import Connection, Engine, TextClause, make_url
from sqlalchemy.pool import QueuePool

from . import timing
from .settings import Settings


def create_engine(settings: Settings) -> Engine:
    """The engine with the pool that the settings describe; it connects at first use."""
    url = make_url(settings.database_url).set(drivername="postgresql+psycopg2")
    return sqlalchemy.create_engine(
        url,
        poolclass=QueuePool,
        pool_size=settings.pool_size,
        max_overflow=settings.pool_max_overflow,
        pool_timeout=settings.pool_timeout_s,
        pool_use_lifo=settings.pool_order == "lifo",
        pool_pre_ping=settings.pool_pre_ping,
        pool_recycle=settings.pool_recycle_s,
        connect_args={
            "connect_timeout": settings.connect_timeout_s,
            "keepalives_idle": settings.keepalives_idle_s,
            "application_name": "tracetrack",
        },
    )


@contextmanager
def connection() -> Iterator[Connection]:
    """A pooled connection for one unit of reading; whatever happens it goes back rolled back.

    Getting it and giving it back (the rollback included) are booked as `pool`.
    """
    engine: Engine = current_app.extensions["engine"]
    with timing.part("pool"):
        opened = engine.connect()
    try:
        yield opened
    finally:
        with timing.part("pool"):
            opened.close()


def rows(connection: Connection, statement: TextClause, **parameters) -> list[dict]:
    """All rows of one statement as dictionaries, booked as `db`."""
    timing.current().db_calls += 1
    with timing.part("db"):
        return [dict(row) for row in connection.execute(statement, parameters).mappings()]


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["engine"] = create_engine(settings)
