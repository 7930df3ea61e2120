"""Sessions in the application's own database: the cookie is a random id, and the table knows only its digest.

Each use is one statement by itself, in one round trip. A request of a user needs one to read the session; a login
writes one, and removes some expired sessions.
"""

import json
from typing import Any

from flask import Flask

from ..database import lookup
from ..settings import Settings
from .database_errors import as_store_errors
from .json_session import JsonSessions, SessionRecord
from .session_ids import digest, is_id, new_id

# A login adds one session. It removes more than one, so that the table does not grow, and not so many that a user
# waits for it. Other logins at the same time take others.
MAX_REMOVED = 20

READ = "SELECT content FROM tracetrack.session WHERE id = %(id)s AND expires_at > now()"
# The id is new: only the same statement can have stored it, if its connection was lost and it runs again.
INSERT = f"""
    WITH removed AS (
        DELETE FROM tracetrack.session WHERE id IN (
            SELECT id FROM tracetrack.session WHERE expires_at <= now()
            ORDER BY expires_at LIMIT {MAX_REMOVED} FOR UPDATE SKIP LOCKED
        )
    )
    INSERT INTO tracetrack.session (id, content, expires_at)
    VALUES (%(id)s, %(content)s, now() + make_interval(secs => %(left_s)s))
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at RETURNING true
"""
# A session that has ended meanwhile is not there, and is not brought back.
UPDATE = """
    UPDATE tracetrack.session SET content = %(content)s, expires_at = now() + make_interval(secs => %(left_s)s)
    WHERE id = %(id)s AND expires_at > now() RETURNING true
"""
DELETE = "DELETE FROM tracetrack.session WHERE id = %(id)s RETURNING true"


class DatabaseSessions(JsonSessions):
    """Sessions as JSON in the table `session`, which `python -m reference_app migrate --with session` creates."""

    store_expires = True

    @classmethod
    def from_settings(cls, app: Flask, settings: Settings) -> "DatabaseSessions":
        """The sessions of a deployment."""
        return cls(settings.session_lifetime_s, settings.session_longest_s)

    def read(self, token: str) -> SessionRecord | None:
        row = _execute(READ, token) if is_id(token) else None
        return SessionRecord.from_json(row[0]) if row else None

    def write(self, token: str, record: SessionRecord, left_s: int) -> str | None:
        statement, session_id = (UPDATE, token) if token else (INSERT, new_id())
        content = json.dumps(record.to_json())
        return session_id if _execute(statement, session_id, content=content, left_s=max(1, left_s)) else None

    def drop(self, token: str) -> None:
        if is_id(token):
            _execute(DELETE, token)


def _execute(statement: str, session_id: str, **parameters: Any) -> tuple[Any, ...] | None:
    """The first row of a statement about one session. Raises `StoreUnavailable`."""
    with as_store_errors():
        return lookup(statement, {"id": digest(session_id).digest(), **parameters})
