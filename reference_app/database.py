"""Access to PostgreSQL: one engine with its pool in each worker, and timed use of it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import sqlalchemy
from flask import Flask, current_app
from sqlalchemy import URL, Connection, Engine, TextClause, event, make_url
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, Pool, QueuePool

from instrumentation import deadlines, server_timing
from instrumentation.recorded_wsgi import RECORDER
from instrumentation.statement_samples import StatementSamples
from instrumentation.timed_pool import PoolStatistics, TimedLoopPool, TimedNullPool, TimedQueuePool

from . import drivers, pings, pool_profiles
from .settings import Settings, current_settings

APPLICATION_NAME = "tracetrack"
# Parameters of statements whose values are no secret and name no person: plans are shown with them.
PUBLIC_PARAMETERS = ("word", "pattern", "limit", "child", "parent", "bag")
GRACE_S = 1.0  # after the time at which the server ends a statement by itself
POOLS: dict[tuple[str, bool], type[Pool]] = {
    ("queue", True): TimedQueuePool,
    ("queue", False): QueuePool,
    ("none", True): TimedNullPool,
    ("none", False): NullPool,
}
LOOP_POOLS = POOLS | {("queue", True): TimedLoopPool, ("queue", False): AsyncAdaptedQueuePool}

Row = dict[str, Any]
Result = TypeVar("Result")


def create_engine(settings: Settings) -> Engine:
    """The engine with the pool that the settings describe; it connects at first use.

    That of an event loop is to be used within a greenlet of the loop.
    """
    settings = settings.with_profile()
    in_loop = settings.server == "uvicorn"
    engine = (_create_loop_engine if in_loop else sqlalchemy.create_engine)(
        database_url(settings),
        poolclass=(LOOP_POOLS if in_loop else POOLS)[settings.pool, settings.pool_timed],
        pool_pre_ping=settings.pool_pre_ping,
        pool_recycle=settings.pool_recycle_s or -1,
        connect_args=_connect_arguments(settings),
        **(_queue_arguments(settings) if settings.pool == "queue" else {}),
    )
    if settings.statement_timeout_ms and settings.pooler == "none" and pool_profiles.is_proxy(settings.database_url):
        # An RDS Proxy refuses start-up options; the SET costs a round trip for each connection and pins it.
        statement = f"SET statement_timeout = {settings.statement_timeout_ms}"
        event.listen(engine, "connect", lambda connection, record: _execute_in_autocommit(connection, statement))
    return engine


def _create_loop_engine(url: URL, **arguments: Any) -> Engine:
    from sqlalchemy.ext.asyncio import create_async_engine  # other servers need not wait for its import

    return create_async_engine(url, **arguments).sync_engine


def database_url(settings: Settings) -> URL:
    """The URL as the application uses it."""
    return make_url(settings.database_url).set(drivername=drivers.of_settings(settings).dialect)


def _connect_arguments(settings: Settings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "connect_timeout": settings.connect_timeout_s,
        "keepalives_idle": settings.keepalives_idle_s,
        "application_name": APPLICATION_NAME,
    }
    if settings.driver == "psycopg3":
        # It would prepare a statement after five uses, and PostgreSQL then plan the search without its term: 500 ms of
        # reading all bags instead of 15 by the trigram index.
        arguments["prepare_threshold"] = None
    if settings.tcp_user_timeout_ms:
        arguments["tcp_user_timeout"] = settings.tcp_user_timeout_ms
    # A pooler refuses start-up options, and a SET would hold for the next user of the server's connection: the pooler
    # sets the timeout itself.
    takes_options = settings.pooler == "none" and not pool_profiles.is_proxy(settings.database_url)
    if settings.statement_timeout_ms and takes_options:
        arguments["options"] = f"-c statement_timeout={settings.statement_timeout_ms}"
    return arguments


def _queue_arguments(settings: Settings) -> dict[str, Any]:
    return {
        "pool_size": settings.pool_size,
        "max_overflow": settings.pool_max_overflow,
        "pool_timeout": settings.pool_timeout_s or None,
        "pool_use_lifo": settings.pool_order == "lifo",
    }


def _execute_in_autocommit(connection: Any, statement: str) -> None:
    """Execute on the driver's own connection, without a transaction around it."""
    autocommit, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.autocommit = autocommit


@contextmanager
def connection() -> Iterator[Connection]:
    """A pooled connection for one unit of reading; it is always rolled back when it is returned.

    Getting it and returning it (the rollback included) are booked as `pool`.
    """
    with server_timing.part("pool"):
        opened = _connect(autocommit=current_settings().reads == "autocommit")
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


def _connect(autocommit: bool) -> Connection:
    """A connection of the pool, with the driver's autocommit flag set.

    SQLAlchemy's isolation level would cost two SETs for each use, as many round trips as autocommit saves.
    """
    opened: Connection = current_app.extensions["engine"].connect()
    driver = _driver_connection(opened)
    if driver.autocommit != autocommit:
        driver.autocommit = autocommit
    return opened


