"""Checks at the start that the database has the optional part of the schema without which no user could log in."""

from contextlib import closing

import psycopg2

from .engine import database_url
from .settings import Settings


class MissingPartError(RuntimeError):
    """The database lacks a part of the schema that the deployment cannot do without."""


def require_session_table(settings: Settings) -> None:
    """Raise `MissingPartError` where sessions are in the database, and it has no table for them.

    Raises `psycopg2.OperationalError` if the database does not answer.
    """
    if settings.sessions != "database":
        return
    url = database_url(settings).set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        closing(psycopg2.connect(url, connect_timeout=settings.connect_timeout_s)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT to_regclass('tracetrack.session') IS NOT NULL")
        if cursor.fetchone() != (True,):
            raise MissingPartError(
                "sessions is database, and the database has no table tracetrack.session; create it: "
                "python -m reference_app migrate --with session, and then grant the application's role its rights"
            )
