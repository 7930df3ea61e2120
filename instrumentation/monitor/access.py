"""Who may see the monitor: an administrator with a token of the application, and then with a cookie of the monitor.

The application, which knows its users, signs a token that is valid for a minute and opens the monitor once. The
monitor takes it in an address, where logs may keep it, and answers with a cookie that is valid for a quarter of an
hour. Both have the same key; the monitor never learns a password of a user, and reads no session.
"""

import hashlib
import hmac
import secrets
import time

from itsdangerous import BadSignature, URLSafeTimedSerializer

TOKEN_S, COOKIE_S = 60, 900
COOKIE = "monitor_access"  # the beginning of its name
KEY_VARIABLE = "INSTRUMENTATION_MONITOR_KEY"
MIN_KEY_LENGTH = 32
_PURPOSE = b"monitor access, version 1"


def derive_key(secret_key: str) -> str:
    """The key of the monitor, from the secret key of the application: from it the secret key cannot be computed."""
    return hmac.digest(secret_key.encode(), _PURPOSE, "sha256").hex()


def issue_token(key: str, user: str) -> str:
    """A token that lets this user in once, within a minute."""
    return _serializer(key, "token").dumps([user, secrets.token_hex(8)])


class Access:
    """Checks tokens and cookies with the key that the application has too."""

    def __init__(self, key: str):
        if len(key) < MIN_KEY_LENGTH:
            raise ValueError(f"a key of the monitor has at least {MIN_KEY_LENGTH} characters")
        self._key = key
        # A cookie is for all ports of a host: with one name for all, each monitor would end the visits of the others.
        self.cookie_name = f"{COOKIE}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        self._used: dict[str, float] = {}  # tokens, and when they end

    def redeem(self, token: str) -> str | None:
        """The cookie's value for a token; None for one that is wrong, too old, or used already."""
        user = _read(self._key, "token", token, TOKEN_S)
        now_s = time.monotonic()
        self._used = {used: end_s for used, end_s in self._used.items() if end_s > now_s}
        if user is None or token in self._used:
            return None
        self._used[token] = now_s + TOKEN_S + 1
        return _serializer(self._key, "cookie").dumps([user, ""])

    def user(self, cookie: str) -> str | None:
        """The user of a cookie; None for one that is wrong or too old."""
        return _read(self._key, "cookie", cookie, COOKIE_S)


def _serializer(key: str, purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256})


def _read(key: str, purpose: str, text: str, max_age_s: int) -> str | None:
    try:
        user, _ = _serializer(key, purpose).loads(text, max_age=max_age_s)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(user)
