"""The way to PostgreSQL: one engine with its pool in each worker, and timed use of it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from weakref import WeakKeyDictionary

import sqlalchemy
from flask import Flask, current_app
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import URL, Connection, Engine, TextClause, event, make_url
from sqlalchemy.pool import NullPool, QueuePool

from instrumentation import deadlines, server_timing
from instrumentation.timed_pool import PoolStatistics, TimedNullPool, TimedQueuePool

from . import pool_profiles
from .settings import Settings

APPLICATION_NAME = "tracetrack"
GRACE_S = 1.0  # between the server's end of a statement and ours
POOLS = {
    ("queue", True): TimedQueuePool,
    ("queue", False): QueuePool,
    ("none", True): TimedNullPool,
    ("none", False): NullPool,
}


def create_engine(settings: Settings) -> Engine:
    """The engine with the pool that the settings describe; it connects at first use."""
    settings = settings.with_profile()
    engine = sqlalchemy.create_engine(
        database_url(settings),
        poolclass=POOLS[settings.pool, settings.pool_timed],
        pool_pre_ping=settings.pool_pre_ping,
        pool_recycle=settings.pool_recycle_s or -1,
        connect_args=_connect_arguments(settings),
        **(_queue_arguments(settings) if settings.pool == "queue" else {}),
    )
    if settings.statement_timeout_ms and pool_profiles.is_proxy(settings.database_url):
        # An RDS Proxy refuses start-up options; the SET costs a round trip for each connection and pins it.
        statement = f"SET statement_timeout = {settings.statement_timeout_ms}"
        event.listen(engine, "connect", lambda connection, record: _execute_alone(connection, statement))
    return engine


def database_url(settings: Settings) -> URL:
    """The URL as the application uses it."""
    return make_url(settings.database_url).set(drivername="postgresql+psycopg2")


def _connect_arguments(settings):
    arguments = {
        "connect_timeout": settings.connect_timeout_s,
        "keepalives_idle": settings.keepalives_idle_s,
        "application_name": APPLICATION_NAME,
    }
    if settings.tcp_user_timeout_ms:
        arguments["tcp_user_timeout"] = settings.tcp_user_timeout_ms
    if settings.statement_timeout_ms and not pool_profiles.is_proxy(settings.database_url):
        arguments["options"] = f"-c statement_timeout={settings.statement_timeout_ms}"
    return arguments


def _queue_arguments(settings):
    return {
        "pool_size": settings.pool_size,
        "max_overflow": settings.pool_max_overflow,
        "pool_timeout": settings.pool_timeout_s or None,
        "pool_use_lifo": settings.pool_order == "lifo",
    }


def _execute_alone(connection, statement):
    autocommit, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.autocommit = autocommit


@contextmanager
def connection() -> Iterator[Connection]:
    """A pooled connection for one unit of reading; whatever happens it goes back rolled back.

    Getting it and giving it back (the rollback included) are booked as `pool`.
    """
    with server_timing.part("pool"):
        opened = _connect(autocommit=current_app.settings.reads == "autocommit")
    try:
        yield opened
    finally:
        _count_end_of_transaction(opened)
        with server_timing.part("pool"):
            opened.close()


@contextmanager
def transaction() -> Iterator[Connection]:
    """A pooled connection for one unit of writing: committed at the end of the block, rolled back if that fails."""
    with server_timing.part("pool"):
        opened = _connect(autocommit=False)
    try:
        yield opened
        with server_timing.part("db"):
            _count_end_of_transaction(opened)
            opened.commit()
    finally:
        _count_end_of_transaction(opened)  # the rollback of a block that failed
        with server_timing.part("pool"):
            opened.close()


def _connect(autocommit):
    """Autocommit is a flag of the driver. SQLAlchemy's isolation level would cost two SETs for each use, as many
    round trips as it saves."""
    opened = current_app.extensions["engine"].connect()
    driver = opened.connection.dbapi_connection
    if driver.autocommit != autocommit:
        driver.autocommit = autocommit
    return opened


def rows(connection: Connection, statement: TextClause, **parameters) -> list[dict]:
    """All rows of one statement as dictionaries (none if it gives none), booked as `db`."""
    account = server_timing.current()
    account.db_calls += 1
    driver = connection.connection.dbapi_connection
    # The driver sends BEGIN by itself, and waits for its answer before it sends the statement.
    account.round_trips += 1 + (not driver.autocommit and _is_idle(driver))
    with server_timing.part("db"):
        result = connection.execute(statement, parameters)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []


def roll_back(connection: Connection) -> None:
    """End the transaction of a failed statement, so that the connection can be used further."""
    _count_end_of_transaction(connection)
    with server_timing.part("db"):
        connection.rollback()


def _count_end_of_transaction(opened):
    """COMMIT and ROLLBACK are sent only where the server is in a transaction."""
    if not opened.invalidated:
        server_timing.current().round_trips += not _is_idle(opened.connection.dbapi_connection)


def _is_idle(driver):
    return driver.get_transaction_status() == TRANSACTION_STATUS_IDLE


def warm_up(engine: Engine, statement: TextClause, **parameters) -> None:
    """Open as many connections as the pool keeps, and ask on each: a backend learns its catalogues by the first."""
    with ExitStack() as stack:
        for _ in range(engine.pool.size() if isinstance(engine.pool, QueuePool) else 1):
            rows(stack.enter_context(connection()), statement, **parameters)


def _count_pings(engine):
    """A pre-ping is a round trip of the request that waits for it."""
    ping = engine.dialect.do_ping

    def counted(connection):
        server_timing.current().round_trips += 1
        return ping(connection)

    engine.dialect.do_ping = counted


def _ping_the_idle_only(engine, after_s):
    """Spare the pre-ping of connections that were used just now. Source: HikariCP's `aliveBypassWindowMs`."""
    used_s = WeakKeyDictionary()
    ping = engine.dialect.do_ping

    def given_back(connection, record):
        if connection is not None:
            used_s[connection] = time.monotonic()

    def ping_if_idle(connection):
        return time.monotonic() - used_s.get(connection, 0.0) < after_s or ping(connection)

    event.listen(engine, "checkin", given_back)
    engine.dialect.do_ping = ping_if_idle


def _longest_wait_s(settings):
    """A server that is alive ends a statement by itself before."""
    return settings.statement_timeout_ms / 1000 + GRACE_S if settings.statement_timeout_ms else deadlines.NEVER_S


def init_app(app: Flask, settings: Settings) -> None:
    deadlines.install(settings.deadlines, _longest_wait_s(settings))
    engine = create_engine(settings)
    if settings.pool_timed:
        limits = (settings.pool_timeout_s or None, settings.connect_timeout_s or None)
        PoolStatistics(app.extensions["slot"], *(limits if settings.deadlines else (None, None))).watch(engine)
    _count_pings(engine)
    if settings.pool_ping_after_ms:
        _ping_the_idle_only(engine, settings.pool_ping_after_ms / 1000)
    app.extensions["engine"] = engine
