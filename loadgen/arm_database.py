"""An empty database of the workbench's own PostgreSQL for a run of an application of a user's own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg2

from instrumentation import deadlines
from workbench.errors import UserError

from .run_database import MAX_CREATE_S, MAX_DROP_S, PREFIX
from .services import DatabaseServer
from .subprocesses import deferred_signals

MAX_CONNECTIONS = 100  # PostgreSQL's own default
VARIABLE = "DATABASE_URL"


@contextmanager
def empty_database(server: DatabaseServer, run: str) -> Iterator[str]:
    """Create a database for the block, which the application's role owns; yields its URL, password included."""
    name = f"{PREFIX}{run}".replace("-", "_")[:63]
    owner = f' OWNER "{server.application_role}"' if server.application_role else ""
    try:
        with deadlines.Deadline(MAX_CREATE_S):
            _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            _execute(server, f'CREATE DATABASE "{name}"{owner}')
    except psycopg2.Error as error:
        raise UserError(f"a database could not be created: {str(error).strip().splitlines()[0]}") from None
    try:
        yield server.application_url_of(name)
    finally:
        with deferred_signals(), suppress(UserError, psycopg2.Error), deadlines.Deadline(MAX_DROP_S):
            _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _execute(server: DatabaseServer, statement: str) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
