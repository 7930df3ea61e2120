"""The account behind a session, looked up in the database at each request.

A session holds for an account as it was at the login. It ends when the account is deactivated or removed, or gets
another role or another password. The session knows the password by a keyed digest of its hash, so that neither a
cookie nor a store reveals anything about it.
"""

import hmac
from typing import Any

from flask import session
from sqlalchemy import text

from .database import Row, lookup
from .settings import current_settings

User = dict[str, Any]

ACCOUNT = text('SELECT id, username, password_hash, role, active FROM tracetrack."user" WHERE id = :id')
# For sessions that are in the cookie only, so that a logout cannot remove them from a store.
ACCOUNT_UNLESS_ENDED = text(
    f"{ACCOUNT} AND NOT EXISTS (SELECT FROM tracetrack.ended_session WHERE ended_session.id = :session_id)"
)
KEY = b"tracetrack-credential:"


def log_in(account: Row, password_hash: str) -> None:
    """Let the session be that of an account whose password was checked against this hash."""
    session["user"] = {
        "id": account["id"],
        "username": account["username"],
        "role": account["role"],
        "credential": _credential(password_hash),
    }


def current_user() -> User | None:
    """The session's user (id, username and role) as in the database; None if no user is logged in.

    A session that no longer holds for its account is cleared.
    """
    match session.get("user"):
        case {"id": int(account_id), "role": str(role), "credential": str(credential)}:
            account = _read_account(account_id)
        case _:
            return None
    if account and _holds_for(account, role, credential):
        return {name: account[name] for name in ("id", "username", "role")}
    session.clear()
    return None


def _read_account(account_id: int) -> Row | None:
    if session_id := getattr(session, "revocation_id", ""):
        return lookup(ACCOUNT_UNLESS_ENDED, id=account_id, session_id=session_id)
    return lookup(ACCOUNT, id=account_id)


def _holds_for(account: Row, role: str, credential: str) -> bool:
    is_same = account["active"] and account["role"] == role
    return is_same and hmac.compare_digest(_credential(account["password_hash"]), credential)


def _credential(password_hash: str) -> str:
    """A digest of the hash, by the deployment's key: 128 bits in hexadecimal digits."""
    key = KEY + current_settings().secret_key.encode()
    return hmac.digest(key, password_hash.encode(), "sha256")[:16].hex()
