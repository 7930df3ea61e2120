"""Sessions in the store of all workers: the cookie is a random id, and the store knows it only by its digest."""

import hashlib
import json
import re

from flask import Flask

from ..settings import Settings
from ..store import Store
from .json_session import JsonSessions, Kept, new_id

_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class SharedSessions(JsonSessions):
    """Whoever reads the store finds no id to log in with."""

    def __init__(self, store: Store, lifetime_s: int, longest_s: int):
        super().__init__(lifetime_s, longest_s)
        self._store = store

    @classmethod
    def of(cls, app: Flask, settings: Settings) -> "SharedSessions":
        return cls(app.extensions["store"], settings.session_lifetime_s, settings.session_longest_s)

    def read(self, token: str) -> Kept | None:
        if not _ID.fullmatch(token):
            return None
        with self._store.asked() as client:
            stored = client.get(self._key(token))
        try:
            return Kept.read(json.loads(stored)) if stored else None
        except (ValueError, RecursionError):
            return None

    def write(self, token: str, kept: Kept, left_s: int) -> str:
        known, token = bool(token), token or new_id()
        with self._store.asked() as client:
            client.set(self._key(token), json.dumps(kept.record()), ex=max(1, left_s), xx=known)
        return token

    def drop(self, token: str) -> None:
        if _ID.fullmatch(token):
            with self._store.asked() as client:
                client.delete(self._key(token))

    def _key(self, token):
        return f"{self._store.prefix}session:{hashlib.sha256(token.encode()).hexdigest()}"
