"""A table of the application that another session locks, so that its readers wait."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from loadgen.services import DatabaseServer


@contextmanager
def table_lock(server: DatabaseServer, database: str, table: str) -> Iterator[psycopg2.extensions.connection]:
    """Lock a table during the block; the connection that holds the lock may be closed earlier."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"LOCK TABLE tracetrack.{table} IN ACCESS EXCLUSIVE MODE")
        yield connection
