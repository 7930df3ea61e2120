"""The engine of SQLAlchemy with its pool, as the settings describe it."""

from typing import Any

import sqlalchemy
from sqlalchemy import URL, Engine, event, make_url
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, Pool, QueuePool

from instrumentation.fair_pool import FairQueuePool
from instrumentation.timed_pool import TimedLoopPool, TimedNullPool, TimedQueuePool

from . import drivers, lost_connections, pool_profiles
from .settings import Settings

APPLICATION_NAME = "tracetrack"
POOLS: dict[tuple[str, bool], type[Pool]] = {
    ("queue", True): TimedQueuePool,
    ("queue", False): QueuePool,
    ("fair", True): FairQueuePool,
    ("none", True): TimedNullPool,
    ("none", False): NullPool,
}
LOOP_POOLS = POOLS | {("queue", True): TimedLoopPool, ("queue", False): AsyncAdaptedQueuePool}


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
        **(_queue_arguments(settings) if settings.pool != "none" else {}),
    )
    lost_connections.count_read_only(engine)
    if settings.pooler == "none" and pool_profiles.is_proxy(settings.database_url):
        # An RDS Proxy refuses start-up options; the SETs cost a round trip for each connection and pin it.
        statements = "; ".join(f"SET {name} = {value}" for name, value in _server_timeouts(settings).items())
        if statements:
            event.listen(engine, "connect", lambda connection, record: _execute_in_autocommit(connection, statements))
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
    # sets the timeouts itself.
    takes_options = settings.pooler == "none" and not pool_profiles.is_proxy(settings.database_url)
    options = " ".join(f"-c {name}={value}" for name, value in _server_timeouts(settings).items())
    if options and takes_options:
        arguments["options"] = options
    return arguments


def _server_timeouts(settings: Settings) -> dict[str, int]:
    """PostgreSQL's own names of the timeouts that the server keeps, and their milliseconds."""
    timeouts = {
        "statement_timeout": settings.statement_timeout_ms,
        "client_connection_check_interval": settings.client_check_ms,
    }
    return {name: value for name, value in timeouts.items() if value}


def _queue_arguments(settings: Settings) -> dict[str, Any]:
    return {
        "pool_size": settings.pool_size,
        "max_overflow": settings.pool_max_overflow,
        "pool_timeout": settings.pool_timeout_s or None,
        "pool_use_lifo": settings.pool_order == "lifo",
    }


def _execute_in_autocommit(connection: Any, statements: str) -> None:
    """Execute on the driver's own connection, without a transaction around it."""
    autocommit, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute(statements)
    connection.autocommit = autocommit
