"""The ids of sessions that a store keeps: random ones in the cookie, and their digests in the store."""

import hashlib
import re
import secrets

_ID = re.compile(r"[A-Za-z0-9_-]{43}")


def new_id() -> str:
    """256 random bits as 43 characters of a URL."""
    return secrets.token_urlsafe(32)


def is_id(text: str) -> bool:
    """True for what has the form of an id."""
    return bool(_ID.fullmatch(text))


def digest(session_id: str) -> "hashlib._Hash":
    """The SHA-256 of an id, under which a store keeps its session: the store's content is of no use for logging in."""
    return hashlib.sha256(session_id.encode())
