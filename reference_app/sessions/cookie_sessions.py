"""Sessions in the cookie itself, signed: no store is needed, and the database lists those that ended by a logout."""

from dataclasses import replace
from hashlib import sha256

from flask import Flask
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Connection, text

from ..database import lookup, rows, write_with
from ..settings import Settings
from .database_errors import as_store_errors
from .json_session import JsonSessions, SessionRecord
from .session_ids import new_id

ENDED = "SELECT 1 FROM tracetrack.ended_session WHERE id = %(id)s"
END = text("INSERT INTO tracetrack.ended_session (id) VALUES (:id) ON CONFLICT DO NOTHING")
FORGET = text("DELETE FROM tracetrack.ended_session WHERE ended_at < now() - make_interval(secs => :seconds)")


class CookieSessions(JsonSessions):
    """The content can be read by its owner, and changed only with the deployment's key.

    A session that has ended is listed in the database until its cookie expires. Whoever uses a session's content has to
    look there, as `session_account.current_user` does together with the account.
    """

    def __init__(self, key: str, lifetime_s: int, max_age_s: int):
        super().__init__(lifetime_s, max_age_s)
        self._serializer = URLSafeSerializer(
            key, "tracetrack-session", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )

    @classmethod
    def from_settings(cls, app: Flask, settings: Settings) -> "CookieSessions":
        """The sessions of a deployment."""
        return cls(settings.secret_key, settings.session_lifetime_s, settings.session_longest_s)

    def read(self, token: str) -> SessionRecord | None:
        try:
            content = self._serializer.loads(token)
        except BadData:
            return None
        record = SessionRecord.from_json(content)
        return record if record and record.id else None

    def write(self, token: str, record: SessionRecord, left_s: int) -> str | None:
        if token and record.id and self._has_ended(record.id):
            return None
        return str(self._serializer.dumps(replace(record, id=record.id or new_id()).to_json()))

    def drop(self, token: str) -> None:
        """List the session as one that has ended, and forget those whose cookies have expired."""
        if record := self.read(token):
            with as_store_errors():
                write_with(lambda opened: self._end(opened, record.id))

    def _end(self, opened: Connection, session_id: str) -> None:
        rows(opened, FORGET, seconds=self._max_age_s)
        rows(opened, END, id=session_id)

    def _has_ended(self, session_id: str) -> bool:
        with as_store_errors():
            return lookup(ENDED, {"id": session_id}) is not None
