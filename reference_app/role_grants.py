"""The rights of the application in its database, for a role that owns nothing and is no superuser."""

from collections.abc import Sequence
from contextlib import closing

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident

GRANTS = (
    "USAGE ON SCHEMA tracetrack",
    'SELECT ON tracetrack."user", tracetrack.bag, tracetrack.link, tracetrack.scan, tracetrack.ended_session',
    "SELECT ON tracetrack.bill, tracetrack.bill_bag",
    'UPDATE (password_hash) ON tracetrack."user"',
    "UPDATE (parent_id) ON tracetrack.bag",
    "INSERT (parent_id, child_id), UPDATE (child_id) ON tracetrack.link",
    "INSERT (bag_id, user_id, parent_id, idempotency_key) ON tracetrack.scan",
    "INSERT (id), DELETE ON tracetrack.ended_session",
)
# By the table of an optional part of the schema.
OPTIONAL_GRANTS = {
    # Its triggers count what the application writes, with the application's rights.
    "tracetrack.summary": "SELECT, UPDATE ON tracetrack.summary",
    "tracetrack.session": "SELECT, INSERT, UPDATE, DELETE ON tracetrack.session",
}


def grant(cursor: Cursor, role: str, core: Sequence[str] = GRANTS) -> None:
    """Grant the role what the application needs of the schema that is there. Raises `psycopg2.Error`.

    `core` are the rights that it needs in any case.
    """
    cursor.execute("SELECT name FROM unnest(%s) AS name WHERE to_regclass(name) IS NOT NULL", (list(OPTIONAL_GRANTS),))
    present = [name for (name,) in cursor.fetchall()]
    for privileges in (*core, *(OPTIONAL_GRANTS[name] for name in present)):
        cursor.execute(f"GRANT {privileges} TO {quote_ident(role, cursor)}")


def grant_in(url: str, role: str) -> None:
    """Grant in the database of a URL of libpq, as the owner of its schema; all or nothing. Raises `psycopg2.Error`."""
    with (
        closing(psycopg2.connect(url, connect_timeout=5)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        grant(cursor, role)
