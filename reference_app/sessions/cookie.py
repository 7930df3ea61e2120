"""Sessions in the cookie itself, signed: nothing to ask, and nothing that a logout could take back from a thief."""

from hashlib import sha256

from flask import Flask
from itsdangerous import BadData, URLSafeSerializer

from ..settings import Settings
from .json_session import JsonSessions, Kept, new_id


class CookieSessions(JsonSessions):
    """The content can be read by its owner, and changed by nobody without the deployment's key."""

    def __init__(self, key: str, lifetime_s: int, longest_s: int):
        super().__init__(lifetime_s, longest_s)
        self._signed = URLSafeSerializer(
            key, "tracetrack-session", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )

    @classmethod
    def of(cls, app: Flask, settings: Settings) -> "CookieSessions":
        return cls(settings.secret_key, settings.session_lifetime_s, settings.session_longest_s)

    def read(self, token: str) -> Kept | None:
        try:
            content = self._signed.loads(token)
        except BadData:
            return None
        return Kept.read(content)

    def write(self, token: str, kept: Kept, left_s: int) -> str:
        # A random id makes each login's cookie another, though nobody looks it up.
        return self._signed.dumps({"id": new_id(), **kept.record()})

    def drop(self, token: str) -> None:
        pass
