"""Sessions in the store of all workers: the cookie is a random id, and the store knows only its digest."""

import json
from typing import Any

from flask import Flask

from ..settings import Settings
from ..store import Store
from .json_session import JsonSessions, SessionRecord
from .session_ids import digest, is_id, new_id


class SharedSessions(JsonSessions):
    """Sessions under digests, so that the content of the store is of no use for logging in."""

    store_expires = True

    def __init__(self, store: Store, lifetime_s: int, max_age_s: int):
        super().__init__(lifetime_s, max_age_s)
        self._store = store

    @classmethod
    def from_settings(cls, app: Flask, settings: Settings) -> "SharedSessions":
        """The sessions of a deployment."""
        return cls(app.extensions["store"], settings.session_lifetime_s, settings.session_longest_s)

    def read(self, token: str) -> SessionRecord | None:
        if not is_id(token):
            return None
        with self._store.use() as client:
            stored: Any = client.get(self._key(token))
        try:
            return SessionRecord.from_json(json.loads(stored)) if stored else None
        except (ValueError, RecursionError):
            return None

    def write(self, token: str, record: SessionRecord, left_s: int) -> str | None:
        exists, token = bool(token), token or new_id()
        with self._store.use() as client:
            stored = client.set(self._key(token), json.dumps(record.to_json()), ex=max(1, left_s), xx=exists)
        return token if stored else None

    def drop(self, token: str) -> None:
        if is_id(token):
            with self._store.use() as client:
                client.delete(self._key(token))

    def _key(self, token: str) -> str:
        return f"{self._store.prefix}session:{digest(token).hexdigest()}"
