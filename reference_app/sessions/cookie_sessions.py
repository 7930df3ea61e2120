"""Sessions in the cookie itself, signed: no store is needed, and a logout cannot revoke a stolen cookie."""

from hashlib import sha256

from flask import Flask
from itsdangerous import BadData, URLSafeSerializer

from ..settings import Settings
from .json_session import JsonSessions, SessionRecord, new_id


class CookieSessions(JsonSessions):
    """The content can be read by its owner, and changed only with the deployment's key."""

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
        return SessionRecord.from_json(content)

    def write(self, token: str, record: SessionRecord, left_s: int) -> str:
        # The random id, which is never looked up, makes the cookie of each login a different one.
        return str(self._serializer.dumps({"id": new_id(), **record.to_json()}))

    def drop(self, token: str) -> None:
        """Do nothing: a signed cookie stays valid until it expires."""
