"""The role of the application in a PostgreSQL that the workbench starts: it owns nothing, and is no superuser.

The workbench's own role creates databases, reads statistics and ends connections; the application needs none of that.
"""

import secrets

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

ROLE = "tracetrack_app"
ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def create(connection: Connection) -> str:
    """Create the role, or give it a new password; returns that."""
    password = secrets.token_urlsafe(24)
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,))
        verb = "ALTER" if cursor.rowcount else "CREATE"
        # Encrypted here: PostgreSQL keeps statements in its log and in its statistics.
        encrypted = encrypt_password(password, ROLE, connection, "scram-sha-256")
        cursor.execute(f"{verb} ROLE {ROLE} {ATTRIBUTES} PASSWORD %s", (encrypted,))
    return password
