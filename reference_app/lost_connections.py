"""A unit of work whose connection was lost runs again, once, on another connection.

That is right for every unit of this application: a lost connection ends its transaction, and where it was lost while
the COMMIT was under way, the unit is one that may be done twice. A scan has its `Idempotency-Key`.

A connection is lost if the server or the network has closed it, or if its server has become a standby that does not
write. One that did not answer within its deadline is lost too, but its unit is not run again: its time is over.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from instrumentation.deadlines import DeadlineExceeded

from . import database_deadline
from .settings import current_settings

READ_ONLY = "25006"  # read_only_sql_transaction

Result = TypeVar("Result")


def count_read_only(engine: Engine) -> None:
    """Let SQLAlchemy count a connection to a server that refuses to write as lost, and replace it."""
    dialect: Any = engine.dialect  # of this engine alone
    is_disconnect = dialect.is_disconnect

    def is_lost(error: Any, connection: Any, cursor: Any) -> bool:
        codes = getattr(error, "pgcode", None), getattr(error, "sqlstate", None)  # of psycopg2, of psycopg 3
        return READ_ONLY in codes or is_disconnect(error, connection, cursor)

    dialect.is_disconnect = is_lost


def run_unit(unit: Callable[[], Result]) -> Result:
    """The result of a unit of work, which takes its own connection from the pool.

    All its waits end with the request's time for the database, see `database_deadline`. Raises SQLAlchemy's errors.
    """
    with database_deadline.bounded():
        try:
            return unit()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # Others of the pool were lost with it, as by a restart of the server.
            current_app.extensions["pings"].distrust()
            if not current_settings().retry_lost or isinstance(error.orig, DeadlineExceeded):
                raise
        database_deadline.require_time()
        return unit()