def rows(connection: Connection, statement: TextClause, **parameters: Any) -> list[Row]:
    """All rows of one statement as dictionaries (an empty list if it returns none), booked as `db`."""
    timing = server_timing.current()
    timing.db_calls += 1
    driver = _driver_connection(connection)
    # The driver sends BEGIN by itself, and waits for its answer before it sends the statement.
    timing.round_trips += 1 + (not driver.autocommit and _driver().is_idle(driver))
    with server_timing.part("db"):
        started_ns = time.monotonic_ns()
        try:
            result = connection.execute(statement, parameters)
        except DBAPIError:
            timing.failed_calls += 1
            raise
        selected = [dict(row) for row in result.mappings()] if result.returns_rows else []
        _samples().note(statement, parameters, time.monotonic_ns() - started_ns)
        return selected


def read(statement: TextClause, **parameters: Any) -> list[Row]:
    """All rows of one statement that is a unit of reading by itself, as dictionaries.

    In autocommit psycopg2 is used directly, see `lookup`. Raises SQLAlchemy's errors.
    """
    if current_settings().reads == "transaction":
        with connection() as opened:
            return rows(opened, statement, **parameters)
    return _execute_alone(_driver_text(statement), parameters, _all_rows)


def lookup(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of one statement by itself, without a transaction; None if there is none.

    Every request of a user needs one, so the driver is used directly: SQLAlchemy's part of it costs more than the rest.
    `statement` has the drivers' placeholders: `%(name)s`. Raises SQLAlchemy's errors.
    """
    return _execute_alone(statement, parameters, lambda cursor: cursor.fetchone())


def _execute_alone(statement: str, parameters: Mapping[str, Any], fetch: Callable[[Any], Result]) -> Result:
    """What `fetch` makes of the cursor after the statement, on a connection of its own in autocommit."""
    engine: Engine = current_app.extensions["engine"]
    with _sqlalchemy_errors(engine, statement):
        with server_timing.part("pool"):
            pooled = engine.raw_connection()
        try:
            return _execute(engine, pooled.dbapi_connection, statement, parameters, fetch)
        except _driver().error as error:
            server_timing.current().failed_calls += 1
            if engine.dialect.is_disconnect(error, pooled.dbapi_connection, None):  # type: ignore[arg-type]
                pooled.invalidate(error)
            raise
        finally:
            with server_timing.part("pool"):
                pooled.close()


@contextmanager
def _sqlalchemy_errors(engine: Engine, statement: str) -> Iterator[None]:
    """Raise SQLAlchemy's error in the place of the driver's, as it does for its own statements."""
    base = _driver().error
    try:
        yield
    except base as error:
        raise DBAPIError.instance(statement, None, error, base, dialect=engine.dialect) from error


def _execute(
    engine: Engine, driver: Any, statement: str, parameters: Mapping[str, Any], fetch: Callable[[Any], Result]
) -> Result:
    if not driver.autocommit:
        driver.autocommit = True
    timing = server_timing.current()
    timing.db_calls += 1
    timing.round_trips += 1
    with server_timing.part("db"), driver.cursor() as cursor:
        started_ns = time.monotonic_ns()
        engine.dialect.do_execute(cursor, statement, parameters)
        result = fetch(cursor)
        _samples().note(statement, parameters, time.monotonic_ns() - started_ns)
        return result


def _samples() -> StatementSamples:
    samples: StatementSamples = current_app.extensions["statement_samples"]
    return samples


def _all_rows(cursor: Any) -> list[Row]:
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


@cache
def _driver_text(statement: TextClause | str) -> str:
    """The statement with psycopg2's placeholders; one that is a text has them already."""
    return statement if isinstance(statement, str) else str(statement.compile(dialect=PGDialect_psycopg2()))


def roll_back(connection: Connection) -> None:
    """End the transaction of a failed statement, so that the connection can be used further."""
    _count_end_of_transaction(connection)
    with server_timing.part("db"):
        connection.rollback()


def _count_end_of_transaction(opened: Connection) -> None:
    """Count a COMMIT or ROLLBACK as a round trip; it is sent only if the server is in a transaction."""
    if not opened.invalidated:
        server_timing.current().round_trips += not _driver().is_idle(_driver_connection(opened))


def _driver_connection(opened: Connection) -> Any:
    """The driver's connection; in an event loop SQLAlchemy's adapter around it, which waits as the loop does."""
    return opened.connection.dbapi_connection


def _driver() -> drivers.Driver:
    return current_app.extensions["driver"]


def _max_wait_s(settings: Settings) -> float:
    """The longest wait for a statement: a server that is alive ends it by itself before."""
    return settings.statement_timeout_ms / 1000 + GRACE_S if settings.statement_timeout_ms else deadlines.UNLIMITED_S


def init_app(app: Flask, settings: Settings) -> None:
    """Create the engine, with its statistics and deadlines as the settings say."""
    deadlines.install(settings.deadlines, _max_wait_s(settings))
    app.extensions["driver"] = drivers.of_settings(settings)
    engine = create_engine(settings)
    if settings.pool_timed:
        acquire_s, answer_s = (
            (settings.pool_timeout_s, settings.connect_timeout_s) if settings.deadlines else (None, None)
        )
        PoolStatistics(app.extensions["worker_slot"], acquire_s, answer_s, passing_modules=(__name__,)).watch(engine)
    pings.count(engine)
    if settings.pool_ping_after_ms:
        pings.skip_recent(engine, settings.pool_ping_after_ms / 1000)
    if settings.monitor:
        app.extensions[RECORDER].watch(engine)
    app.extensions["engine"] = engine
    app.extensions["statement_samples"] = StatementSamples(settings.samples_file, PUBLIC_PARAMETERS, _driver_text)
