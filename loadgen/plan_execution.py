"""Executing statements for their plans, `EXPLAIN (ANALYZE, BUFFERS)`, in the database of a run that is over.

A statement is executed with values that the load sent, as the application's role, and in a transaction that is rolled
back: only sequences keep what it did. The text goes through a function, in which no statement can end the transaction.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from .services import DatabaseServer, connect
from .statement_executions import Execution

MAX_EXECUTION_MS = 5_000  # of one statement
FUNCTION = """
    CREATE FUNCTION pg_temp.explained(options text, statement text) RETURNS json LANGUAGE plpgsql AS $$
    DECLARE plan json;
    BEGIN
        EXECUTE 'EXPLAIN (' || options || ') ' || statement INTO plan;
        RETURN plan;
    END $$
"""
# The server's log must not get the values of a statement that fails.
QUIET = sql.SQL("ALTER DATABASE {} SET log_min_messages = 'panic'")
IDENTIFY, EXECUTE = "VERBOSE, FORMAT JSON", "ANALYZE, BUFFERS, FORMAT JSON"


class ExecutedPlan(NamedTuple):
    """A plan as PostgreSQL's JSON has it, with the time that its execution took; or why there is none."""

    plan: Mapping[str, Any] | None
    execution_ms: float = 0.0
    failure: str = ""


@contextmanager
def executor(server: DatabaseServer, database: str) -> Iterator["PlanExecutor"]:
    """What executes statements in a database for the block. Raises psycopg2's error where the server refuses."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(QUIET.format(sql.Identifier(database)))
    with closing(connect(server.application_url_of(database))) as connection:
        yield PlanExecutor(connection)


class PlanExecutor:
    """Executes statements over a connection of the application's role."""

    def __init__(self, connection: Connection):
        self._connection = connection
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", (MAX_EXECUTION_MS,))
            cursor.execute(FUNCTION)

    def query_id(self, execution: Execution) -> int | None:
        """The number that the server's statistics have for a statement; None where it cannot be planned."""
        try:
            return self._explained(execution, IDENTIFY).get("Query Identifier")
        except (psycopg2.ProgrammingError, psycopg2.DataError, KeyError, TypeError, ValueError):
            return None

    def execute(self, execution: Execution) -> ExecutedPlan:
        """Execute a statement for its plan, and roll back what it did."""
        try:
            explained = self._explained(execution, EXECUTE)
        except psycopg2.Error as error:
            if self._connection.closed:
                raise
            return ExecutedPlan(None, failure=(str(error).strip() or type(error).__name__).splitlines()[0])
        except (KeyError, TypeError, ValueError):
            return ExecutedPlan(None, failure="the values that were recorded do not fit its text")
        return ExecutedPlan(explained["Plan"], float(explained["Execution Time"]))

    def _explained(self, execution: Execution, options: str) -> Mapping[str, Any]:
        with self._connection.cursor() as cursor:
            statement = execution.sql(cursor)
            cursor.execute("BEGIN")
            try:
                cursor.execute("SELECT pg_temp.explained(%s, %s)", (options, statement))
                ((explained,),) = cursor.fetchall()
            finally:
                if not self._connection.closed:
                    cursor.execute("ROLLBACK")
        if not isinstance(explained, list):
            raise ValueError("more than one statement")
        return explained[0]
