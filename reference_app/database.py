"""Access to PostgreSQL: timed use of the pool that each worker has.

A request reads by `lookup`, `read` or `read_with`, and writes by `write_with`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from flask import Flask, current_app
from sqlalchemy import Connection, Engine, TextClause
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from instrumentation import deadlines, server_timing
from instrumentation.recorded_wsgi import RECORDER
from instrumentation.statement_samples import StatementSamples
from instrumentation.timed_pool import PoolStatistics

from . import database_deadline, drivers, pings
from .engine import create_engine
from .lost_connections import run_unit
from .pings import RecentUse
from .settings import Settings, current_settings

# Parameters of statements whose values are no secret and name no person: plans are shown with them.
PUBLIC_PARAMETERS = ("word", "pattern", "limit", "child", "parent", "bag")
PASSING_MODULES = (__name__, run_unit.__module__)
GRACE_S = 1.0  # after the time at which the server ends a statement by itself

Row = dict[str, Any]
Result = TypeVar("Result")


def read_with(unit: Callable[[Connection], Result]) -> Result:
    """The result of a unit of reading, which is called with a connection, and again if that is lost.

    Raises SQLAlchemy's errors.
    """

    def attempt() -> Result:
        with connection() as opened:
            return unit(opened)

    return run_unit(attempt)


def write_with(unit: Callable[[Connection], Result]) -> Result:
    """The result of a unit of writing, which is called with a connection, and again if that is lost.

    It is committed after the call, and rolled back if that raises. A unit may be done twice where the connection was
    lost during its COMMIT; so it has to leave what it finds done already. Raises SQLAlchemy's errors.
    """

    def attempt() -> Result:
        with _transaction() as opened:
            return unit(opened)

    return run_unit(attempt)


@contextmanager
def connection() -> Iterator[Connection]:
    """A pooled connection for reading; it is always rolled back when it is returned.

    Getting it and returning it (the rollback included) are booked as `pool`. Within a request use `read_with`.
    """
    with server_timing.part("pool"):
        opened = _connect(autocommit=current_settings().reads == "autocommit")
    try:
        with database_deadline.watched(_driver_connection(opened)):
            yield opened
    finally:
        _count_end_of_transaction(opened)
        with server_timing.part("pool"):
            opened.close()


@contextmanager
def _transaction() -> Iterator[Connection]:
    """A pooled connection for one unit of writing: committed at the end of the block, rolled back if that fails."""
    with server_timing.part("pool"):
        opened = _connect(autocommit=False)
    try:
        with database_deadline.watched(_driver_connection(opened)):
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
    try:
        database_deadline.require_time()
        driver = _driver_connection(opened)
        if driver.autocommit != autocommit:
            driver.autocommit = autocommit
    except _driver().error as error:
        opened.invalidate(error)
        opened.close()
        raise _sqlalchemy_error("autocommit", error, is_lost=True) from error
    except BaseException:
        opened.close()
        raise
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
        return read_with(lambda opened: rows(opened, statement, **parameters))
    return _execute_alone(_driver_text(statement), parameters, _all_rows)


def lookup(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of one statement by itself, without a transaction; None if there is none.

    Every request of a user needs one, so the driver is used directly: SQLAlchemy's part of it costs more than the rest.
    `statement` has the drivers' placeholders: `%(name)s`. Raises SQLAlchemy's errors.
    """
    return _execute_alone(statement, parameters, lambda cursor: cursor.fetchone())


def _execute_alone(statement: str, parameters: Mapping[str, Any], fetch: Callable[[Any], Result]) -> Result:
    """What `fetch` makes of the cursor after the statement, on a connection of its own in autocommit."""
    return run_unit(lambda: _attempt_alone(statement, parameters, fetch))


def _attempt_alone(statement: str, parameters: Mapping[str, Any], fetch: Callable[[Any], Result]) -> Result:
    engine: Engine = current_app.extensions["engine"]
    pooled: PoolProxiedConnection | None = None
    try:
        with server_timing.part("pool"):
            pooled = engine.raw_connection()
        database_deadline.require_time()
        with database_deadline.watched(pooled.dbapi_connection):
            return _execute(engine, pooled.dbapi_connection, statement, parameters, fetch)
    except _driver().error as error:
        raise _failure(engine, pooled, statement, error) from error
    finally:
        if pooled:
            with server_timing.part("pool"):
                pooled.close()


def _failure(
    engine: Engine, pooled: PoolProxiedConnection | None, statement: str, error: Exception
) -> DBAPIError | Exception:
    """SQLAlchemy's error in the place of the driver's, as for its own statements; a lost connection is replaced."""
    connection: Any = pooled and pooled.dbapi_connection
    is_lost = engine.dialect.is_disconnect(error, connection, None)  # type: ignore[arg-type]
    if pooled:
        server_timing.current().failed_calls += 1
        if is_lost:
            pooled.invalidate(error)
    return _sqlalchemy_error(statement, error, is_lost)


def _sqlalchemy_error(statement: str, error: Exception, is_lost: bool) -> DBAPIError | Exception:
    dialect = current_app.extensions["engine"].dialect
    return DBAPIError.instance(statement, None, error, _driver().error, connection_invalidated=is_lost, dialect=dialect)


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
        PoolStatistics(app.extensions["worker_slot"], acquire_s, answer_s, PASSING_MODULES).watch(engine)
    pings.count(engine)
    app.extensions["pings"] = RecentUse(engine, settings.pool_ping_after_ms / 1000)
    if settings.monitor:
        app.extensions[RECORDER].watch(engine)
    app.extensions["engine"] = engine
    app.extensions["statement_samples"] = StatementSamples(settings.samples_file, PUBLIC_PARAMETERS, _driver_text)
